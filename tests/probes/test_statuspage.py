from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from exporter.core.document import Document
from exporter.core.network import Network
from exporter.core.probe import MONTH, Result
from exporter.core.reason import Reason
from exporter.probes.statuspage import PROBE
from exporter.probes.statuspage.reading import IMPACTS, INDICATORS, STATES, Watched, read
from exporter.sandbox.harness import Answer, Reply
from exporter.sandbox.statuspage import CHOSEN, HOUR, VENDOR
from tests.clock import HandClock
from tests.probes.day import CERTIFICATE_DATES, SandboxStage, probed, staged, target_of, values


class Page:
    """A simulated page and a clock that stands still."""

    def __init__(self, stage: SandboxStage, network: Network, clock: HandClock) -> None:
        self.stage, self.network, self.clock = stage, network, clock

    async def probe(self, **options: Any) -> Result:
        return await probed(target_of(PROBE, self.stage.options, **options), self.network, clock=self.clock)

    async def answer(self, status: int, body: object = None, **headers: str) -> None:
        await self.stage.stand.set_fault(None, answer=Answer(Reply(status, body, headers)))


Open = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
def opened(network: Network) -> Open:
    @asynccontextmanager
    async def open_page(*scenarios: str) -> AsyncIterator[Page]:
        clock = HandClock()
        async with staged(VENDOR, clock) as stage:
            for scenario in scenarios:
                await stage.play(scenario)
            yield Page(stage, network, clock)

    return open_page


def components(result: Result) -> dict[str, float]:
    """Return the shown components by label."""
    prefix = "statuspage_component_status{"
    found = values(result).items()
    return {name.removeprefix(prefix)[:-1]: value for name, value in found if name.startswith(prefix)}


async def test_a_page_where_all_is_well_shows_the_chosen_components_and_no_incident(opened: Open) -> None:
    async with opened() as page:
        result = await page.probe()
        found = values(result)
        assert result.ok
        assert components(result) == {"API": 0, "SMS": 0, "Console": 0}
        assert found["statuspage_indicator"] == 0
        assert sum(found[f"statuspage_incidents{{{impact}}}"] for impact in IMPACTS) == 0
        assert found["statuspage_components_hidden"] == found["statuspage_components_missing"] == 0
        assert "statuspage_next_maintenance_timestamp_seconds" not in found
        (call,) = page.stage.stand.calls
        assert (call.method, call.path) == ("GET", "/api/v2/summary.json")
        assert "authorization" not in call.headers
        assert "integration-exporter" in call.headers["user-agent"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason"),
    [
        (404, {"error": "not found"}, {}, Reason.NOT_FOUND),
        (410, None, {}, Reason.NOT_FOUND),
        (200, b"<html>", {"Content-Type": "text/html"}, Reason.BAD_RESPONSE),
        (200, {"page": {"name": "Acme", "status": "UP"}}, {}, Reason.BAD_RESPONSE),
        (200, {"status": "ok"}, {}, Reason.BAD_RESPONSE),
        (200, [], {}, Reason.BAD_RESPONSE),
    ],
    ids=["missing", "gone", "html", "instatus", "health", "list"],
)
async def test_a_page_of_another_make_is_reported_by_name(
    opened: Open, status: int, body: object, headers: dict[str, str], reason: Reason
) -> None:
    async with opened() as page:
        await page.answer(status, body, **headers)
        result = await page.probe()
        assert result.reason is reason
        assert "no page in Statuspage's format" in result.detail


async def test_a_vendor_in_trouble_leaves_the_probe_connected(opened: Open) -> None:
    async with opened("major_outage") as page:
        result = await page.probe()
        found = values(result)
        assert result.ok
        assert result.http_status == 200
        assert found["statuspage_component_status{API}"] == 4
        assert found["statuspage_indicator"] == 4
        assert found["statuspage_incidents{critical}"] == 1


async def test_degraded_performance_and_a_minor_incident_are_reported(opened: Open) -> None:
    async with opened("degraded") as page:
        found = values(await page.probe())
        assert found["statuspage_component_status{SMS}"] == 2
        assert found["statuspage_incidents{minor}"] == 1


