"""Dashboards of what apps report: processes add up, alerts count once, usual hours are compared fairly."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.events._traffic_alerts import BOTS_HIGH, TRAFFIC_DROP, TRAFFIC_SPIKE
from exporter.events._widget_alerts import LOADS_FAIL, RENDERS_FAIL, SCRIPTS_FAIL
from exporter.generate import dashboards
from exporter.generate.dashboards import _reported, intake, panel_queries
from tests.generate.dashboards_asking import Prometheus, knowing
from tests.generate.dashboards_reading import selectors
from tests.generate.test_dashboard_choices import picked

NOW = 1_790_000_040.0
BOARDS: dict[str, dict[str, Any]] = {
    path: json.loads(text) for path, text in dashboards.files().items() if path.endswith(".json")
}
API, WIDGETS, LIMITS, SECURITY, PAYMENTS, EVENTS = (
    BOARDS[f"grafana/dashboards/integration-{name}.json"]
    for name in ("api", "widgets", "ratelimits", "security", "payments", "events")
)
REFERENCED = ("api_request_duration", "ai_request_duration", "webhook_processing_duration")
# Rising by the same in each minute: acme asks twelve times a minute at each of two processes.
COUNTERS = {
    'integration_api_requests_total{instance="a",integration="",provider="",tenant="acme",route="/",'
    'method="GET"}': 12,
    'integration_api_requests_total{instance="b",integration="",provider="",tenant="acme",route="/",'
    'method="GET"}': 12,
    'integration_api_requests_total{instance="b",integration="payments",provider="stripe",tenant="acme",'
    'route="/v1",method="POST"}': 600,
    'integration_api_request_failures_total{instance="a",integration="",provider="",tenant="acme",route="/",'
    'method="GET",reason="server"}': 6,
    'integration_api_request_failures_total{instance="b",integration="",provider="",tenant="acme",route="/",'
    'method="GET",reason="client"}': 6,
}
COUNTERS['integration_audit_flags_total{instance="a",tenant="acme",pattern="old"}'] = 1
_DECLINES = 'integration_payment_declines_total{integration="payments",provider="stripe",tenant="acme"'
COUNTERS[f'{_DECLINES},instance="a",family="issuer"}}'] = 1
ACCEPTED = f'{intake.ACCEPTED}{{instance="a"}}'
_VIEWS = "tenant:integration_page_views_total"
_FIRING = 'ALERTS{alertstate="firing",severity='
GAUGES = {
    **{f'{_VIEWS}:usual_low{{tenant="{tenant}"}}': 400.0 for tenant in ("gone", "fewer", "usual", "more")},
    **{f'{_VIEWS}:usual_high{{tenant="{tenant}"}}': 600.0 for tenant in ("gone", "fewer", "usual", "more")},
    **{
        f'{_VIEWS}:increase15m{{tenant="{tenant}"}}': views
        for tenant, views in (("fewer", 100.0), ("usual", 500.0), ("more", 2400.0), ("new", 50.0))
    },
    **{
        f'{_VIEWS}:times_usual{{tenant="{tenant}"}}': times
        for tenant, times in (("gone", 0.0), ("fewer", 0.25), ("usual", 1.0), ("more", 4.0))
    },
    f'{TRAFFIC_DROP.suspects_record}{{tenant="gone"}}': 0.0,
    f'{TRAFFIC_DROP.suspects_record}{{tenant="fewer"}}': 0.25,
    f'{TRAFFIC_SPIKE.suspects_record}{{tenant="more"}}': 4.0,
    'integration_threshold_traffic_drop_factor{severity="high",tenant=""}': 0.3,
    'integration_threshold_traffic_spike_factor{severity="medium",tenant=""}': 3.0,
    'ALERTS{alertname="Watchdog",alertstate="firing"}': 1.0,
    f'{_FIRING}"high",alertname="{LOADS_FAIL.name}",tenant="acme",widget="a",release="1"}}': 1.0,
    f'{_FIRING}"medium",alertname="{LOADS_FAIL.name}",tenant="acme",widget="a",release="1"}}': 1.0,
    f'{_FIRING}"high",alertname="{SCRIPTS_FAIL.name}",tenant="acme",widget="b",release="1"}}': 1.0,
    'integration_audit_flags_total{instance="a",tenant="acme",pattern="new"}': 2.0,
    f'{_DECLINES},instance="a",family="funds"}}': 1.0,
    f'{_DECLINES},instance="b",family="funds"}}': 2.0,
    'integration_exporter_ratelimit_storage_healthy{instance="a"}': 1.0,
    'integration_exporter_ratelimit_storage_healthy{instance="b"}': 0.0,
    'integration_exporter_ratelimit_blocks{instance="a"}': 4.0,
    'integration_exporter_ratelimit_blocks{instance="b"}': 5.0,
}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with half an hour of two processes."""
    lines = [
        f"{series} {slope * minute} {NOW - 60 * (30 - minute):.0f}"
        for series, slope in COUNTERS.items()
        for minute in range(31)
    ]
    lines += [
        f'{name}{{instance="{instance}"}} {value} {NOW - 60 * (30 - minute):.0f}'
        for name, value in (("up", 1), ("process_start_time_seconds", NOW - 86_400))
        for instance in "ab"
        for minute in range(31)
    ]
    lines += [f"{ACCEPTED} {60 * minute} {NOW - 60 * (6 - minute):.0f}" for minute in range(7)]
    lines += [
        f"{series} {value} {NOW - 60 * ago:.0f}" for series, value in GAUGES.items() for ago in (3, 2, 1, 0)
    ]
    with knowing([*lines, "# EOF"], NOW, tmp_path_factory.mktemp("reported")) as it:
        yield it


