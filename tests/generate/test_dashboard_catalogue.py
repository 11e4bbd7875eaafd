"""Everything known can be seen: each series is in a panel, each threshold is a line, or here is why not."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from exporter import registry
from exporter.core.metric import Metric
from exporter.generate.dashboards import panel_queries
from tests.generate.dashboards_reading import selectors
from tests.generate.series_known import series_names
from tests.generate.test_dashboards import DASHBOARDS

METRICS = registry.metrics()
THRESHOLDS = frozenset(family.metric for family in registry.families().values())
OWN = tuple(
    sorted(name for name in series_names() if re.match("integration_exporter_(ratelimit|store)_[a-z]", name))
)
NAMES = sorted({name for metric in METRICS for name in (metric.name, *metric.series_names)} | {*OWN})


def _asked() -> Iterator[str]:
    """Yield what panels ask for: names, those of records among them, and what patterns of names match."""
    found = (
        selector
        for dashboard in DASHBOARDS.values()
        for _, expr in panel_queries(dashboard)
        for selector in selectors(expr)
    )
    for selector in found:
        if selector.name:
            # The name of a record has that of its metric between two colons.
            yield str(selector.name).split(":")[1 if ":" in str(selector.name) else 0]
        else:
            patterns = [one for one in selector.matchers.matchers if one.name == "__name__"]
            yield from (name for name in NAMES if all(_fits(name, pattern) for pattern in patterns))


def _fits(name: str, pattern: Any) -> bool:
    fits = re.fullmatch(pattern.value, name) is not None
    return fits is not ("Not" in str(pattern.op))


SHOWN = frozenset(_asked())
HIDDEN = {
    "integration_webhook_source_since_timestamp_seconds": "Silence begins with it where no webhook came yet.",
    "integration_exporter_store_shared": "A fault of the set-up, which an alert says once.",
    "integration_threshold_state_changes": "The alert on flapping counts changes, and no graph does.",
    "integration_threshold_rate_limit_calls": "The share that is left is drawn; this is for small limits.",
    "integration_threshold_webhook_consecutive_failures": "A column of a table has them.",
    "integration_threshold_fal_error_ratio": "The provider's graph is of requests, and not of their share.",
    "integration_threshold_statuspage_component_level": "A state is a word over time, no level.",
    "integration_threshold_twilio_webhook_failures": "The provider's graph has a line for each error code.",
} | {
    f"integration_threshold_{name}": "A factor of one share over another: the alert names the places."
    for name in (
        *("country_share_factor", "decline_share_factor"),
        *("reported_decline_share_factor", "widget_failure_share_factor"),
    )
}
"""Series that no panel has, each with the reason."""


def test_the_catalogue_is_a_list_worth_holding() -> None:
    assert len(METRICS) >= 250
    assert len(OWN) >= 8
    assert len(THRESHOLDS) >= 35


@pytest.mark.parametrize("metric", [one for one in METRICS if one not in THRESHOLDS], ids=str)
def test_a_series_is_in_a_panel_or_says_why_not(metric: Metric) -> None:
    assert bool(SHOWN & {metric.name, *metric.series_names}) is not (metric.name in HIDDEN), metric.help


@pytest.mark.parametrize("name", OWN)
def test_what_the_exporter_says_of_its_storage_is_in_a_panel(name: str) -> None:
    assert (name in SHOWN) is not (name in HIDDEN)


@pytest.mark.parametrize("metric", sorted(THRESHOLDS, key=str), ids=str)
def test_a_threshold_is_drawn_beside_what_it_limits_or_says_why_not(metric: Metric) -> None:
    assert (metric.name in SHOWN) is not (metric.name in HIDDEN), metric.help


def test_a_series_that_is_hidden_exists_and_says_why() -> None:
    assert HIDDEN.keys() <= {*NAMES}
    assert all(reason.endswith(".") for reason in HIDDEN.values())