async def test_an_incident_counts_although_indicator_and_components_look_well(opened: Open) -> None:
    async with opened("quiet_incident") as page:
        found = values(await page.probe())
        assert found["statuspage_indicator"] == 0
        assert found["statuspage_incidents{major}"] == 1


async def test_an_incident_of_components_that_nobody_chose_does_not_count(opened: Open) -> None:
    async with opened("others_incident") as page:
        found = values(await page.probe())
        assert found["statuspage_incidents{major}"] == 0
        assert "statuspage_component_status{Fax}" not in found
        found = values(await page.probe(components=[]))
        assert found["statuspage_incidents{major}"] == 1
        assert found["statuspage_component_status{Fax}"] == 3


async def test_an_incident_that_is_resolved_does_not_count(opened: Open) -> None:
    async with opened("closed_incident") as page:
        assert values(await page.probe())["statuspage_incidents{critical}"] == 0


async def test_maintenances_are_counted_by_state_with_the_start_of_the_next(opened: Open) -> None:
    async with opened("maintenance") as page:
        found = values(await page.probe())
        assert found["statuspage_component_status{API}"] == 1
        assert found["statuspage_maintenances{in_progress}"] == 1
        assert found["statuspage_maintenances{scheduled}"] == 1
        assert found["statuspage_maintenances{other}"] == 0
        start = found["statuspage_next_maintenance_timestamp_seconds"]
        assert start == page.clock.now() + 24 * HOUR


async def test_headings_are_no_components(opened: Open) -> None:
    async with opened() as page:
        assert components(await page.probe(components=[])) == {"API": 0, "SMS": 0, "Console": 0, "Fax": 0}
        assert components(await page.probe(components=["Core"])) == {}


async def test_a_component_that_was_renamed_is_missing(opened: Open) -> None:
    async with opened("renamed_component") as page:
        result = await page.probe()
        assert values(result)["statuspage_components_missing"] == 1
        assert components(result) == {"API": 0, "SMS": 0}


async def test_a_component_is_chosen_by_id_or_by_name_in_any_case(opened: Open) -> None:
    async with opened() as page:
        assert components(await page.probe(components=["CMP-SMS", " api "])) == {"API": 0, "SMS": 0}


async def test_a_crowded_page_cannot_make_more_series_than_the_cap(opened: Open) -> None:
    async with opened("crowded") as page:
        result = await page.probe(components=[])
        assert len(components(result)) == 30
        assert values(result)["statuspage_components_hidden"] == 299 - 30
        assert len(components(await page.probe(components=[], max_components=200))) == 200
        assert len(components(await page.probe())) == len(CHOSEN)


async def test_a_page_without_components_still_tells_its_indicator(opened: Open) -> None:
    async with opened("no_components") as page:
        result = await page.probe()
        found = values(result)
        assert result.ok
        assert result.drift == ()
        assert components(result) == {}
        assert found["statuspage_indicator"] == 0
        assert found["statuspage_components_missing"] == len(CHOSEN)


async def test_words_that_nobody_documents_are_drift_and_never_zero(opened: Open) -> None:
    async with opened("new_words") as page:
        result = await page.probe()
        found = values(result)
        assert result.ok
        assert "statuspage_indicator" not in found
        assert "statuspage_component_status{SMS}" not in found
        assert found["statuspage_incidents{other}"] == 1
        assert sorted(result.drift) == ["components[].status", "status.indicator"]


async def test_null_fields_are_drift_and_never_zero(opened: Open) -> None:
    async with opened("null_fields") as page:
        result = await page.probe()
        assert result.ok
        assert components(result) == {}
        assert "statuspage_indicator" not in values(result)
        assert sorted(result.drift) == ["components[].status", "incidents[].impact", "status.indicator"]


def test_a_list_that_is_gone_is_unknown_and_not_empty() -> None:
    drift: list[str] = []
    samples = read(Document({"status": {"indicator": "none"}}, drift.append), Watched(("API",)))
    shown = {sample.metric.name.removeprefix("integration_statuspage_") for sample in samples}
    assert shown == {"indicator", "maintenances"}
    assert drift == ["components", "incidents"]


