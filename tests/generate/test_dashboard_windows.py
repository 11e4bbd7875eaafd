"""No graph leaves out what is between its points, and none is empty over the last five minutes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from exporter.core.counting import risen
from exporter.core.durations import seconds
from tests.generate.dashboards_reading import asking_panels
from tests.generate.test_dashboards import DASHBOARDS

Panel = Mapping[str, Any]
SHORTEST_VIEW = 300
"""Seconds of the shortest range that Grafana offers."""
POINTS = 2
"""Of a graph in it at least: they are at whole multiples of the step, so that one may be outside."""
COUNTED = re.compile(r"\b(?:rate|increase)\((?:[^()]|\([^()]*\))*?\[([^\]:]+)[^\]]*\]")
BEGAN_SINCE = re.compile(r"\(up offset (\S+) == 1 or last_over_time\([^()]+\) > time\(\) - ([^()]+)\)")
"""How queries know that a counter began: the window, and its length in seconds."""
LENGTHS = {"$__range": "$__range_s", "$__rate_interval": "$__rate_interval_ms / 1000"}
"""In seconds, as Grafana calls it, of windows that are its variables."""
RECORDED = re.compile(r":increase(\d+[smhdw])\b")
"""The end of the name of a record that rules counted."""
WATCHDOG = 'ALERTS{alertname="Watchdog", alertstate="firing"}'
FIXED: dict[tuple[str, str], str] = {
    (
        "integration-security",
        "Failed sign-ins per minute, by tenant",
    ): "five minutes, as the threshold counts",
    ("integration-payments", "Share of reported payments that fail"): "an hour, as the threshold counts",
    ("integration-payments", "Disputed or warned of, share of a day's payments"): "a day, as the title says",
    ("integration-webhooks", "Success ratio of attempts"): "an hour, as the description says",
    ("integration-widgets", "Page views of people in 15 minutes, and what is usual"): "as the title says",
}
"""Graphs (address, title) that count in a window of their own, and why."""


def _graphs() -> Iterator[tuple[str, Panel]]:
    for dashboard in DASHBOARDS.values():
        for panel in asking_panels(dashboard):
            if panel["type"] in ("timeseries", "state-timeline") and "expr" in panel["targets"][0]:
                yield dashboard["uid"], panel


GRAPHS = list(_graphs())
every_graph = pytest.mark.parametrize(
    ("uid", "panel"), [pytest.param(*one, id=f"{one[0]}: {one[1]['title']}") for one in GRAPHS]
)


def fixed_windows(panel: Panel) -> set[str]:
    """Return the windows in which a graph counts that do not grow with its step."""
    text = " ".join(target["expr"] for target in panel["targets"])
    windows = {*COUNTED.findall(text), *RECORDED.findall(text)}
    return windows - {"$__rate_interval"}


@every_graph
def test_the_last_five_minutes_have_points(uid: str, panel: Panel) -> None:
    assert seconds(panel.get("interval") or "15s") * POINTS < SHORTEST_VIEW


@every_graph
def test_what_is_counted_between_two_points_is_in_one_of_them(uid: str, panel: Panel) -> None:
    assert bool(fixed_windows(panel)) is ((uid, panel["title"]) in FIXED)


@every_graph
def test_an_alert_that_fired_between_two_points_is_in_one_of_them(uid: str, panel: Panel) -> None:
    for target in panel["targets"]:
        # The Watchdog fires all the time.
        judged = target["expr"].replace(WATCHDOG, "")
        assert not re.search(r"ALERTS\{[^}]*\}(?!\[\$__rate_interval\])", judged)


def test_there_are_graphs_of_each_kind() -> None:
    text = [target["expr"] for _, panel in GRAPHS for target in panel["targets"]]
    assert sum("$__rate_interval" in expr for expr in text) > 40
    assert any("max_over_time(ALERTS{" in expr for expr in text)
    assert {(uid, panel["title"]) for uid, panel in GRAPHS} >= set(FIXED)


def test_first_values_are_looked_for_as_far_back_as_their_rise() -> None:
    found = {
        (uid, window, length)
        for uid, dashboard in DASHBOARDS.items()
        for window, length in BEGAN_SINCE.findall(" ".join(_queries(dashboard)))
    }
    assert found
    assert {one for one in found if one[2] != _in_seconds(one[1])} == set()


def _queries(dashboard: Mapping[str, Any]) -> Iterator[str]:
    for panel in asking_panels(dashboard):
        yield from (target["expr"] for target in panel["targets"] if "expr" in target)


def _in_seconds(window: str) -> str:
    return LENGTHS.get(window) or str(seconds(window))


def test_a_window_that_is_no_duration_needs_its_length() -> None:
    with pytest.raises(ValueError, match="not a duration"):
        risen("integration_a_total", "$__range")
    assert "time() - $__range_s" in risen("integration_a_total", "$__range", "$__range_s")
