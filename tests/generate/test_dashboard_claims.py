"""What a panel shows is true: counts are whole, and nothing is said to be missing that is only fine."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.generate.dashboards_reading import asking_panels
from tests.generate.test_dashboards import DASHBOARDS

Panel = Mapping[str, Any]
COUNTED = re.compile(r"\bincrease\(")
BEYOND = ":beyond"
"""The end of the name of a record that leaves out what is fine."""


def _panels(*kinds: str) -> Iterator[Any]:
    for dashboard in DASHBOARDS.values():
        for panel in asking_panels(dashboard):
            if panel["type"] in kinds and "expr" in panel["targets"][0]:
                yield pytest.param(panel, id=f"{dashboard['uid']}: {panel['title']}")


def _asked(panel: Panel) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


@pytest.mark.parametrize("panel", [*_panels("bargauge", "stat")])
def test_a_count_is_a_whole_number(panel: Panel) -> None:
    # An increase is extrapolated to the ends of its window.
    shown = panel["fieldConfig"]["defaults"]
    counts = [expr for expr in _asked(panel) if COUNTED.search(expr) and "/" not in expr]
    whole = shown.get("decimals") == 0 or shown["unit"].startswith("currency")
    assert whole or all("round(" in expr for expr in counts)


@pytest.mark.parametrize("panel", [*_panels("timeseries", "bargauge")])
def test_what_only_shows_trouble_does_not_say_that_nothing_is_reported(panel: Panel) -> None:
    if all(BEYOND in expr for expr in _asked(panel)):
        assert " is known to " in panel["fieldConfig"]["defaults"]["noValue"]
