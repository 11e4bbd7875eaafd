"""What every alert must bear: a restart, replicas, targets that flap, two environments."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from exporter import registry
from exporter.alerts.availability import TARGET_FAILING
from exporter.alerts.cases.series import series, target
from exporter.core.alert import DERIVED_KINDS, Alert, Case, exemption
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, DURATION, FAILURE_INFO, SUCCESS
from exporter.core.durations import seconds
from exporter.generate import bundle
from exporter.generate.case_table import not_applicable, target_series
from exporter.generate.derived_cases import derived_cases
from exporter.generate.rule_tests import cases_derived_from
from exporter.generate.rule_text import TextValues
from exporter.generate.samples import pieces_of, sample_at, samples_between, text_of
from tests.rules.tools import program, run, write

ALERTS = registry.alerts()
FAMILIES = tuple(registry.families().values())
OF_TARGETS = target_series(registry.metrics())
BRIDGE = 300
"""Seconds for which an alert that fires outlasts what it reads."""
A_RESTART = 120
"""Seconds for which an alert that is held back by its `for` must do so."""


@pytest.fixture(scope="module")
def derived(tree: Path) -> Path:
    return write(tree, bundle.derived_test_files()) / bundle.DERIVED


@pytest.mark.parametrize("name", bundle.alert_sources())
def test_every_derived_case_holds(derived: Path, name: str) -> None:
    files = sorted(path.name for path in (derived / name).glob("*.yml"))
    assert len(files) == len(bundle.alert_sources()[name])
    done = run(program("promtool"), "test", "rules", *files, cwd=derived / name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", DERIVED_KINDS)
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_the_derived_cases_that_apply_to_what_it_reads(alert: Alert, kind: str) -> None:
    """The series of its cases decide what is derived; what its rules read decides what must be."""
    found = [case for case in cases_derived_from(alert, FAMILIES) if case.kind == kind]
    without = not_applicable(alert, OF_TARGETS)
    assert found or kind in without, f"no firing case of {alert.name} becomes a case of the kind {kind}"
    assert not (found and kind in without), f"{kind} does apply to {alert.name}: {without[kind]}"


def test_the_table_of_cases_has_no_hole() -> None:
    page = bundle.files()["docs/reference/alert-cases.md"]
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert {row[0].strip("| `") for row in rows} == {alert.name for alert in ALERTS}
    cells = [cell.strip(" |") for row in rows for cell in row[1:]]
    assert all(re.fullmatch(r"[1-9]\d*|[a-z][^|]{9,}", cell) for cell in cells)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_exemption_says_why_and_proves_nothing(alert: Alert) -> None:
    for case in alert.cases:
        if case.exempt:
            assert len(case.exempt.split()) >= 5 and not case.series and not case.fires


def test_only_what_is_derived_can_be_left_out() -> None:
    with pytest.raises(ValueError, match="not a kind of case"):
        exemption("quiet", "it never is")
    with pytest.raises(ValueError, match="not a kind of case"):
        Case("sometimes", {}, "1m")


def _instant(expression: str) -> Iterator[str]:
    """Yield the names of the exporter's series that are read as they are at one moment."""
    nodes: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), lambda node: nodes.append(node))
    ranged = [
        node.vector_selector.prettify() for node in nodes if isinstance(node, promql_parser.MatrixSelector)
    ]
    for node in nodes:
        if not isinstance(node, promql_parser.VectorSelector) or ":" in str(node.name):
            continue
        if node.prettify() in ranged:
            ranged.remove(node.prettify())
        elif node.name != "up":
            yield str(node.name)


def _expressions(alert: Alert) -> list[str]:
    """Return what the alert reads; what it records for dashboards alone decides nothing."""
    texts = alert.expressions
    idle = {text for name, text in alert.records.items() if not any(name in one for one in texts)}
    return [TextValues("10m", "x", ()).of(text) for text in texts if text not in idle]


