"""Each measurement runs, at a tiny size; what it says of speed is not looked at."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import soak, table
from benchmarks.plot import Panel, chart
from benchmarks.row import Row

NEEDS = {"P1": ("nginx", "prometheus", "prometheus-blackbox-exporter"), "P7": ("prometheus",)}
GOALS = {
    (cells[1].strip(), cells[3].strip(), cells[6].strip(" `"))
    for line in (Path(__file__).parents[2] / "docs" / "performance.md").read_text("utf-8").splitlines()
    if len(cells := line.split("|")) == 8
}
"""Number, goal and command of each line of the page's table."""

# What a part measures besides: the cost of a webhook is flat, as that of a probe is.
BESIDES = {"P6": {"P9"}}
ELSEWHERE = {"P9": {"python -m benchmarks.webhooks"}}


@pytest.mark.parametrize("part", table.PARTS)
def test_a_measurement_runs_and_says_what_it_reached(part: str) -> None:
    absent = [name for name in NEEDS.get(part, ()) if shutil.which(name) is None]
    if absent:
        pytest.skip(f"needs {', '.join(absent)}")
    found = list(table.PARTS[part](True))
    assert {row.name for row in found} == {part} | BESIDES.get(part, set())
    for row in found:
        assert row.reached and row.goal and row.command.startswith("python -m benchmarks.")
        assert row.markdown().count("|") == 7
        assert (row.name, row.goal, row.command) in GOALS
    # No row is left for somebody to measure by hand, but for what a tiny size leaves out.
    measured = {row.command.partition(" --")[0] for row in found}
    wanted = {command.partition(" --")[0] for name, _, command in GOALS if name == part}
    assert wanted - ELSEWHERE.get(part, set()) <= measured


def test_a_peer_that_is_not_here_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    found = list(table.PARTS["P1b"](True))
    assert [row.met for row in found] == [None, None]
    assert "cloudprober is not here (--cloudprober PATH) | not measured" in found[0].markdown()


def test_a_part_that_fails_is_reported_and_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_quick: bool) -> list[Row]:
        raise SystemExit("no such | program")

    good = Row("P2", "what", "goal", "reached", True, "python -m benchmarks.x")
    monkeypatch.setattr(table, "PARTS", {"P1": broken, "P2": lambda _quick: [good]})
    rows, failed = table.measured(["P1", "P2"], quick=True)
    assert failed == ["P1"] and rows[1] == good
    assert "no such / program" in rows[0].markdown() and rows[0].markdown().count("|") == 7


def test_what_a_part_measured_before_it_failed_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    good = Row("P1", "what", "goal", "reached", True, "python -m benchmarks.x")

    def broken(_quick: bool) -> Iterator[Row]:
        yield good
        raise SystemExit("no such program")

    monkeypatch.setattr(table, "PARTS", {"P1": broken})
    rows, failed = table.measured(["P1"], quick=True)
    assert failed == ["P1"] and rows[0] == good and len(rows) == 2


def test_a_soak_ends_with_a_picture_and_without_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("needs prometheus")
    out = tmp_path / "out"
    monkeypatch.setattr(
        sys, "argv", ["soak", "9", "--rate", "20", "--every", "1", "--bad", "0.3", "--out", str(out)]
    )
    assert soak.main() == 0
    said = capsys.readouterr().out
    assert "bugs: 0" in said and "failed: 0" in said
    assert "lag apart from reloads: p99 within" in said and "generation 2: " in said
    assert len((out / "soak.csv").read_text().splitlines()) > 3
    ElementTree.parse(out / "soak.svg")


def test_a_chart_without_points_is_still_a_picture() -> None:
    picture = ElementTree.fromstring(chart("A & B", [Panel("nothing <yet>", [])]))
    assert picture.tag.endswith("svg")
