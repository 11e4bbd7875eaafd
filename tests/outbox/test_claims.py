"""Who gets which delivery: by one statement, on both databases."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from exporter.core.breaker import TRIES, AttemptReport
from exporter.core.delivery import Attempt, DeliveryState, EndpointState
from exporter.core.store import Filter
from exporter.store import claims, outcomes
from exporter.store.backlog import backlogs
from exporter.store.claims import EACH, Claim, Turn
from exporter.store.database import Database
from exporter.store.outcomes import Outcome
from exporter.store.retries import RetryChoice, RetryPortion, numbers_of, retry
from exporter.store.subjects import attempts, deliveries, endpoints, replicas
from tests.outbox.parcels import KIND, NOW, parcel, put, rows

CRM, MAIL = (KIND, "crm"), (KIND, "mail")


def claim(store: Database, owner: str = "a", **changes: Any) -> list[str]:
    with store.writing() as connection:
        found = claims.claim(connection, replace(Claim(KIND, owner, NOW, 1000), **changes))
    return sorted(one.id for one in found)


def turn(store: Database, owner: str = "a", **changes: Any) -> list[str]:
    with store.writing() as connection:
        found = claims.take_turn(connection, replace(Turn(CRM, owner, NOW, 10), **changes))
    return [one.id for one in found]


def change(store: Database, **values: Any) -> None:
    with store.writing() as connection:
        endpoints.change(connection, CRM, **values)


def settle(store: Database, name: str, owner: str, state: DeliveryState, *, works: bool = True) -> bool:
    done = parcel(name, state=state, attempts=1)
    attempt = Attempt(name, 1, NOW, 0.1)
    with store.writing() as connection:
        (found,) = outcomes.record(connection, [Outcome(done, owner, attempt, AttemptReport(NOW, works))])
    return found.owned


def test_what_is_due_is_claimed_once(store: Database) -> None:
    put(store, [parcel("now"), parcel("later", due=NOW + 1), parcel("other", kind="sms")])
    assert claim(store) == ["now"]
    assert claim(store, "b") == []
    assert claim(store, "b", now=NOW + 1) == ["later"]
    assert rows(store, "delivery, owner") == [("later", "b"), ("now", "a"), ("other", "")]


def test_a_claim_that_is_not_committed_yet_keeps_no_other_replica_waiting(database: str) -> None:
    store = Database(database)
    store.open()
    put(store, [parcel(f"{number:03}") for number in range(EACH + 5)])
    with store.writing() as first:
        taken = claims.claim(first, Claim(KIND, "a", NOW, 1000))
        assert len(taken) == EACH
        assert len(claim(store, "b")) == 5
    assert sorted(rows(store, "owner")) == ["a"] * EACH + ["b"] * 5
    store.close()


def test_a_claim_takes_a_few_of_each_endpoint_so_that_none_takes_all_the_room(store: Database) -> None:
    put(store, [parcel(f"m{number:03}", "mail") for number in range(3 * EACH)])
    put(store, [parcel(f"c{number}") for number in range(3)])
    found = claim(store)
    assert [name for name in found if name[0] == "c"] == ["c0", "c1", "c2"]
    assert len(found) == EACH + 3
    assert len(claim(store, "b")) == EACH, "a second one gets the next"


def test_a_claim_goes_by_the_time_that_is_due(store: Database) -> None:
    put(store, [parcel(f"{number:03}", due=NOW - number) for number in range(2 * EACH)])
    assert claim(store) == [f"{number:03}" for number in range(EACH, 2 * EACH)]


def test_a_claim_leaves_out_who_is_busy_and_goes_on_where_one_without_room_stopped(store: Database) -> None:
    for endpoint in ("a", "b", "c"):
        put(store, [parcel(endpoint + name, endpoint) for name in "12"])
    assert claim(store, busy=frozenset("a"), room=2) == ["b1", "b2"]
    assert claim(store, after="b") == ["c1", "c2"]
    assert claim(store) == ["a1", "a2"]


@pytest.mark.parametrize(
    "values",
    [
        {"open_until": NOW + 1},
        {"next_free": NOW + 1},
        {"failures": TRIES},
        {"metered": True},
    ],
)
def test_an_endpoint_that_is_left_alone_or_takes_turns_is_not_claimed_with_the_others(
    store: Database, values: dict[str, Any]
) -> None:
    put(store, [parcel("one"), parcel("two", "mail")])
    change(store, **values)
    assert claim(store) == ["two"]
    change(store, open_until=0.0, next_free=0.0, failures=TRIES - 1, metered=False)
    assert claim(store) == ["one"]


def test_the_rows_of_a_dead_endpoint_are_not_even_read_by_a_claim_of_others(store: Database) -> None:
    """Every part of the statement looks something up in an index; nothing goes through the table."""
    if store.url.get_backend_name() != "sqlite":
        # PostgreSQL's planner goes by sizes; that it takes the index for many rows is asked below.
        put(store, [parcel(f"{number}", "dead") for number in range(5000)])
        with store.writing() as connection:
            connection.exec_driver_sql("ANALYZE")
    binds: dict[str, Any] = {
        "kind": KIND,
        "owner": "a",
        "now": NOW,
        "room": 9,
        "after": "",
        "busy": [""],
        "tries": 5,
    }
    word = "EXPLAIN QUERY PLAN " if store.url.get_backend_name() == "sqlite" else "EXPLAIN "
    with store.reading() as connection:
        asked = claims.statement_of(connection)
        explained = text(word + asked.text).bindparams(*asked._bindparams.values())
        plan = [str(row) for row in connection.execute(explained, {**binds, "each": EACH})]
    assert any("delivery_due" in line for line in plan)
    assert not [line for line in plan if "Seq Scan on delivery" in line or "SCAN m" in line]
    lookups = [line for line in plan if "SEARCH d" in line or "SCAN d" in line]
    # SQLite calls a lookup without an index SEARCH as well; `delivery` itself is found by its numbers.
    assert all("delivery_due" in line or "INTEGER PRIMARY KEY" in line for line in lookups)


def test_of_a_rate_each_claim_gets_what_is_free_and_replicas_share_it(store: Database) -> None:
    put(store, [parcel(f"{number:02}") for number in range(20)], metered=frozenset({CRM}))
    ten_a_second: dict[str, Any] = {"spacing": 0.1, "burst": 3}
    assert turn(store, **ten_a_second) == ["00", "01", "02"]
    assert turn(store, "b", **ten_a_second) == []
    assert turn(store, "b", now=NOW + 0.11, **ten_a_second) == ["03"]
    assert turn(store, now=NOW + 0.35, **ten_a_second) == ["04", "05"]
    assert turn(store, now=NOW + 60, **ten_a_second) == ["06", "07", "08"]


def test_an_order_has_one_under_way_of_all_replicas_and_its_head_comes_first(store: Database) -> None:
    put(store, [parcel("first", due=NOW - 2), parcel("second", due=NOW - 1)], metered=frozenset({CRM}))
    assert turn(store, ordered=True) == ["first"]
    assert turn(store, "b", ordered=True) == []
    assert settle(store, "first", "a", DeliveryState.WAITING)
    assert turn(store, "b", ordered=True, now=NOW + 1) == ["second"]  # `first` is due at NOW by `settle`


def test_an_open_breaker_lets_one_trial_through_at_a_time(store: Database) -> None:
    put(store, [parcel("one"), parcel("two")])
    change(store, failures=TRIES, open_until=NOW)
    with store.reading() as connection:
        assert claims.lanes_in_turn(connection, KIND, NOW) == ["crm"]
    assert len(turn(store, trial=30.0)) == 1
    assert turn(store, "b", now=NOW + 29) == []
    with store.reading() as connection:
        assert claims.lanes_in_turn(connection, KIND, NOW + 29) == []
    assert len(turn(store, "b", now=NOW + 30)) == 1


def test_an_outcome_counts_only_from_who_still_has_the_delivery(store: Database) -> None:
    put(store, [parcel("one")], owner="frozen")
    with store.writing() as connection:
        assert claims.free(connection, "frozen") == 1
    assert claim(store, "other") == ["one"]
    assert not settle(store, "one", "frozen", DeliveryState.DELIVERED)
    assert rows(store, "state, owner, attempts") == [("waiting", "other", 0)]
    assert settle(store, "one", "other", DeliveryState.DEAD)
    assert rows(store, "state, owner, attempts") == [("dead", "", 1)]
    with store.reading() as connection:
        assert len(attempts.of_delivery(connection, "one")) == 2, "both were made"


def test_an_endpoint_that_works_costs_no_row(store: Database) -> None:
    put(store, [parcel("one"), parcel("two")], owner="a")
    settle(store, "one", "a", DeliveryState.DELIVERED)
    with store.reading() as connection:
        assert endpoints.states(connection) == {}
    settle(store, "two", "a", DeliveryState.WAITING, works=False)
    settle(store, "two", "a", DeliveryState.WAITING, works=False)
    with store.reading() as connection:
        assert endpoints.states(connection) == {CRM: EndpointState(failures=2)}


def test_what_a_replica_carried_is_freed_when_its_lease_expires_and_not_before(store: Database) -> None:
    put(store, [parcel("one")], owner="a")
    put(store, [parcel("two")], owner="b")
    put(store, [parcel("three")], owner="never registered")
    with store.writing() as connection:
        for name in ("a", "b"):
            replicas.register(connection, name)
        assert replicas.remove_stale(connection, 30.0) == []
        assert claims.free_orphans(connection) == 1
        connection.execute(replicas.TABLE.update().where(replicas.TABLE.c.name == "a").values(seen=1.0))
        assert replicas.remove_stale(connection, 30.0) == ["a"]
        assert claims.free_orphans(connection) == 1
        assert not replicas.renew(connection, "a") and replicas.renew(connection, "b")
    assert rows(store, "delivery, owner") == [("one", ""), ("three", ""), ("two", "b")]


def test_what_expired_is_dead_unless_somebody_carries_it(store: Database) -> None:
    put(store, [parcel("old", expires=NOW), parcel("young", expires=NOW + 1)])
    put(store, [parcel("failed", expires=NOW, reason="timeout", attempts=3)])
    put(store, [parcel("carried", expires=NOW)], owner="a")
    with store.writing() as connection:
        assert claims.expire(connection, NOW) == 2
    assert rows(store, "delivery, state, reason") == [
        ("carried", "waiting", ""),
        ("failed", "dead", "timeout"),
        ("old", "dead", "expired"),
        ("young", "waiting", ""),
    ]


def test_what_waits_for_an_endpoint_that_is_gone_is_dead_unless_somebody_carries_it(store: Database) -> None:
    put(store, [parcel("one"), parcel("failed", reason="timeout", attempts=3), parcel("other", "mail")])
    put(store, [parcel("sms", kind="sms"), parcel("there", state=DeliveryState.DELIVERED)])
    put(store, [parcel("carried")], owner="a")
    with store.writing() as connection:
        assert claims.abandon(connection, [(KIND, "crm"), (KIND, "nobody")]) == [2, 0]
    assert rows(store, "delivery, detail", "delivery WHERE reason = 'not_configured'") == [
        ("failed", "its endpoint was deleted"),
        ("one", "its endpoint was deleted"),
    ]
    assert len(rows(store, "delivery", "delivery WHERE state = 'dead'")) == 2


def test_duplicates_are_known_by_their_ids_also_within_one_transaction(store: Database) -> None:
    first = parcel("one", body=b"first")
    assert put(store, [first, parcel("one", body=b"second"), parcel("two")]) == [True, False, True]
    assert put(store, [parcel("two"), parcel("three")]) == [False, True]
    with store.reading() as connection:
        assert deliveries.find(connection, "one") == first
        assert deliveries.find(connection, "four") is None


def test_retention_never_takes_what_waits(store: Database) -> None:
    put(store, [parcel(state.value, state=state) for state in DeliveryState])
    put(store, [parcel(f"much {number}", state=DeliveryState.DEAD) for number in range(3000)])
    portions: list[int] = []
    while portions[-1:] != [0]:
        portions.append(store.retain({"webhooks": 10.0}, NOW + 11.0))
    assert rows(store, "delivery") == ["waiting"]
    assert len(portions) > 2, "in portions"


def retry_all(store: Database, choice: RetryChoice) -> list[str]:
    choice = replace(choice, kinds=frozenset({KIND}))
    with store.writing() as connection:
        numbers = tuple(numbers_of(connection, choice))
        retry(connection, [RetryPortion(numbers, "ann", NOW + 50)])
    return rows(store, "delivery", "delivery WHERE actor = 'ann'")


def test_a_retry_by_hand_takes_the_dead_ones_that_are_meant(store: Database) -> None:
    dead: dict[str, Any] = {"state": DeliveryState.DEAD, "attempts": 12, "reason": "timeout"}
    put(
        store, [parcel("crm dead", tenant="acme", **dead), parcel("mail dead", "mail", tenant="bolt", **dead)]
    )
    put(
        store,
        [
            parcel("sms dead", kind="sms", **dead),
            parcel("waits"),
            parcel("there", state=DeliveryState.DELIVERED),
        ],
    )
    change(store, failures=9, open_until=NOW + 300)
    chosen = claims_filter(endpoint="crm")
    assert retry_all(store, RetryChoice(chosen=claims_filter(endpoint="none"))) == []
    assert retry_all(store, RetryChoice(("mail dead",), claims_filter(tenants=("acme",)))) == []
    assert retry_all(store, RetryChoice(chosen=chosen)) == ["crm dead"]
    assert rows(store, "state, due, attempts, attempts_before", "delivery WHERE actor = 'ann'") == [
        ("waiting", NOW + 50, 12, 12)
    ]
    with store.reading() as connection:
        assert endpoints.states(connection)[CRM] == EndpointState(failures=9), "a trial may begin at once"
    assert retry_all(store, RetryChoice()) == ["crm dead", "mail dead"]
    assert retry_all(store, RetryChoice(("there",))) == ["crm dead", "mail dead", "there"]


def claims_filter(endpoint: str = "", tenants: tuple[str, ...] | None = None) -> Filter:
    return Filter(fields=(("endpoint", endpoint),) if endpoint else (), tenants=tenants)


def test_a_backlog_counts_what_waits_since_when_and_what_is_dead(store: Database) -> None:
    put(store, [parcel("a", created=NOW - 9), parcel("b", created=NOW - 5)])
    put(store, [parcel("c", created=NOW - 20)], owner="x")
    put(
        store,
        [parcel("d", "mail", state=DeliveryState.DEAD), parcel("e", "mail", state=DeliveryState.DELIVERED)],
    )
    with store.reading() as connection:
        found = backlogs(connection)
    assert {lane: (one.waiting, one.oldest, one.dead) for lane, one in found.items()} == {
        CRM: (3, NOW - 20, 0),
        MAIL: (0, None, 1),
    }
