"""What every store must do, on each database; another one joins by one more line in URLS."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, func, select

from exporter.config.sections.store import DEFAULT_RETENTION
from exporter.core.errors import StoreError
from exporter.core.hours import DAY
from exporter.core.reason import Reason
from exporter.core.store import Failure, Filter, Page, Snapshot, StateChange, Window
from exporter.core.summary import HOUR
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.retention import PORTION
from exporter.store.schema import METADATA, retentions
from exporter.store.size import size_of
from exporter.store.subjects import check_days
from exporter.store.subjects import summaries as check_summaries
from tests.store.queries import changes_of, failures_of, reasons_of, snapshots_of, statistics_of
from tests.store.records import KEY, change, failure, snapshot, summaries, summary, whole_batch

URLS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path')}/state.db",
    "postgresql": lambda request: str(request.getfixturevalue("database")),
}


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str:
    return URLS[request.param](request)


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    made = Database(url)
    made.open()
    yield made
    made.close()


def test_a_new_store_is_empty(store: Database) -> None:
    assert list(snapshots_of(store)) == []
    assert changes_of(store) == Page([])
    assert failures_of(store) == Page([])
    assert statistics_of(store, Window(0, 10 * HOUR)) == []
    assert reasons_of(store, Window(0, 10 * HOUR)) == {}


def test_all_statements_of_a_reading_see_one_state(store: Database) -> None:
    """What moves from one count to the other meanwhile is counted once."""
    counts = [select(func.count()).select_from(METADATA.tables[name]) for name in ("state_change", "failure")]
    with store.reading() as connection:
        first = connection.execute(counts[0]).scalar()
        store.write([whole_batch(1)])
        assert (first, connection.execute(counts[1]).scalar()) == (0, 0)
    with store.reading() as connection:
        assert [connection.execute(one).scalar() for one in counts] == [50, 50]


def test_a_store_says_how_large_it_is(store: Database) -> None:
    before = store.read(size_of)
    store.write([CheckBatch(failures=[failure(float(at)) for at in range(3000)])])
    after = store.read(size_of)
    assert 10_000 < before < after


def test_what_was_written_comes_back_after_a_restart(store: Database, url: str) -> None:
    store.write([CheckBatch({KEY: snapshot(failures=3)}, [change(1.0)], [failure(2.0)])])
    store.close()
    again = Database(url)
    again.open()
    assert list(snapshots_of(again)) == [snapshot(failures=3)]
    assert changes_of(again).rows == [change(1.0)]
    assert failures_of(again).rows == [failure(2.0)]
    again.close()


def test_the_newest_state_of_a_target_stands(store: Database) -> None:
    other = ("payments", "")
    store.write([CheckBatch({KEY: snapshot(), other: snapshot(other)})])
    store.write([CheckBatch({KEY: snapshot(failures=2)})])
    assert {found.key: found.failures for found in snapshots_of(store)} == {KEY: 2, other: 0}


def test_a_forgotten_target_leaves_its_history(store: Database) -> None:
    store.write([CheckBatch({KEY: snapshot()}, [change(1.0)])])
    store.write([CheckBatch(forget={KEY, ("never", "known")})])
    assert list(snapshots_of(store)) == []
    assert changes_of(store).rows == [change(1.0)]


def test_a_target_that_went_and_came_in_one_batch_is_there(store: Database) -> None:
    store.write([CheckBatch({KEY: snapshot()})])
    store.write([CheckBatch({KEY: snapshot(failures=1)}, forget={KEY})])
    assert list(snapshots_of(store)) == [snapshot(failures=1)]


def test_the_newest_come_first_and_only_so_many(store: Database) -> None:
    other = ("mail", "")
    store.write([CheckBatch(changes=[change(2.0), change(1.0, other), change(3.0)])])
    store.write([CheckBatch(failures=[failure(at) for at in (1.0, 3.0, 3.0)] + [failure(9.0, other)])])
    assert [found.at for found in changes_of(store).rows] == [3.0, 2.0, 1.0]
    assert [found.at for found in changes_of(store, limit=1).rows] == [3.0]
    of_key = Filter(integration=KEY[0], tenant=KEY[1])
    assert [found.at for found in changes_of(store, of_key).rows] == [3.0, 2.0]
    assert [found.at for found in failures_of(store, of_key, limit=2).rows] == [3.0, 3.0]
    assert failures_of(store, Filter(integration="none")) == Page([])


def test_pages_follow_one_another_without_a_gap_or_a_row_twice(store: Database) -> None:
    store.write([CheckBatch(failures=[failure(float(at // 3)) for at in range(10)])])  # three at one time
    seen: list[float] = []
    page = failures_of(store, limit=4)
    while True:
        seen += [found.at for found in page.rows]
        store.write([CheckBatch(failures=[failure(99.0)])])  # what comes meanwhile belongs to no later page
        if page.next is None:
            break
        page = failures_of(store, Filter(after=page.next), limit=4)
    assert seen == sorted((float(at // 3) for at in range(10)), reverse=True)


def test_a_list_is_narrowed_by_everything_that_is_asked(store: Database) -> None:
    keys = [("payments", "acme"), ("payments", "bolt"), ("mail", "acme"), ("mail", "")]
    store.write([CheckBatch(failures=[failure(float(at), key) for at, key in enumerate(keys)])])
    store.write([CheckBatch(failures=[replace(failure(9.0), reason=Reason.TLS)])])

    def times(chosen: Filter) -> list[float]:
        return [found.at for found in failures_of(store, chosen).rows]

    assert times(Filter(tenant="acme")) == [9.0, 2.0, 0.0]
    assert times(Filter(tenant="")) == [3.0]
    assert times(Filter(integration="mail")) == [3.0, 2.0]
    assert times(Filter(tenants={"bolt", ""})) == [3.0, 1.0]
    assert times(Filter(tenants=())) == []
    assert times(Filter(tenants={"bolt"}, tenant="acme")) == []
    assert times(Filter(reason=Reason.TLS)) == [9.0]
    assert times(Filter(since=1.0, until=3.0)) == [2.0, 1.0]


def test_a_row_names_the_replica_that_saw_it(url: str) -> None:
    for name in ("one", "two"):
        store = Database(url, replica=name)
        store.open()
        store.write([CheckBatch({KEY: snapshot()}, [change(1.0)], [failure(1.0)])])
        store.close()
    store.open()
    assert [found.replica for found in changes_of(store).rows] == ["two", "one"]
    assert [found.replica for found in failures_of(store).rows] == ["two", "one"]
    assert list(snapshots_of(store)) == [snapshot()]
    store.close()


def test_summaries_of_an_hour_are_added_up(store: Database) -> None:
    store.write([CheckBatch(summaries=summaries(summary(durations=(0.02, 0.02, 3.0))))])
    store.write(
        [CheckBatch(summaries=summaries(summary(durations=(0.02, 500.0), reasons=("dns", "tls", "dns"))))]
    )
    (found,) = statistics_of(store, Window(HOUR, 2 * HOUR))
    assert (found.subject, found.provider, found.runs, found.failed) == (KEY, "stripe", 8, 3)
    assert (found.seconds, found.failing_seconds) == (120.0, 30.0)
    assert found.latency(0.5) == pytest.approx(0.02, rel=0.101)
    assert (found.uptime, found.error_ratio) == (0.75, 3 / 8)
    assert sum(found.latency_counts) == 5
    assert reasons_of(store, Window(HOUR, 2 * HOUR)) == {KEY: {"dns": 2, "tls": 1}}


def test_a_window_holds_its_hours_and_subjects_alone_and_the_worst_come_first(store: Database) -> None:
    bad, good, old = ("mail", "acme"), ("mail", "bolt"), ("payments", "acme")
    store.write(
        [
            CheckBatch(
                summaries={
                    **summaries(summary(5, reasons=("dns",)), bad),
                    **summaries(summary(5, durations=(0.1,)), good),
                    **summaries(summary(4, durations=(0.1,)), bad),
                    **summaries(summary(1, durations=(0.1,)), old),
                }
            )
        ]
    )

    def subjects(window: Window, **more: int) -> list[tuple[str, ...]]:
        return [found.subject for found in statistics_of(store, window, **more)]

    assert subjects(Window(4 * HOUR, 6 * HOUR)) == [bad, good]
    assert subjects(Window(0, 6 * HOUR)) == [bad, good, old]
    assert subjects(Window(0, 6 * HOUR), limit=1, offset=1) == [good]
    assert subjects(Window(0, 6 * HOUR, subjects={old, good})) == [good, old]
    assert subjects(Window(0, 6 * HOUR, ("tenant",))) == [("acme",), ("bolt",)]
    assert subjects(Window(0, 6 * HOUR, ("tenant",), Filter(tenants={"bolt"}))) == [("bolt",)]
    (mail, _) = statistics_of(store, Window(0, 6 * HOUR, ("integration",)))
    assert (mail.subject, mail.runs, mail.failed) == (("mail",), 3, 1)


def test_retention_goes_by_table(store: Database) -> None:
    store.write(
        [
            CheckBatch(
                {KEY: snapshot()}, [change(at) for at in (10.0, 90.0)], [failure(at) for at in (10.0, 90.0)]
            )
        ]
    )
    assert store.retain({"webhooks": 1.0}, now=100.0) == 0
    assert store.retain({"checks": 50.0}, now=100.0) == 1
    assert [found.at for found in changes_of(store).rows] == [90.0]
    assert len(failures_of(store).rows) == 2
    assert store.retain({"checks": 1.0, "errors": 1.0}, now=100.0) == 3
    assert len(list(snapshots_of(store))) == 1


def test_retention_of_many_rows_deletes_them_all_in_portions(store: Database) -> None:
    store.write([CheckBatch(changes=[change(float(at)) for at in range(12_000)])])
    portions: list[int] = []
    while portions[-1:] != [0]:
        portions.append(store.retain({"checks": 0.0}, now=11_999.0))
    assert sum(portions) == 11_999
    assert max(portions) <= PORTION
    assert len(changes_of(store, limit=20_000).rows) == 1


def test_summaries_go_when_even_a_day_that_they_stand_for_is_too_old(store: Database) -> None:
    for hour in range(5):
        store.write([CheckBatch(summaries=summaries(summary(hour, durations=(0.1,), reasons=("dns",))))])
    store.write([CheckBatch(summaries=summaries(summary(24, durations=(0.1,), reasons=("tls",))))])
    assert store.retain({"checks": HOUR}, now=DAY + HOUR - 1.0) == 0
    while store.retain({"checks": HOUR}, now=DAY + HOUR):
        pass
    assert [found.runs for found in statistics_of(store, Window(0, 48 * HOUR))] == [2]
    assert reasons_of(store, Window(0, 48 * HOUR)) == {KEY: {"tls": 1}}


def day_sums(store: Database, table: Table) -> dict[tuple[str, str, int], tuple[int, float]]:
    found: dict[tuple[str, str, int], tuple[int, float]] = {}
    with store.reading() as connection:
        for row in connection.execute(select(table)).mappings():
            key = row["integration"], row["tenant"], int(row["hour"] // DAY)
            runs, seconds = found.get(key, (0, 0.0))
            found[key] = runs + row["runs"], seconds + row["seconds"]
    return found


def test_days_and_their_hours_go_together(store: Database) -> None:
    for hour in range(0, 7 * 24, 5):
        store.write([CheckBatch(summaries=summaries(summary(hour, durations=(0.1,))))])
    left = []
    for kept in (5.3, 3.2, 1.4, 0.1):  # of some the hours are days by now, of others not
        while store.retain({"checks": kept * DAY}, now=6.7 * DAY):
            pass
        days = day_sums(store, check_days.TABLE)
        assert days == day_sums(store, check_summaries.TABLE)
        left.append(sorted(day for _, _, day in days))
    assert left == [[1, 2, 3, 4, 5, 6], [3, 4, 5, 6], [5, 6], [6]]


def test_an_upgrade_adds_up_the_days_of_what_is_stored(store: Database, url: str) -> None:
    for hour in range(0, 6 * 24, 7):
        other = summaries(summary(hour + 1, reasons=("dns",)), ("mail", ""))
        store.write([CheckBatch(summaries=summaries(summary(hour, durations=(0.1,))) | other)])
    store.retain({}, now=6 * DAY)  # an hour of the first day is a part of its day
    days = day_sums(store, check_days.TABLE)
    with store.writing() as connection:
        check_days.TABLE.drop(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0018'")
    store.close()
    newer = Database(url)
    newer.open()
    assert day_sums(newer, check_days.TABLE) == days
    assert len(days) == 2 * 6
    newer.close()


def test_old_hours_become_days_and_nothing_is_lost_or_counted_twice(store: Database) -> None:
    other = ("mail", "")
    for hour in range(5 * 24):
        counted = summary(hour, durations=(0.1, 5.0), reasons=("dns",) if hour % 2 else ())
        store.write(
            [
                CheckBatch(
                    summaries={**summaries(counted), **summaries(summary(hour, durations=(1.0,)), other)}
                )
            ]
        )
    before = statistics_of(store, Window(0, 5 * DAY)), reasons_of(store, Window(0, 5 * DAY))
    portions = []
    for _ in range(2):
        while deleted := store.retain({"checks": 30 * DAY}, now=5 * DAY + 1800):
            portions.append(deleted)
        store.write(
            [CheckBatch(summaries=summaries(summary(7, durations=(0.1,))))]
        )  # late, from a replica that was away
    assert max(portions) <= 5  # an hour at a time: two targets, a reason, and the sums of two integrations
    (found,) = [one for one in statistics_of(store, Window(0, 5 * DAY)) if one.subject == KEY]
    assert found.runs == 5 * 24 * 2 + 60 + 2
    while store.retain({"checks": 30 * DAY}, now=5 * DAY + 1800):
        pass
    assert reasons_of(store, Window(0, 5 * DAY)) == before[1]
    assert [one.seconds for one in statistics_of(store, Window(0, 5 * DAY)) if one.subject == other] == [
        7200.0
    ]
    assert [one.runs for one in statistics_of(store, Window(0, HOUR)) if one.subject == KEY] == [
        24 * 2 + 12 + 2
    ]
    assert statistics_of(store, Window(HOUR, DAY)) == []  # the day stands in its first hour
    assert [one.runs for one in statistics_of(store, Window(3 * DAY, 3 * DAY + HOUR))] == [1, 2]


def test_hours_become_a_day_three_days_after_its_end_and_not_before(store: Database) -> None:
    for hour in (0, 1, 23, 24, 25):
        store.write([CheckBatch(summaries=summaries(summary(hour, durations=(0.1,))))])

    def fold(now: float) -> int:
        deleted = 0
        while portion := store.retain({}, now):
            deleted += portion
        return deleted

    def runs(hour: int) -> list[int]:
        return [found.runs for found in statistics_of(store, Window(hour * HOUR, (hour + 1) * HOUR))]

    assert fold(4 * DAY - 1) == 0
    assert fold(4 * DAY) == 2 * 2  # of the target, and of the integration
    assert [runs(hour) for hour in (0, 1, 23, 24, 25)] == [[3], [], [], [1], [1]]


def test_a_summary_stays_until_its_day_is_wholly_out_of_time(store: Database) -> None:
    store.write([CheckBatch(summaries=summaries(summary(1, durations=(0.1,))))])
    assert store.retain({"checks": HOUR}, now=DAY + HOUR - 1.0) == 0
    # The hour, its day, and the sum of the integration.
    assert store.retain({"checks": HOUR}, now=DAY + HOUR) == 3


def test_what_lies_at_the_edge_of_retention_stays(store: Database) -> None:
    store.write([CheckBatch(changes=[change(10.0)], failures=[failure(10.0)])])
    assert store.retain({"checks": 5.0, "errors": 5.0}, now=15.0) == 0
    assert store.retain({"checks": 5.0, "errors": 5.0}, now=15.5) == 2


def test_every_table_is_kept_for_a_time_that_somebody_set_or_for_good_reason() -> None:
    tables = [rule.table for rule in retentions()]
    assert set(tables) == set(METADATA.tables.values())
    # Several rules of one table are for rows that are kept for different times.
    shared = [rule for rule in retentions() if tables.count(rule.table) > 1]
    assert all(rule.only is not None for rule in shared)
    assert len({(rule.table, rule.key) for rule in shared}) == len(shared)
    assert {rule.key for rule in retentions()} - {""} <= DEFAULT_RETENTION.keys()
    lasting = {rule.table.name for rule in retentions() if not rule.key}
    endpoints = {"endpoint", "webhook_endpoint", "webhook_endpoint_facts", "webhook_endpoint_mode"}
    windows = {"maintenance_window", "maintenance_silence"}
    blocks = {"ratelimit_block"}  # each has an end of its own, or a person ends it
    chain = {"audit_head", "audit_person", "audit_removed"}
    lasts = {"target_state", "token", "replica", *endpoints, *windows, *blocks, *chain}
    assert lasting == lasts, "rows that stay until their subject goes"


def test_a_batch_with_one_bad_record_leaves_nothing(store: Database) -> None:
    bad = whole_batch(1)
    bad.failures.append(failure(None))  # type: ignore[arg-type]  # a mistake that the types would catch
    with pytest.raises(StoreError):
        store.write([bad])
    assert list(snapshots_of(store)) == []
    assert changes_of(store) == Page([])
    store.write([whole_batch(2)])
    assert len(list(snapshots_of(store))) == 50


def test_what_no_database_takes_costs_a_sign_and_no_batch(store: Database) -> None:
    odd = StateChange(1.0, KEY, "stripe", "connected", "error", Reason.BUG, "nul \0 half \ud800")
    answers = {"a": (1.0, 2), "k": (1.0, object()), 'z"': (2.0, ["ü"])}
    state = Snapshot(KEY, "stripe", "error", Reason.BUG, "", 1.0, None, None, 1, answers=answers)
    log = Failure(1.0, KEY, "stripe", Reason.BUG, "", 0.0, None, ((0.0, "half \ud800 nul \0"),))
    with structlog.testing.capture_logs() as logs:
        store.write([CheckBatch({KEY: state}, [odd], [log])])
    assert [(line["event"], line["provider"], line["answers"]) for line in logs] == [
        ("answers cannot be stored", "stripe", ["k"])
    ]
    assert [found.detail for found in changes_of(store).rows] == ["nul \N{REPLACEMENT CHARACTER} half ?"]
    assert [found.answers for found in snapshots_of(store)] == [{"a": (1.0, 2), 'z"': (2.0, ["ü"])}]
    assert failures_of(store).rows == [log]


def test_a_store_that_is_not_open_says_so(url: str) -> None:
    store = Database(url)
    with pytest.raises(StoreError, match="not open"):
        snapshots_of(store)
    store.close()


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
times = st.floats(-1e12, 1e12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
snapshots = st.builds(
    Snapshot,
    key=st.tuples(texts, texts),
    provider=texts,
    status=texts,
    reason=st.none() | st.sampled_from(Reason),
    detail=texts,
    since=times,
    last_run=st.none() | times,
    last_success=st.none() | times,
    failures=st.integers(0, 2**62),
    until=st.none() | times,
    facts=st.lists(
        st.tuples(texts, st.lists(texts, max_size=2).map(tuple), st.floats(allow_nan=False)), max_size=3
    ).map(tuple),
    answers=st.dictionaries(texts, st.tuples(times, json_values), max_size=3),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(found=st.lists(snapshots, max_size=4, unique_by=lambda one: one.key))
def test_every_snapshot_comes_back_as_it_was(store: Database, found: list[Snapshot]) -> None:
    store.write([CheckBatch({one.key: one for one in found})])
    assert sorted(snapshots_of(store), key=lambda one: one.key) == sorted(found, key=lambda one: one.key)
    store.write([CheckBatch(forget={one.key for one in found})])
