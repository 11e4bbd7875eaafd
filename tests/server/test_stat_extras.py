"""Statistics of quotas, of vendors' rate limits and of costs: over every window, beside the one before."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exporter.core.common_metrics import QUOTA_LIMIT, QUOTA_USED, RATE_LIMIT_LIMIT, RATE_LIMIT_REMAINING
from exporter.core.defaults import STATS_WINDOWS
from exporter.core.event_summary import AI, EventSummary
from exporter.core.metric import Sample
from exporter.core.probe import Result, TargetKey
from exporter.core.reason import Reason
from exporter.core.summary import HOUR, Summary
from exporter.core.usage import UsageKey, usages_of
from exporter.engine.hourly_summaries import HourlySummaries
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.subjects.event_summaries import EventSummaryBatch
from tests.server.house import NOW, House, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

ACME: TargetKey = ("mail", "acme")
GLOBEX: TargetKey = ("mail", "globex")


def samples(used: float, limit: float | None = 1000.0, left: float = 90.0) -> tuple[Sample, ...]:
    found = [Sample(QUOTA_USED, used, ("emails",))]
    if limit is not None:
        found.append(Sample(QUOTA_LIMIT, limit, ("emails",)))
    found += [Sample(RATE_LIMIT_REMAINING, left, ("send",)), Sample(RATE_LIMIT_LIMIT, 100.0, ("send",))]
    return tuple(found)


def summary(hours_ago: int, *used: float, limited: int = 0, limit: float | None = 1000.0) -> Summary:
    made = Summary(int(NOW // HOUR - hours_ago) * HOUR, "resend")
    for one in used:
        made.add_success(0.1)
        made.add_usages(usages_of(samples(one, limit)))
    for _ in range(limited):
        made.add_failure("rate_limited")
    made.add_watch(60.0, failing=False)
    return made


def ai(hours_ago: int, tenant: str, dollars: float) -> EventSummaryBatch:
    one = EventSummary()
    one.number, one.amount = 1, dollars
    hour = int(NOW // HOUR - hours_ago) * HOUR
    return EventSummaryBatch({(AI, tenant, hour, "mail", "gpt", "", ""): one})


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[House]:
    store = Database(f"sqlite:///{tmp_path}/state.db")
    store.open()
    found = [
        (ACME, summary(1, 900.0, 700.0, limited=3)),
        (ACME, summary(30, 200.0, limited=1)),
        (GLOBEX, summary(2, 100.0)),
        (("unlimited", "acme"), summary(1, 5.0, limit=None)),
    ]
    store.write([CheckBatch(summaries={(key, one.hour): one for key, one in found})])
    for batch in (ai(1, "acme", 2.5), ai(30, "acme", 4.0), ai(1, "globex", 1.0)):
        store.write([batch])
    states = [state(*ACME), state(*GLOBEX), state("unlimited", "acme")]
    async with house(Room(states, path=web_config(tmp_path), store=store)) as made:
        yield made
    store.close()


async def rows(served: House, query: str, caller: str = "viewer") -> dict[Any, dict[str, Any]]:
    found = (await served.ask(f"/api/v1/stats?{query}", headers=bearer(TOKENS[caller]))).json["stats"]
    return {(row.get("integration"), row.get("tenant")): row for row in found}


async def test_a_target_has_its_quotas_its_buckets_and_its_costs_beside_the_day_before(served: House) -> None:
    row = (await rows(served, "window=24h"))[ACME]
    assert row["quota_ratio"] == pytest.approx(0.8) and row["rate_limit_ratio"] == pytest.approx(0.1)
    assert (row["rate_limited"], row["cost_usd"]) == (3, 2.5)
    assert row["allowances"] == [
        {"kind": "quota", "name": "emails", "used": 800.0, "limit": 1000.0, "ratio": 0.8},
        {"kind": "rate_limit", "name": "send", "used": 10.0, "limit": 100.0, "ratio": 0.1},
    ]
    assert (row["before"]["quota_ratio"], row["before"]["rate_limited"], row["before"]["cost_usd"]) == (
        0.2,
        1,
        4.0,
    )
    assert row["trend"]["quota_ratio"] == pytest.approx(0.6) and row["trend"]["cost_usd"] == -1.5
    unlimited = (await rows(served, "window=24h"))["unlimited", "acme"]
    assert unlimited["quota_ratio"] is None and unlimited["trend"] is None
    assert unlimited["allowances"][-1] == {
        "kind": "quota",
        "name": "emails",
        "used": 5.0,
        "limit": None,
        "ratio": None,
    }


async def test_an_integration_shows_its_fullest_tenant_and_what_all_of_them_cost(served: House) -> None:
    row = (await rows(served, "window=24h&by=integration"))["mail", None]
    assert row["quota_ratio"] == pytest.approx(0.8) and row["cost_usd"] == 3.5
    of_tenants = await rows(served, "window=24h&by=tenant")
    assert of_tenants[None, "globex"]["quota_ratio"] == pytest.approx(0.1)
    assert of_tenants[None, "globex"]["cost_usd"] == 1.0


async def test_who_is_bound_sees_the_quotas_and_costs_of_its_tenants(served: House) -> None:
    row = (await rows(served, "window=24h&by=integration", "bound_viewer"))["mail", None]
    assert (row["cost_usd"], row["quota_ratio"]) == (2.5, pytest.approx(0.8))
    assert list(await rows(served, "window=24h&by=tenant", "bound_viewer")) == [(None, "acme")]


@pytest.mark.parametrize("window", STATS_WINDOWS)
async def test_every_window_has_them(served: House, window: str) -> None:
    row = (await rows(served, f"window={window}"))[ACME]
    assert row["quota_ratio"] is not None and row["cost_usd"] >= 2.5


async def test_as_csv_they_are_columns(served: House) -> None:
    text = (await served.ask("/api/v1/stats?format=csv", headers=bearer(TOKENS["viewer"]))).text
    head = text.splitlines()[0].split(",")
    assert {"quota_ratio", "cost_usd", "before_rate_limited", "trend_cost_usd", "trend_uptime"} <= set(head)


def test_a_run_counts_what_it_found_used() -> None:
    hourly, one = HourlySummaries(), state(*ACME, status="unknown")
    for used, reason in ((100.0, None), (300.0, Reason.RATE_LIMITED)):
        hourly.record(one, Result(NOW, 0.1, reason, samples=samples(used, left=50.0)))
    hourly.record(one, Result(NOW, 0.1))
    (found,) = hourly.take(NOW, everything=True).values()
    usages = found.usages or {}
    assert usages[UsageKey("quota", "emails")] == (2, 400.0, 2000.0)
    assert usages[UsageKey("rate_limit", "send")] == (2, 100.0, 200.0)
    assert Summary(0, "x").usages is None and usages_of(()) == {}
    lone = (Sample(RATE_LIMIT_REMAINING, 5.0, ("x",)),)
    assert usages_of(lone) == {}  # without a size nothing is known to be used
