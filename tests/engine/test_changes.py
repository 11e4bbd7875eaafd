"""What a new configuration takes over of the one in force, and what it changes."""

from dataclasses import replace

import pytest

from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.threshold import Threshold, ThresholdFamily
from exporter.engine.changes import TargetChanges, adopt, compare
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.threshold_series import ThresholdSeries
from exporter.exposition import Exposition
from tests.clock import HandClock
from tests.engine.making import MadeOptions, NoNetwork, made_configuration, made_target

FAMILY = ThresholdFamily("made_number", "A number.", {Severity.HIGH: 3})


def threshold(value: float, integration: str = "shop", tenant: str = "") -> Threshold:
    return Threshold(FAMILY, integration, "made", tenant, Severity.HIGH, value)


def test_equal_targets_and_thresholds_stay_the_very_same_objects() -> None:
    numbers = threshold(1), threshold(2, tenant="acme")
    old = made_configuration([made_target(name) for name in "abc"], thresholds=numbers)
    other = made_target("b", options=MadeOptions(secret_key=Secret("another_planted_secret")))
    new = made_configuration(
        [made_target("c"), other, made_target("d")], thresholds=(threshold(1), threshold(5, tenant="acme"))
    )
    adopted, changes = adopt(old, new)
    assert changes == TargetChanges((("d", ""),), (("b", ""),), (("a", ""),), reordered=True)
    assert list(adopted.targets) == [("c", ""), ("b", ""), ("d", "")]
    assert adopted.targets["c", ""] is old.targets["c", ""]
    assert adopted.targets["b", ""] is other
    assert [one is two for one, two in zip(adopted.thresholds, numbers, strict=True)] == [True, False]
    assert adopted.thresholds[1].value == 5


def test_a_configuration_that_is_equal_brings_no_change_and_the_same_thresholds() -> None:
    old = made_configuration([made_target(name) for name in "abc"], thresholds=(threshold(1),))
    new = made_configuration([made_target(name) for name in "abc"], thresholds=(threshold(1),))
    adopted, changes = adopt(old, new)
    assert changes == TargetChanges() and changes.differing == ()
    assert adopted.thresholds is old.thresholds


@pytest.mark.parametrize("compared", [True, False])
async def test_the_board_is_that_of_the_configuration_whoever_compared(compared: bool) -> None:
    engine = Engine(NoNetwork(), HandClock(), lambda _batch: None, SelfMetrics())
    old = made_configuration([made_target(name) for name in "abcd"])
    engine.apply(old)
    for names, changed in (("abcd", "b"), ("dbcx", "d"), ("dbcx", ""), ("xc", "c"), ("", ""), ("ca", "")):
        targets = [replace(made_target(name), timeout=7.0 if name in changed else 10.0) for name in names]
        new, changes = adopt(old, made_configuration(targets))
        engine.apply(new, changes if compared else None)
        assert [state.target.key for state in engine.board] == list(new.targets)
        assert all(state.target == new.targets[state.target.key] for state in engine.board)
        assert all(key in engine.scheduler for key in new.targets)
        old = new
    await engine.stop(0)


def test_targets_of_two_configurations_are_compared_by_what_they_are() -> None:
    one, two = made_target("a"), made_target("b")
    assert compare({one.key: one, two.key: two}, {one.key: made_target("a"), two.key: two}) == TargetChanges()
    assert compare({one.key: one, two.key: two}, {two.key: two, one.key: one}) == TargetChanges(
        reordered=True
    )


def test_thresholds_are_shown_by_integration_and_gone_with_it() -> None:
    exposition = Exposition()
    series = ThresholdSeries(exposition)
    shop = (threshold(1), threshold(2, tenant="acme"))
    series.apply((shop, (threshold(4, "till"),)))
    lines = exposition.render(False, False).decode().splitlines()[2:]
    line = (
        'integration_threshold_made_number{{integration="{}",provider="made",severity="high",tenant="{}"}} {}'
    )
    assert lines == [
        line.format("shop", "", 1.0),
        line.format("shop", "acme", 2.0),
        line.format("till", "", 4.0),
    ]
    series.apply(((threshold(9), threshold(2, tenant="acme")), ()))
    lines = exposition.render(False, False).decode().splitlines()[2:]
    assert lines == [line.format("shop", "", 9.0), line.format("shop", "acme", 2.0)]
    series.apply(((), ()))
    assert exposition.render(False, False) == b""
