"""Deliveries by API: handed in once, delivered and signed, looked at with every attempt, and tried again."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from exporter.core.delivery import Delivery, DeliveryState
from exporter.store.database import Database
from tests.server.webhook_desk import ACME, APP, GIVEN, GLOBEX, LOOKER, OPS, Desk, settled, webhook_desk
from tests.servers.raw import Raw, Visit, answering, keeping, ok, serving
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/state.db")
    made.open()
    yield made
    made.close()


@pytest.fixture
async def desk(tmp_path: Path, store: Database) -> AsyncIterator[Desk]:
    async with webhook_desk(tmp_path, store) as made:
        made.room.live = True
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Raw]:
    async with serving(keeping()) as made:
        yield made


def message(payload: bytes = b'{"total": 1.10,  "\\u00e9": [1e2]}', **changes: Any) -> bytes:
    values = {"id": "evt_1", "tenant": "acme", "type": "order.created"} | changes
    return json.dumps(values).encode()[:-1] + b', "payload": ' + payload + b"}"


async def open_endpoint(desk: Desk, receiver: Raw, **changes: Any) -> None:
    made = await desk.make(url=receiver.url("/hook"), allow_private=True, secret=GIVEN, **changes)
    assert made.status == 201, made.text


async def test_a_payload_arrives_byte_for_byte_signed_for_its_receiver(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver)
    answer = await desk.api("POST", "/deliveries", message(), APP)
    assert answer.status == 202
    assert answer.json == {
        "id": "evt_1",
        "deliveries": [
            {"id": "deliver/acme-crm/evt_1", "endpoint": "acme-crm", "tenant": "acme", "new": True},
            {"id": "deliver/fixed/evt_1", "endpoint": "fixed", "tenant": "acme", "new": True},
        ],
    }
    await until(lambda: bool(receiver.requests))
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"total": 1.10,  "\\u00e9": [1e2]}'
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert Webhook(GIVEN).verify(body, headers)
    found = await settled(desk, "/deliveries/deliver/acme-crm/evt_1", "delivered")
    assert [one["http_status"] for one in found["attempts_made"]] == [200]


async def test_the_same_id_makes_the_same_deliveries_and_no_second_ones(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver)
    first = (await desk.api("POST", "/deliveries", message())).json["deliveries"]
    await settled(desk, "/deliveries/deliver/acme-crm/evt_1", "delivered")
    second = (await desk.api("POST", "/deliveries", message())).json["deliveries"]
    assert [one["id"] for one in second] == [one["id"] for one in first]
    assert [one["new"] for one in second] == [False, False]
    await asyncio.gather(*(desk.api("POST", "/deliveries", message(id="evt_2")) for _ in range(8)))
    await settled(desk, "/deliveries/deliver/acme-crm/evt_2", "delivered")
    assert len(receiver.requests) == 2


async def test_only_endpoints_of_the_tenant_that_want_the_type_get_it(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver, types=["invoice.*"])
    made = (await desk.api("POST", "/deliveries", message())).json["deliveries"]
    assert [one["endpoint"] for one in made] == ["fixed"]
    made = (await desk.api("POST", "/deliveries", message(id="b", type="invoice.paid"))).json["deliveries"]
    assert [one["endpoint"] for one in made] == ["acme-crm", "fixed"]
    none = await desk.api("POST", "/deliveries", message(tenant="globex"))
    assert (none.status, none.json["deliveries"]) == (202, [])


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b"{", "JSON"),
        (message(id=""), "id"),
        (message(id="a b"), "id"),
        (message(id="x" * 129), "id"),
        (message(type="a b"), "type"),
        (message(type=""), "type"),
        (message(tenant="a/b"), "tenant"),
        (message(other=1), "other"),
        (b'{"id": "a", "type": "b"}', "payload"),
        (b'{"id": "a", "payload": 1}', "type"),
        (message(b"{bad}"), "JSON"),
        (message(b'"\xff"'), "JSON"),
        (message(b'"' + b"x" * (1 << 20) + b'"'), "payload"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_with_the_reason(desk: Desk, body: bytes, word: str) -> None:
    answer = await desk.api("POST", "/deliveries", body)
    assert answer.status == 400 and word in answer.json["error"], answer.text


async def test_a_body_beyond_the_limit_is_not_read(desk: Desk) -> None:
    assert (await desk.api("POST", "/deliveries", message(b'"' + b"x" * (2 << 20) + b'"'))).status == 413


async def test_a_body_may_be_packed_and_a_packed_bomb_is_no_way_around_the_limit(
    desk: Desk, receiver: Raw
) -> None:
    await open_endpoint(desk, receiver)
    for payload, status in ((b"[1]", 202), (b'"' + b"x" * (8 << 20) + b'"', 413)):
        answer = await desk.house.ask(
            "/api/v1/deliveries",
            "POST",
            OPS | {"Content-Encoding": "gzip"},
            admin=False,
            data=gzip.compress(message(payload)),
        )
        assert answer.status == status
    await until(lambda: bool(receiver.requests))
    assert receiver.requests[0].endswith(b"\r\n\r\n[1]")


async def test_who_is_bound_to_tenants_hands_in_and_sees_theirs_alone(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver)
    assert (await desk.api("POST", "/deliveries", message(), GLOBEX)).status == 403
    assert (await desk.api("POST", "/deliveries", message(), LOOKER)).status == 403
    assert (await desk.api("POST", "/deliveries", message(), ACME)).status == 202
    assert (await desk.api("GET", "/deliveries/deliver/acme-crm/evt_1", None, OPS)).status == 200
    for who, count in ((LOOKER, 2), (OPS, 2)):
        found = (await desk.api("GET", "/deliveries", None, who)).json["deliveries"]
        assert len(found) == count


async def test_the_payload_is_shown_to_admins_alone(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver)
    await desk.api("POST", "/deliveries", message(b'"personal"'))
    path = "/deliveries/deliver/acme-crm/evt_1"
    assert (await desk.api("GET", path)).json["payload"] == '"personal"'
    looked = await desk.api("GET", path, None, LOOKER)
    assert looked.status == 200 and "personal" not in looked.text
    assert (await desk.api("GET", "/deliveries/deliver/none/evt_1")).status == 404


async def test_a_store_that_fails_is_answered_with_503_and_when_to_come_again(
    desk: Desk, store: Database, receiver: Raw
) -> None:
    await open_endpoint(desk, receiver)
    Path(str(store.url.database)).unlink()
    Path(str(store.url.database)).mkdir()
    store.close()  # at the end: whoever opened it again in between would write into what is unlinked
    answer = await desk.api("POST", "/deliveries", message())
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 0
    assert receiver.visits == 0


async def test_what_waits_for_a_paused_endpoint_is_sent_when_it_is_active_again(
    desk: Desk, receiver: Raw
) -> None:
    await open_endpoint(desk, receiver)
    await desk.ask("PATCH", "/acme-crm", {"state": "paused"})
    await desk.api("POST", "/deliveries", message())
    assert (await desk.api("GET", "/deliveries/deliver/acme-crm/evt_1")).json["state"] == "waiting"
    await asyncio.sleep(0.2)
    assert receiver.visits == 0
    await desk.ask("PATCH", "/acme-crm", {"state": "active"})
    await settled(desk, "/deliveries/deliver/acme-crm/evt_1", "delivered")


async def test_of_two_who_pause_an_endpoint_the_second_hears_of_the_first(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver)
    body = {"state": "paused", "expected": {"state": "active"}}
    assert (await desk.ask("PATCH", "/acme-crm", body)).status == 200
    answer = await desk.ask("PATCH", "/acme-crm", body)
    assert answer.status == 409 and "acme-crm is paused by now; nothing was changed" in answer.json["error"]
    assert (await desk.ask("PATCH", "/acme-crm", {"state": "paused"})).status == 200
    for wrong in ({"state": "odd"}, {}, "active"):
        assert (await desk.ask("PATCH", "/acme-crm", body | {"expected": wrong})).status == 400


async def test_what_waits_for_an_endpoint_that_is_deleted_is_dead_at_once_and_says_why(
    desk: Desk, receiver: Raw
) -> None:
    await open_endpoint(desk, receiver)
    await desk.ask("PATCH", "/acme-crm", {"state": "paused"})
    for number in range(3):
        await desk.api("POST", "/deliveries", message(id=f"evt_{number}"))
    assert (await desk.ask("DELETE", "/acme-crm")).status == 204
    found = (await desk.api("GET", "/deliveries?endpoint=acme-crm")).json["deliveries"]
    assert {(one["state"], one["reason"], one["detail"]) for one in found} == {
        ("dead", "not_configured", "its endpoint was deleted")
    }
    fixed = (await desk.api("GET", "/deliveries?endpoint=fixed")).json["deliveries"]
    assert [one["state"] for one in fixed] == ["waiting"] * 3
    # Once it is there again, what is retried by hand goes out.
    await open_endpoint(desk, receiver)
    await desk.api("POST", "/deliveries/retry", {"endpoint": "acme-crm"})
    for number in range(3):
        await settled(desk, f"/deliveries/deliver/acme-crm/evt_{number}", "delivered")


async def test_a_ping_reaches_its_endpoint_whatever_types_it_wants(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver, types=["invoice.*"])
    answer = await desk.ask("POST", "/acme-crm/ping", None, ACME)
    assert answer.status == 202
    found = await settled(desk, f"/deliveries/{answer.json['id']}", "delivered")
    assert found["type"] == "ping"
    sent = json.loads(receiver.requests[0].partition(b"\r\n\r\n")[2])
    assert (sent["type"], sent["endpoint"]) == ("ping", "acme-crm")
    assert desk.room.audit[-1].action == "endpoint.pinged"
    await desk.ask("PATCH", "/acme-crm", {"state": "paused"})
    assert (await desk.ask("POST", "/acme-crm/ping")).status == 409
    assert (await desk.ask("POST", "/acme-crm/ping", None, GLOBEX)).status == 404


async def test_an_endpoint_shows_how_its_last_attempt_went(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver)
    assert (await desk.ask("GET", "/acme-crm")).json["up"] is None
    await desk.api("POST", "/deliveries", message())
    await settled(desk, "/deliveries/deliver/acme-crm/evt_1", "delivered")
    found = (await desk.ask("GET", "/acme-crm")).json
    assert (found["up"], found["breaker"]) == (True, "closed") and found["last_success"]


@pytest.fixture
async def refusing() -> AsyncIterator[Raw]:
    """A receiver that answers 410 until `twist` says otherwise."""
    answers: list[bytes] = [ok(b"", status="410 Gone")]

    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(answers[0])

    async with serving(talk) as made:
        made.answers = answers  # type: ignore[attr-defined]  # the test exchanges what is answered
        yield made


async def dead(desk: Desk, refusing: Raw, count: int = 1) -> None:
    """Bring about `count` dead deliveries, of an endpoint that is active again afterwards."""
    await open_endpoint(desk, refusing)
    for number in range(count):
        await desk.api("POST", "/deliveries", message(id=f"evt_{number}"))
        await settled(desk, f"/deliveries/deliver/acme-crm/evt_{number}", "dead")
        await desk.ask("PATCH", "/acme-crm", {"state": "active"})
    refusing.answers[0] = ok()  # type: ignore[attr-defined]  # as in the fixture


async def test_410_disables_the_endpoint_and_a_retry_by_hand_is_kept_with_its_actor(
    desk: Desk, refusing: Raw
) -> None:
    await open_endpoint(desk, refusing)
    await desk.api("POST", "/deliveries", message())
    await settled(desk, "/deliveries/deliver/acme-crm/evt_1", "dead")
    assert (await desk.ask("GET", "/acme-crm")).json["state"] == "disabled"
    await desk.ask("PATCH", "/acme-crm", {"state": "active"})
    refusing.answers[0] = ok()  # type: ignore[attr-defined]  # as in the fixture
    answer = await desk.api("POST", "/deliveries/retry", {"ids": ["deliver/acme-crm/evt_1"]}, ACME)
    assert (answer.status, answer.json) == (200, {"total": 1, "retried": 1})
    found = await settled(desk, "/deliveries/deliver/acme-crm/evt_1", "delivered")
    assert [(one["http_status"], one["actor"]) for one in found["attempts_made"]] == [
        (410, None),
        (200, "token:acme"),
    ]
    assert ("token:acme", "delivery.retried") in [(one.actor, one.action) for one in desk.room.audit]
    late = {"ids": ["deliver/acme-crm/evt_1"], "expected": {"state": "dead"}}
    answer = await desk.api("POST", "/deliveries/retry", late, ACME)
    assert answer.status == 409 and "somebody may have retried it already" in answer.json["error"]
    for wrong in ({"state": "odd"}, {"states": "dead"}, "dead"):
        body = late | {"expected": wrong}
        assert (await desk.api("POST", "/deliveries/retry", body, ACME)).status == 400
    alone = {"endpoint": "acme-crm", "expected": {"state": "dead"}}
    assert (await desk.api("POST", "/deliveries/retry", alone, ACME)).status == 400


@pytest.mark.parametrize("body", [{"all": True}, {"endpoint": "acme-crm"}, {"type": "order.created"}])
async def test_many_are_retried_as_a_job_that_says_how_far_it_is(
    desk: Desk, refusing: Raw, body: dict[str, Any]
) -> None:
    await dead(desk, refusing, 3)
    answer = await desk.api("POST", "/deliveries/retry", body)
    assert answer.status == 202
    path = answer.headers["location"].removeprefix("/api/v1")
    while (job := (await desk.api("GET", path)).json)["state"] == "running":
        await asyncio.sleep(0.02)
    assert (job["total"], job["done"], job["retried"], job["error"]) == (3, 3, 3, "")
    for number in range(3):
        await settled(desk, f"/deliveries/deliver/acme-crm/evt_{number}", "delivered")
    assert (await desk.api("GET", path, None, ACME)).status == 404


async def test_a_filter_of_others_retries_nothing(desk: Desk, refusing: Raw) -> None:
    await dead(desk, refusing)
    answer = await desk.api("POST", "/deliveries/retry", {"ids": ["deliver/acme-crm/evt_0"]}, GLOBEX)
    assert answer.json == {"total": 1, "retried": 0}
    answer = await desk.api("POST", "/deliveries/retry", {"tenant": "acmee"})
    assert answer.status == 400 and "did you mean acme?" in answer.json["error"]
    # What it may not know of is not there, whatever is stored of it.
    answer = await desk.api("POST", "/deliveries/retry", {"tenant": "acme"}, GLOBEX)
    assert answer.status == 400 and "there is no tenant 'acme'" in answer.json["error"]
    unknown = ({"endpoint": "fixd"}, "did you mean fixed?"), ({"type": "othr"}, "there is no type 'othr'")
    for body, said in (*unknown, ({"kind": "delivr"}, "did you mean deliver?")):
        answer = await desk.api("POST", "/deliveries/retry", body)
        assert answer.status == 400 and said in answer.json["error"]
    answer = await desk.api("POST", "/deliveries/retry", {"endpoint": "acme-crm"}, GLOBEX)
    assert answer.status == 400 and "there is no endpoint 'acme-crm'" in answer.json["error"]
    answer = await desk.api("GET", "/endpoints?tenant=acmee")
    assert answer.status == 404 and "did you mean acme?" in answer.json["error"]
    for body in ({"endpoint": "fixed"}, {"kind": "forward"}):
        job = (await desk.api("POST", "/deliveries/retry", body)).json
        while (job := (await desk.api("GET", f"/deliveries/retry/{job['id']}")).json)["state"] == "running":
            await asyncio.sleep(0.02)
        assert job["retried"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": True, "endpoint": "x"},
        {"ids": []},
        {"ids": "x"},
        {"ids": [""]},
        {"ids": ["a"], "all": True},
        {"other": 1},
        {"endpoint": 1},
        {"reason": "bad luck"},
        {"background": True},
    ],
)
async def test_a_retry_that_may_be_a_slip_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    assert (await desk.api("POST", "/deliveries/retry", body)).status == 400


async def test_deliveries_are_found_by_endpoint_tenant_state_and_type(desk: Desk, receiver: Raw) -> None:
    await open_endpoint(desk, receiver, types=["order.*"])
    await desk.api("POST", "/deliveries", message())
    await desk.api("POST", "/deliveries", message(id="evt_2", type="invoice.paid"))
    await settled(desk, "/deliveries/deliver/acme-crm/evt_1", "delivered")
    for query, count in (
        ("endpoint=acme-crm", 1),
        ("endpoint=fixed", 2),
        ("type=invoice.paid", 1),
        ("state=delivered", 1),
        ("state=delivered&endpoint=fixed", 0),
        ("kind=forward", 0),
        ("reason=expired", 0),
        ("tenant=acme", 3),
    ):
        found = (await desk.api("GET", f"/deliveries?{query}")).json["deliveries"]
        assert len(found) == count, query
    csv = (await desk.api("GET", "/deliveries?format=csv")).text
    assert csv.startswith("at,id,kind,endpoint,") and len(csv.splitlines()) == 4


@pytest.mark.parametrize("query", ["state=bogus", "reason=bad_luck"])
async def test_a_list_of_what_there_cannot_be_is_refused_with_what_there_is(desk: Desk, query: str) -> None:
    answer = await desk.api("GET", f"/deliveries?{query}")
    assert answer.status == 400
    assert ("waiting" if query.startswith("state") else "shortage") in answer.text


@pytest.mark.parametrize("reason", ["expired", "not_found"])
async def test_dead_ones_are_found_and_retried_by_the_reason_that_they_have(
    desk: Desk, refusing: Raw, reason: str
) -> None:
    await dead(desk, refusing)
    await desk.outbox.submit([old(desk.room.moment())])
    found = (await desk.api("GET", f"/deliveries?state=dead&reason={reason}")).json["deliveries"]
    assert [one["reason"] for one in found] == [reason]
    job = (await desk.api("POST", "/deliveries/retry", {"reason": reason})).json
    assert job["total"] in (0, 1)
    await settled(desk, f"/deliveries/{found[0]['id']}", "delivered")


def old(now: float) -> Delivery:
    """Return what expired before anybody tried it."""
    return Delivery(
        *("deliver/acme-crm/old", "deliver", "acme-crm", b"{}", now - 60, now - 1),
        message_id="old",
        tenant="acme",
        state=DeliveryState.DEAD,
        reason="expired",
    )


async def test_webhook_health_counts_both_ways_by_window_endpoint_and_tenant(
    desk: Desk, receiver: Raw
) -> None:
    await open_endpoint(desk, receiver)
    for number in range(3):
        await desk.api("POST", "/deliveries", message(id=f"evt_{number}"))
        await settled(desk, f"/deliveries/deliver/acme-crm/evt_{number}", "delivered")
    for path in ("/api/v1/webhook-health", "/api/admin/enterprise/webhook-health"):
        answer = (await desk.house.ask(path, "GET", OPS, admin=False)).json
        assert set(answer["windows"]) == {"1h", "24h", "7d", "30d"}
        rows = {row["endpoint"]: row for row in answer["endpoints"]}
        assert rows["acme-crm"]["attempts"] == 3 and rows["acme-crm"]["success_ratio"] == 1.0
        assert rows["acme-crm"]["p95_seconds"] > 0
        outbound = answer["windows"]["1h"]["outbound"]
        assert outbound["attempts"] == sum(row["attempts"] for row in answer["endpoints"])
        assert outbound["failed"] == rows.get("fixed", {"failed": 0})["failed"]
        assert answer["windows"]["24h"]["inbound"]["success_ratio"] is None
        whole = answer["windows"]["24h"]
        assert whole["attempts"] == outbound["attempts"] and whole["reasons"] == outbound["reasons"]
        assert whole["p50_seconds"] == outbound["p50_seconds"]
        assert [row["tenant"] for row in answer["tenants"]] == ["acme"]
        assert answer["backlog"]["waiting"] == 3
        assert answer["backlog"]["receivers"][0]["receiver"] == "fixed"
    assert (await desk.api("GET", "/webhook-health?window=90d")).status == 400


async def test_answering_404_is_a_failure_with_its_reason_in_the_health(desk: Desk) -> None:
    async with serving(answering(ok(b"", status="404 Not Found"))) as lost:
        await open_endpoint(desk, lost)
        await desk.api("POST", "/deliveries", message())
        await until(lambda: bool(lost.requests))
        while not (found := (await desk.api("GET", "/deliveries/deliver/acme-crm/evt_1")).json)[
            "attempts_made"
        ]:
            await asyncio.sleep(0.02)
    assert (found["state"], found["reason"]) == ("waiting", "not_found")
    rows = (await desk.api("GET", "/webhook-health?window=1h")).json["endpoints"]
    row = next(row for row in rows if row["endpoint"] == "acme-crm")
    assert (row["success_ratio"], row["reasons"]) == (0.0, {"not_found": 1})