def test_what_is_read_at_one_moment_is_told_from_what_is_looked_back_for() -> None:
    assert list(_instant("integration_a + last_over_time(integration_b[5m]) + up + x:integration_c:y")) == [
        "integration_a"
    ]
    assert list(_instant("last_over_time(integration_a[5m]) - integration_a")) == ["integration_a"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_that_reads_a_moment_keeps_firing_over_a_restart(alert: Alert) -> None:
    read = {name for text in _expressions(alert) for name in _instant(text)}
    if read:
        assert seconds(alert.keep_firing) >= BRIDGE, f"{read} are gone while the exporter restarts"
        assert alert.hold == "0s", f"{read} begin their hold of {alert.hold} again with each restart"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_what_an_alert_looks_back_for_outlasts_a_restart(alert: Alert) -> None:
    nodes: list[Any] = []
    for text in _expressions(alert):
        promql_parser.walk(promql_parser.parse(text), lambda node: nodes.append(node))
    ranges = [node.range for node in nodes if isinstance(node, promql_parser.MatrixSelector)]
    assert all(one.total_seconds() >= A_RESTART for one in ranges)
    # A window that a restart empties in large part says less of what it counts.
    if ranges and min(one.total_seconds() for one in ranges) <= 2.5 * A_RESTART:
        assert seconds(alert.keep_firing) >= BRIDGE


F = CONSECUTIVE_FAILURES


def _derived(*cases: Case) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in derived_cases(replace(TARGET_FAILING, cases=cases), lambda case: case):
        found.setdefault(case.kind, []).append(case)
    return found


def test_a_restart_takes_two_minutes_out_of_every_series() -> None:
    fires = Case("fires", {series(F): "0x2 3x20", series(DURATION): "1+1x9"}, "5m", (target(),))
    (case,) = _derived(fires)["restart"]
    assert case.series == {
        series(F): "0x2 3x2 stale _x1 3x7",
        series(DURATION): "1+1x5 stale _x1 9+1x1 11+1x5",
    }
    assert (case.at, case.until, case.fires) == ("5m", "15m", (target(),))


def test_of_replicas_one_agrees_one_is_blind_and_one_gets_through() -> None:
    both, blind, well = _derived(Case("fires", {series(F): "3x5"}, "5m", (target(),)))["replicas"]
    assert both.series == {series(F, instance="a"): "3x5", series(F, instance="b"): "3x5"}
    assert blind.series[series(SUCCESS, instance="b")] == "0x6"
    assert blind.series[series(FAILURE_INFO, reason="timeout", instance="b")] == "1x6"
    assert well.series[series(F, instance="b")] == "0x6"
    assert (both.fires, blind.fires, well.fires) == ((target(),), (target(),), ())


def test_what_no_replica_finds_out_by_itself_is_not_contradicted_by_one_that_is_well() -> None:
    measured = Case("fires", {series("integration_quota_used"): "3x5"}, "5m", (target(),))
    assert len(_derived(measured)["replicas"]) == 2


def test_a_target_that_flaps_recovers_again_and_again() -> None:
    fires = Case("fires", {series(F): "3x5", series(FAILURE_INFO, reason="dns"): "1x5"}, "5m", (target(),))
    quick, slow = _derived(fires)["flap"]
    assert quick.series[series(F)] == " ".join(["3x3 0x3"] * 4)
    assert quick.series[series(FAILURE_INFO, reason="dns")] == " ".join(["1x3 stale _x3"] * 4)
    assert (quick.at, quick.until) == ("4m", "31m")
    assert slow.series[series(F)] == " ".join(["3x5 0x13"] * 3)
    assert (slow.at, slow.until) == ("26m", "59m")


def test_another_environment_shows_what_keeps_the_alert_quiet() -> None:
    cases = _derived(
        Case("fires", {series(F): "3x5"}, "5m", (target(),)), Case("quiet", {series(F): "0x5"}, "5m")
    )
    first, second = cases["environments"]
    assert first.series == {
        series(F, environment="staging"): "3x5",
        series(F, environment="production"): "0x5",
    }
    assert first.fires == ({**target(), "environment": "staging"},)
    assert second.fires == ({**target(), "environment": "production"},)


def test_an_exempt_kind_is_not_derived() -> None:
    fires = Case("fires", {series(F): "3x5"}, "5m", (target(),))
    assert set(_derived(fires, exemption("flap", "it is about something else"))) == {*DERIVED_KINDS} - {
        "flap"
    }


@pytest.mark.parametrize(
    ("text", "begin", "end", "cut"),
    [
        ("0x5 1x5", 4, 8, "0x1 1x1"),
        ("1+2x5", 1, 4, "3+2x2"),
        ("10-0.5x5", 4, 9, "8-0.5x1 7-0.5x2"),
        ("_x3 1 stale", 0, 8, "_x3 1 stale _x3"),
        ("5", 0, 3, "5 5x1"),
        ("1.8144e+06x2", 1, 2, "1814400"),
    ],
)
def test_samples_are_cut_and_go_on_as_they_did(text: str, begin: int, end: int, cut: str) -> None:
    assert text_of(samples_between(pieces_of(text), begin, end)) == cut


def test_a_sample_is_found_by_its_place() -> None:
    found = [sample_at(pieces_of("0x1 3+1x2 _ stale 7"), place) for place in range(8)]
    assert found == [0, 0, 3, 4, 5, None, None, 7]


def test_samples_that_are_not_understood_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be derived from"):
        pieces_of("1x5 sometimes")