async def test_a_page_that_was_not_read_says_nothing_of_the_vendor(opened: Open) -> None:
    async with opened("major_outage") as page:
        await page.stage.spoil("server_error")
        result = await page.probe()
        assert result.reason is Reason.VENDOR_ERROR
        assert result.samples == ()
        assert {fact.metric.name for fact in result.facts} <= CERTIFICATE_DATES


async def test_a_page_for_people_is_no_summary(opened: Open) -> None:
    async with opened("html") as page:
        result = await page.probe()
        assert result.reason is Reason.BAD_RESPONSE
        assert "Statuspage" in result.detail


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.AUTH),
        (403, Reason.PERMISSION),
        (404, Reason.NOT_FOUND),
        (410, Reason.NOT_FOUND),
        (429, Reason.RATE_LIMITED),
        (500, Reason.VENDOR_ERROR),
        (502, Reason.VENDOR_ERROR),
        (503, Reason.VENDOR_ERROR),
        (304, Reason.BAD_RESPONSE),
        (400, Reason.BAD_RESPONSE),
    ],
)
async def test_a_page_that_refuses_has_the_reason_of_its_status(
    opened: Open, status: int, reason: Reason
) -> None:
    async with opened() as page:
        await page.answer(status, {})
        assert (await page.probe()).reason is reason


async def test_a_page_that_moved_is_followed(opened: Open) -> None:
    async with opened() as page:
        url = page.stage.options["url"]
        await page.stage.stand.set_fault(
            None,
            answer=Answer(
                Reply(301, None, {"Location": f"{url}/api/v2/summary.json"}), "/old/api/v2/summary.json"
            ),
        )
        result = await page.probe(url=f"{url}/old/")
        assert result.ok
        assert components(result)


async def test_another_site_than_a_status_page_is_not_found(opened: Open) -> None:
    async with opened("not_statuspage") as page:
        assert (await page.probe()).reason is Reason.NOT_FOUND


@pytest.mark.parametrize(("state", "level"), STATES.items())
def test_each_documented_state_has_its_number(state: str, level: int) -> None:
    summary = {
        "status": {"indicator": "none"},
        "components": [{"id": "1", "name": "API", "status": state}],
        "incidents": [],
    }
    drift: list[str] = []
    (sample,) = [s for s in read(Document(summary, drift.append), Watched()) if s.labels == ("API",)]
    assert sample.value == level
    assert drift == []


def test_worse_indicators_have_larger_numbers() -> None:
    order = ["none", "maintenance", "minor", "major", "critical"]
    assert sorted(INDICATORS, key=INDICATORS.__getitem__) == order


def _labels(*parts: dict[str, Any]) -> list[str]:
    summary = {"status": {"indicator": "none"}, "components": list(parts), "incidents": []}
    samples = read(Document(summary, lambda _path: None), Watched())
    return [s.labels[0] for s in samples if s.metric.name == "integration_statuspage_component_status"]


def test_a_name_cannot_break_or_flood_a_label() -> None:
    long = {"id": "1", "name": f"a\n\tb {'x' * 500}", "status": "operational"}
    (label,) = _labels(long)
    assert label.startswith("a b x")
    assert len(label) == 64


def test_components_of_one_name_differ_by_their_ids() -> None:
    twins = [{"id": number, "name": "API", "status": "operational"} for number in ("1", "2", "2")]
    assert _labels(*twins) == ["API", "API (2)"]


def test_a_start_that_is_no_time_is_drift() -> None:
    drift: list[str] = []
    maintenance = {"status": "scheduled", "scheduled_for": "soon"}
    summary = {
        "status": {"indicator": "none"},
        "components": [],
        "incidents": [],
        "scheduled_maintenances": [maintenance],
    }
    names = {s.metric.name for s in read(Document(summary, drift.append), Watched())}
    assert "integration_statuspage_next_maintenance_timestamp_seconds" not in names
    assert drift == ["scheduled_maintenances[].scheduled_for"]


def test_a_page_costs_one_call_every_two_minutes() -> None:
    assert PROBE.calls_per_month(PROBE.options(), PROBE.interval) == MONTH / 120