def _queries(board: dict[str, Any], title: str) -> list[str]:
    return [expr for name, expr in panel_queries(board) if name == title]


def _values(found: list[dict[str, Any]], label: str) -> dict[str, float]:
    return {one["metric"][label]: float(one["value"][1]) for one in found}


def test_requests_of_several_processes_add_up_and_calls_to_vendors_are_none_of_them(
    prometheus: Prometheus,
) -> None:
    (pace,) = _queries(API, "Requests")
    assert prometheus.value(pace) == pytest.approx(24)
    (share,) = _queries(API, "Failing requests")
    assert prometheus.value(share) == pytest.approx(6 / 24), "of the server alone"


def test_a_pace_is_right_although_prometheus_knows_only_minutes(prometheus: Prometheus) -> None:
    (pace,) = _queries(EVENTS, "Events per minute")
    assert prometheus.value(pace) == pytest.approx(60)


def test_what_did_not_fail_is_an_outcome_of_its_own(prometheus: Prometheus) -> None:
    (outcomes,) = _queries(API, "Requests per minute, by outcome")
    found = _values(prometheus.ask(outcomes), "reason")
    assert found == {
        "succeeded": pytest.approx(12),
        "server": pytest.approx(6),
        "client": pytest.approx(6),
    }


def test_the_first_decline_of_a_family_is_drawn_as_those_after_it(prometheus: Prometheus) -> None:
    """Of a tenant that is picked; of all there is a record."""
    (panel,) = (one for one in PAYMENTS["panels"] if one["title"] == "Reported declines, by family")
    declines = picked(PAYMENTS, panel["targets"][0]["expr"], tenant="acme")
    found = _values(prometheus.ask(declines), "family")
    assert found == {"issuer": pytest.approx(5), "funds": 3}, "counters begin with the first, and not with 0"


def test_tenants_are_compared_with_their_own_usual_hour(prometheus: Prometheus) -> None:
    views, ratio, state = (
        _values(prometheus.ask(expr), "tenant") for expr in _queries(WIDGETS, "Tenants against what is usual")
    )
    assert views == {"gone": 0, "fewer": 100, "usual": 500, "more": 2400, "new": 50}
    assert ratio == {"gone": 0, "fewer": 0.25, "usual": 1, "more": 4}
    assert state == {"gone": -1, "fewer": -1, "usual": 0, "more": 1}


def test_an_alert_is_counted_once_for_each_place_and_none_only_while_rules_are_evaluated(
    prometheus: Prometheus,
) -> None:
    (failing,) = _queries(WIDGETS, "Widgets that fail")
    assert failing == _filled(_reported.firing((LOADS_FAIL, RENDERS_FAIL, SCRIPTS_FAIL)))
    assert prometheus.value(failing) == 2
    (drops,) = _queries(WIDGETS, "Traffic drops")
    assert drops == _filled(_reported.firing((TRAFFIC_DROP,)))
    assert prometheus.value(drops) == 0
    assert prometheus.ask(drops.replace("Watchdog", "Sleeping")) == []


def _filled(expr: str) -> str:
    return expr.replace("$tenant", ".*")


def test_an_alert_of_the_tenant_that_was_picked_counts(prometheus: Prometheus) -> None:
    failing = _reported.firing((LOADS_FAIL, BOTS_HIGH))
    assert prometheus.value(failing.replace("$tenant", "acme")) == 1
    assert prometheus.value(failing.replace("$tenant", "globex")) == 0


def test_a_storage_that_one_exporter_cannot_reach_is_seen_and_blocks_are_counted_once(
    prometheus: Prometheus,
) -> None:
    (failing,) = _queries(LIMITS, "Failing storages")
    assert prometheus.value(failing) == 1
    (blocked,) = _queries(LIMITS, "Blocked now")
    assert prometheus.value(blocked) == 5


def test_requests_of_the_app_show_whichever_integration_is_picked() -> None:
    """They belong to none: a filter by one would leave an empty panel."""
    for panel in API["panels"]:
        for target in panel.get("targets", ()):
            if 'integration=""' in target["expr"]:
                assert "$integration" not in target["expr"], panel["title"]


def test_graphs_of_histograms_with_references_show_single_events() -> None:
    with_exemplars = {
        str(selector.name).removesuffix("_bucket")
        for board in BOARDS.values()
        for panel in board["panels"]
        for target in panel.get("targets", ())
        if target.get("exemplar")
        for selector in selectors(_bare(target["expr"]))
    }
    names = ("api_request", "ai_request")
    assert {f"integration_{name}_duration_seconds" for name in names} <= with_exemplars
    # As docs/events.md has it: others have none to show.
    assert with_exemplars <= {f"integration_{name}_seconds" for name in REFERENCED}


def _bare(expr: str) -> str:
    return expr.replace("$__rate_interval", "5m")


def test_the_first_event_of_a_counter_is_a_rise(prometheus: Prometheus) -> None:
    (flags,) = _queries(SECURITY, "Flags in 24 hours, by pattern")
    found = _values(prometheus.ask(flags.replace("24h", "10m")), "pattern")
    assert found == {"new": 2, "old": pytest.approx(10)}
    (before,) = prometheus.ask(
        "sum by (pattern) (increase(integration_audit_flags_total{pattern='new'}[10m]))"
    )
    assert float(before["value"][1]) == 0, "what Prometheus makes of it"
