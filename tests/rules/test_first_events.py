"""A counter that begins with its first event: Prometheus sees no rise to it, and the rules count it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.events import _payment_series as m
from exporter.events._shares import increase, rise
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._queries import fill_in
from tests.rules.tools import program, run

WHO = '{instance="a:1",job="x"}'
OF_FAMILY = f'{m.DECLINES}{{family="funds",instance="a:1",job="x"}}'
HOUR = increase(m.DECLINES, ("family",), "1h")
BAR = fill_in(
    reported.rise_in_step(str(m.DECLINES), "family"),
    {"__rate_interval": "10m", "__rate_interval_ms": "600000"},
)
SCRAPED = {f"up{WHO}": "1x100", f"process_start_time_seconds{WHO}": "-90000x100"}

# series, minute that is looked at, what is found there
CASES: Mapping[str, tuple[Mapping[str, str], int, float]] = {
    "the first of a process that is scraped": (SCRAPED | {OF_FAMILY: "_x69 1x31"}, 72, 1.0),
    "several at once": (SCRAPED | {OF_FAMILY: "_x69 4x31"}, 72, 4.0),
    "none twice": (SCRAPED | {OF_FAMILY: "1x100"}, 72, 0.0),
    "an hour later no more": (SCRAPED | {OF_FAMILY: "_x9 1x91"}, 80, 0.0),
    "Prometheus was away, and the process not": (
        {
            f"up{WHO}": "_x69 1x31",
            f"process_start_time_seconds{WHO}": "_x69 -90000x31",
            OF_FAMILY: "_x69 40x31",
        },
        72,
        0.0,
    ),
    "the first scrape of a process that just began": (
        {f"up{WHO}": "_x69 1x31", f"process_start_time_seconds{WHO}": "_x69 4000x31", OF_FAMILY: "_x69 3x31"},
        72,
        3.0,
    ),
    "a scrape that failed then": (
        {
            f"up{WHO}": "1x11 0 1x90",
            f"process_start_time_seconds{WHO}": "-90000x11 stale -90000x90",
            OF_FAMILY: "40x11 stale 40x90",
        },
        72,
        0.0,
    ),
}


def _found(folder: Path, series: Mapping[str, str], expr: str, minute: int, value: float) -> str:
    """Return what promtool says where `expr` is not `value` at `minute`, "" where it is."""
    expected = [{"labels": '{family="funds"}', "value": value}]
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": f"{minute}m", "exp_samples": expected}],
    }
    (folder / "test.yml").write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    answer = run(program("promtool"), "test", "rules", "test.yml", cwd=folder)
    return "" if answer.returncode == 0 else answer.stdout + answer.stderr


@pytest.mark.parametrize("name", CASES)
def test_what_rose_in_an_hour_has_its_first(name: str, tmp_path: Path) -> None:
    series, minute, value = CASES[name]
    assert not _found(tmp_path, series, HOUR, minute, value)


def test_a_process_that_began_again_is_not_cut_to_what_it_counted_since(tmp_path: Path) -> None:
    """Absent an hour ago, a hundred counted, then a restart and two more."""
    started = f"process_start_time_seconds{WHO}"
    series = {f"up{WHO}": "1x100", started: "-90000x64 3900x36", OF_FAMILY: "_x29 10+10x34 1 2x30"}
    assert not _found(tmp_path, series, f"round({HOUR} > bool 300)", 80, 1.0)


@pytest.mark.parametrize(("minute", "value"), [(70, 1.0), (75, 1.0), (85, 0.0)])
def test_a_bar_has_the_first_event(minute: int, value: float, tmp_path: Path) -> None:
    series = SCRAPED | {OF_FAMILY: "_x69 1x31"}
    assert not _found(tmp_path, series, BAR, minute, value)


@pytest.mark.parametrize(
    ("values", "total"),
    [("_x69 1x31", 1.0), ("_x63 1 1 3 3 4 7x31", 7.0), ("2x66 2 3 5 7x31", 5.0), ("9x66 0 2 3x31", 3.0)],
)
def test_records_of_what_came_add_up_to_it(values: str, total: float, tmp_path: Path) -> None:
    """Each event is in one of them, where its process began again too."""
    record = rise(m.DECLINES, ("family",), "2m")
    whole = f"sum by (family) (sum_over_time(({record})[20m:2m]))"
    assert not _found(tmp_path, SCRAPED | {OF_FAMILY: values}, whole, 78, total)
