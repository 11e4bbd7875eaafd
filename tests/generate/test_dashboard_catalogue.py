"""Everything that apps report can be seen: each metric of it is in a panel, or here is why not."""

import pytest

from exporter import registry
from exporter.core.metric import Metric
from exporter.generate.dashboards import panel_queries
from tests.generate.dashboards_reading import selectors
from tests.generate.series_known import series_names
from tests.generate.test_dashboards import DASHBOARDS

SHOWN = {
    selector.name
    for dashboard in DASHBOARDS.values()
    for _, expr in panel_queries(dashboard)
    for selector in selectors(expr)
}
SOURCES = tuple(name for name in ("events", "audit", *registry.event_sources()) if name != "payment_events")
"""What S4.6 of the contract names, the audit and the rate limits among them."""

REPORTED = tuple(dict.fromkeys(metric for name in SOURCES for metric in registry.sources()[name].metrics))
FAMILIES = {family.metric: name for name in SOURCES for family in registry.sources()[name].families.values()}
OWN = tuple(sorted(name for name in series_names() if name.startswith("integration_exporter_ratelimit")))

HIDDEN = {
    f"integration_threshold_{name}": "A factor of one share over another: the alert names the places."
    for name in ("country_share_factor", "widget_failure_share_factor")
}
"""Series that no panel has, each with the reason."""


def test_what_apps_report_is_a_list_worth_holding() -> None:
    assert len(REPORTED) >= 20
    assert len(OWN) >= 4


@pytest.mark.parametrize("metric", REPORTED, ids=str)
def test_a_metric_of_events_is_in_a_panel(metric: Metric) -> None:
    assert bool(SHOWN & {*metric.series_names, metric.name}) is not (metric.name in HIDDEN), metric.help


@pytest.mark.parametrize("name", OWN)
def test_what_rate_limits_say_of_themselves_is_in_a_panel(name: str) -> None:
    assert name in SHOWN


@pytest.mark.parametrize("metric", FAMILIES, ids=str)
def test_a_threshold_of_events_is_drawn_beside_what_it_limits(metric: Metric) -> None:
    assert bool(metric.name in SHOWN) is not (metric.name in HIDDEN), metric.help


def test_a_series_that_is_hidden_exists_and_says_why() -> None:
    assert HIDDEN.keys() <= {metric.name for metric in (*REPORTED, *FAMILIES)}
    assert all(reason.endswith(".") for reason in HIDDEN.values())
