"""Quick answers are the slow ones: sums kept beside the rows, columns read late, windows out of one look."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from sqlalchemy import Table, select

from exporter.core.hours import DAY, FirstPart, day_of, hours_before, last_hours
from exporter.core.store import Filter, Statistic, Window
from exporter.core.summary import HOUR, Summary
from exporter.core.webhook_metrics import INBOUND, OUTBOUND
from exporter.core.webhook_summary import WebhookStatistic, WebhookSummary, WebhookWindow
from exporter.server.handlers.webhook_health import both_ways
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.hours import TOOK
from exporter.store.subjects import check_days, check_totals, summaries, webhook_summaries
from exporter.store.subjects.webhook_summaries import WebhookSummaryBatch
from tests.servers.postgres import Cluster
from tests.store.queries import statistics_of

NOW = 100 * DAY + 13 * HOUR + 1800.0
PROVIDERS = {"mail": "resend", "payments": "stripe", "storage": "http"}
TENANTS = ("", *(f"t{number}" for number in range(6)))
HOURS = (0, 1, 2, 23, 24, 25, 48, 72, 73, 120, 200, 719, 720, 1300)
"""Hours back from now: on both sides of each window, and of where hours become days."""

WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}
SUBJECTS: tuple[tuple[str, ...], ...] = (
    ("integration", "tenant"),
    ("integration",),
    ("tenant",),
    ("hour",),
)
FILTERS = {
    "all": Filter(),
    "an integration": Filter(integration="payments"),
    "a tenant": Filter(tenant="t3"),
    "a target": Filter(integration="mail", tenant="t4"),
    "a bound caller": Filter(tenants=("t1", "t2")),
    "a bound caller and an integration": Filter(integration="mail", tenants=("t1",)),
}

Row = Mapping[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Cluster
) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('sums')}/state.db"
    if request.param == "postgresql":
        server.admin("CREATE DATABASE sums OWNER app")
        url = f"postgresql://app:app-password@127.0.0.1:{server.port}/sums?sslmode=require"
    made = Database(url)
    made.open()
    # Twice: what comes late meets hours that are days by now, and rows that are there.
    for seed in range(2):
        write(made, Random(seed))
        while made.retain({}, NOW):
            pass
    yield made
    made.close()
    if request.param == "postgresql":
        server.admin("DROP DATABASE sums WITH (FORCE)")


def write(store: Database, random: Random) -> None:
    for ago in HOURS:
        hour = int(NOW) // HOUR * HOUR - ago * HOUR
        checks = {
            ((integration, tenant), hour): check_summary(hour, PROVIDERS[integration], random)
            for integration, tenant in product(PROVIDERS, TENANTS)
            if random.random() < 0.7
        }
        webhooks = {
            (hour, direction, f"{direction}-{name}", tenant): webhook_summary(random)
            for direction, name, tenant in product((INBOUND, OUTBOUND), "ab", TENANTS[1:4])
            if random.random() < 0.7
        }
        store.write([CheckBatch(summaries=checks), WebhookSummaryBatch(webhooks)])


def check_summary(hour: int, provider: str, random: Random) -> Summary:
    made = Summary(hour, provider)
    for _ in range(random.randrange(4)):
        made.add_success(random.choice((0.0004, 0.02, 0.3, 7.0, 200.0)))
    for _ in range(random.randrange(3)):
        made.add_failure(random.choice(("dns", "auth")))
    # Whole numbers: their sums do not depend on their order.
    made.add_watch(float(random.randrange(0, 3600, 600)), failing=random.random() < 0.3)
    return made


def webhook_summary(random: Random) -> WebhookSummary:
    made = WebhookSummary()
    for _ in range(1 + random.randrange(4)):
        reason = random.choice(("", "", "refused", "timeout"))
        made.record(random.choice((0.003, 0.2, 4.0)), reason, dead=bool(reason) and random.random() < 0.5)
    return made


def rows_of(store: Database, table: Table) -> list[Row]:
    return store.read(lambda connection: [dict(row) for row in connection.execute(select(table)).mappings()])


def slow(rows: Sequence[Row], window: Window) -> list[Statistic]:
    """Return what `statistics` returns, added up one row after the other."""
    chosen, groups = window.chosen, dict[tuple[Any, ...], list[Row]]()
    for row in rows:
        if (
            window.since <= row["hour"] < window.until
            and chosen.integration in ("", row["integration"])
            and chosen.tenant in (None, row["tenant"])
            and (chosen.tenants is None or row["tenant"] in chosen.tenants)
        ):
            groups.setdefault(tuple(row[name] for name in window.by), []).append(row)
    found = [
        Statistic(
            subject,
            max(row["provider"] for row in group),
            **{name: weighed(group, name, window) for name in check_totals.NUMBERS},
            latency_counts=tuple(round(weighed(group, name, window)) for name in TOOK),
        )
        for subject, group in groups.items()
    ]
    return sorted(found, key=badness)


def weighed(group: Sequence[Row], name: str, window: Window) -> Any:
    until, share = window.first
    found = sum((row[name] or 0) * (share if row["hour"] < until else 1) for row in group)
    # What is counted is whole, also of an hour that counts in part.
    return round(found) if name in ("runs", "failed") else found


def latencies(group: Sequence[Row]) -> tuple[int, ...]:
    return tuple(sum(row[name] or 0 for row in group) for name in TOOK)


def badness(one: Statistic) -> tuple[Any, ...]:
    down = None if one.uptime is None else one.failing_seconds / one.seconds
    return (down is None, -(down or 0.0), one.error_ratio is None, -(one.error_ratio or 0.0), one.subject)


@pytest.mark.parametrize("chosen", FILTERS.values(), ids=FILTERS)
def test_statistics_are_the_sums_over_the_rows_of_targets(store: Database, chosen: Filter) -> None:
    rows = rows_of(store, summaries.TABLE)
    for (name, hours), by in product(WINDOWS.items(), SUBJECTS):
        window = Window(*last_hours(NOW, hours), by, chosen)
        expected = slow(rows, window)
        assert statistics_of(store, window, limit=1000) == expected, (name, by)
        # A page from the middle: its order is found before its latencies are.
        assert statistics_of(store, window, limit=5, offset=3) == expected[3:8], (name, by)


def test_the_same_subjects_are_found_in_the_window_before(store: Database) -> None:
    rows = rows_of(store, summaries.TABLE)
    subjects = [("payments", "t3"), ("mail", ""), ("storage", "t5"), ("gone", "t3")]
    # An hour counts by half, where days are one row a day by 13.5 hours.
    for hours, share in ((24, 0.5), (30 * 24, 13.5 / 24)):
        earlier = hours_before(last_hours(NOW, hours), NOW)
        assert earlier.first.share == share
        window = Window(*earlier.hours, first=earlier.first)
        expected = {one.subject: one for one in slow(rows, window) if one.subject in subjects}
        assert len(expected) > 1
        assert {
            one.subject: one for one in statistics_of(store, replace(window, subjects=subjects))
        } == expected


def test_the_sums_of_an_integration_are_those_of_its_targets_hour_by_hour(store: Database) -> None:
    found = {
        (row["hour"], row["integration"]): (*(row[name] for name in check_totals.NUMBERS), latencies([row]))
        for row in rows_of(store, check_totals.TABLE)
    }
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows_of(store, summaries.TABLE):
        groups.setdefault((row["hour"], row["integration"]), []).append(row)
    assert found == {
        key: (*(sum(row[name] for row in group) for name in check_totals.NUMBERS), latencies(group))
        for key, group in groups.items()
    }


def test_the_sums_of_a_day_are_those_of_its_hours(store: Database) -> None:
    def sums(table: Table) -> dict[tuple[int, str, str], list[Any]]:
        found: dict[tuple[int, str, str], list[Any]] = {}
        for row in rows_of(store, table):
            known = found.setdefault(
                (day_of(row["hour"]), row["integration"], row["tenant"]), [0] * len(check_totals.NUMBERS)
            )
            for place, name in enumerate(check_totals.NUMBERS):
                known[place] += row[name]
        return found

    days = sums(check_days.TABLE)
    assert days == sums(summaries.TABLE)
    assert len(days) == len(rows_of(store, check_days.TABLE)), "a row for each day"


def windows(random: Random, count: int) -> Iterator[Window]:
    """Yield windows of any hours and of whole days, some with a first part that counts less."""
    for _ in range(count):
        step = random.choice((HOUR, DAY))
        ends = [int(NOW) // step * step - random.randrange(-step, 60 * DAY, step) for _ in range(2)]
        part = FirstPart(min(ends) + step, random.randrange(16) / 16)
        yield Window(
            min(ends),
            max(ends),
            random.choice(SUBJECTS),
            FILTERS[random.choice(tuple(FILTERS))],
            first=random.choice((FirstPart(), part)),
        )


def test_windows_of_any_ends_are_the_sums_over_the_rows_of_targets(store: Database) -> None:
    rows, by_days = rows_of(store, summaries.TABLE), 0
    for window in windows(Random(4), 150):
        expected = slow(rows, window)
        assert statistics_of(store, window, limit=1000) == expected, window
        assert statistics_of(store, window, limit=4, offset=2) == expected[2:6], window
        by_days += bool(expected) and "tenant" in window.by and check_days.answers(window)
    assert by_days > 5


WHOSE: Mapping[str, Callable[[Row], bool]] = {
    "all": lambda _row: True,
    "t1": lambda row: row["tenant"] == "t1",
    "bound": lambda row: row["tenant"] in ("t1", "t2"),
}


@pytest.mark.parametrize("whose", WHOSE)
def test_webhooks_of_every_window_are_the_sums_over_their_rows(store: Database, whose: str) -> None:
    tenant, tenants = ("t1" if whose == "t1" else None), (("t1", "t2") if whose == "bound" else None)
    windows = {
        name: WebhookWindow(*last_hours(NOW, hours), tenant=tenant, tenants=tenants)
        for name, hours in WINDOWS.items()
    }
    found = store.read(lambda connection: both_ways(connection, windows))
    for name, window in windows.items():
        for direction, part in (("", found[name]), *((way, found[name][way]) for way in (INBOUND, OUTBOUND))):
            rows, why = (
                [
                    row
                    for row in rows_of(store, table)
                    if window.since <= row["hour"] < window.until
                    and WHOSE[whose](row)
                    and direction in ("", row["direction"])
                ]
                for table in (webhook_summaries.TABLE, webhook_summaries.REASONS)
            )
            counts = {name: sum(row[name] for row in rows) for name in ("attempts", "failed", "dead")}
            expected = WebhookStatistic((), **counts, latency_counts=latencies(rows))
            assert expected.attempts, "there is something to add up"
            assert {name: part[name] for name in counts} == counts
            assert part["p95_seconds"] == pytest.approx(expected.latency(0.95), abs=1e-6)
            assert part["reasons"] == {
                reason: sum(row["attempts"] for row in why if row["reason"] == reason)
                for reason in {row["reason"] for row in why}
            }


def test_receivers_of_webhooks_are_the_sums_over_their_rows(store: Database) -> None:
    rows = rows_of(store, webhook_summaries.TABLE)
    window = WebhookWindow(*last_hours(NOW, 30 * 24), by=("name", "tenant"), direction=INBOUND)
    found = store.read(lambda connection: webhook_summaries.statistics(connection, window, 4))
    assert len(found) == 4
    assert [one.success_ratio for one in found] == sorted(one.success_ratio or 0.0 for one in found)
    for one in found:
        group = [
            row
            for row in rows
            if (row["name"], row["tenant"]) == one.subject and window.since <= row["hour"] < window.until
        ]
        assert one.attempts == sum(row["attempts"] for row in group)
        assert one.latency_counts == latencies(group)
