"""Cases that an alert gets for nothing, made from those in which it fires.

What every alert must bear is asked of every alert: the exporter restarts, it has replicas, its targets flap,
two environments share a Prometheus. A case that cannot be derived is left out by the alert, with the reason
(`Case.exempt`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from exporter.core.alert import Alert, Case
from exporter.core.common_metrics import (
    CONFIGURED,
    CONSECUTIVE_FAILURES,
    CRITICAL,
    DURATION,
    FAILURE_INFO,
    NEXT_RUN,
    SUCCESS,
    TARGET_SERIES,
)
from exporter.core.durations import seconds
from exporter.core.metric import Metric
from exporter.generate.samples import STALE, pieces_of, sample_at, samples_between, text_of

GAP = 2
"""Samples that a restart of the exporter costs: two evaluations of a test, two minutes."""
GOES_ON = 8
"""Samples for which an alert is looked at after the gap: more than any `keep_firing_for` that bridges it."""
BAD, GOOD, EPISODES = 4, 4, 4
"""Samples of each state of a target that flaps, and how often it fails."""
SLOW_BAD, SLOW_GOOD, SLOW_EPISODES = 6, 14, 3
"""The same where the alert resolves once in between: held from the second time on, it pages twice an hour."""

_LABEL = re.compile(r'(\w+)="([^"]*)"')
_TARGET = ("integration", "provider", "tenant")
_REPLICA = {"instance", "job"}
# That a target is configured no replica finds out.
_STATE = {*map(str, TARGET_SERIES), str(CRITICAL)} - {str(CONFIGURED)}
_FLAGS = {str(FAILURE_INFO): 1.0, str(SUCCESS): 0.0}
"""What flags of a target that fails show."""
_WELL = {str(CONSECUTIVE_FAILURES): "0", str(SUCCESS): "1"}

Complete = Callable[[Case], Case]
"""Adds the default thresholds to the series of a case."""


def derived_cases(alert: Alert, complete: Complete) -> tuple[Case, ...]:
    """Return the cases of DERIVED_KINDS that apply to the series of `alert`, each once."""
    exempt = {case.kind for case in alert.cases if case.exempt}
    found = (made for case in _chosen(alert) for made in _of(alert, case, complete))
    # Two firing cases may become one and the same.
    return tuple({(made.kind, repr(made)): made for made in found if made.kind not in exempt}.values())


def _of(alert: Alert, case: Case, complete: Complete) -> Iterator[Case]:
    whole = complete(case)
    if any(_name(series) != "up" for series in whole.series):
        yield _restart(whole)
    if _targets(whole) and not any(_REPLICA & _labels(series).keys() for series in whole.series):
        yield from _replicas(whole)
    if any(_failing(whole, series) for series in whole.series):
        yield from _flaps(whole)
    if whole.series:
        yield from _environments(alert, whole, complete)


def _chosen(alert: Alert) -> list[Case]:
    """Return the first firing case of each severity, and the first that shows but the state of probes."""
    firing = [case for case in alert.cases if case.kind == "fires" and case.fires]
    first: dict[str, Case] = {}
    for case in firing:
        for labels in case.fires:
            first.setdefault(labels.get("severity", ""), case)
    of_state = next((case for case in firing if _is_of_state(case)), None)
    return [case for case in firing if case in (*first.values(), of_state)]


def _name(series: str) -> str:
    return series.partition("{")[0]


def _labels(series: str) -> dict[str, str]:
    return dict(_LABEL.findall(series))


def _with(series: str, **labels: str) -> str:
    """Return the text of the series with other labels."""
    inside = ",".join(f'{name}="{value}"' for name, value in (_labels(series) | labels).items())
    return f"{_name(series)}{{{inside}}}"


def _all_with(series: Mapping[str, str], **labels: str) -> dict[str, str]:
    return {_with(name, **labels): values for name, values in series.items()}


def _is_of_state(case: Case) -> bool:
    """Return whether the case shows only what each replica finds for itself, and no measured value."""
    names = {_name(series) for series in case.series if not _is_threshold(series)}
    return bool(names) and names <= _STATE and bool(_targets(case))


def _is_threshold(series: str) -> bool:
    return series.startswith("integration_threshold_")


def _index(case: Case) -> int:
    return seconds(case.at) // seconds(case.interval)


def _last(case: Case, count: int) -> str:
    """Return the moment `count` samples after that of the case, in minutes."""
    return f"{(seconds(case.at) + count * seconds(case.interval)) // 60}m"


def _failing(case: Case, series: str) -> bool:
    value = sample_at(pieces_of(case.series[series]), _index(case))
    if value is None:
        return False
    return value > 0 if _name(series) == str(CONSECUTIVE_FAILURES) else value == _FLAGS.get(_name(series))


def _targets(case: Case) -> list[dict[str, str]]:
    """Return the labels of the targets in the series of a case, each once."""
    found = (_labels(series) for series in case.series if not _is_threshold(series))
    named = ({label: labels[label] for label in _TARGET} for labels in found if labels.keys() >= {*_TARGET})
    return list({tuple(labels.items()): labels for labels in named}.values())


def _restart(case: Case) -> Case:
    """Return the case with a gap after its moment: the alert neither resolves nor fires again."""
    return replace(
        case,
        kind="restart",
        says=_says(case, "two minutes without an answer resolve nothing"),
        series={
            name: text if _name(name) == "up" else _with_gap(text, _index(case))
            for name, text in case.series.items()
        },
        until=_last(case, GAP + GOES_ON),
    )


def _with_gap(text: str, index: int) -> str:
    pieces = pieces_of(text)
    before = samples_between(pieces, 0, index + 1)
    after = samples_between(pieces, index + 1 + GAP, index + 1 + GAP + GOES_ON)
    if sample_at(pieces, index) is None:
        return text
    return f"{text_of(before)} {STALE} _x{GAP - 1} {text_of(after)}"


def _says(case: Case, text: str) -> str:
    return f"{text} ({case.says})" if case.says else text


def _replicas(case: Case) -> Iterator[Case]:
    thresholds = {name: text for name, text in case.series.items() if _is_threshold(name)}
    one = _all_with(case.series, instance="a")
    both = one | _all_with(case.series, instance="b")
    yield replace(case, kind="replicas", series=both, says=_says(case, "two that agree give it once"))
    blind = one | _all_with(thresholds | _blind(case), instance="b")
    yield replace(case, kind="replicas", series=blind, says=_says(case, "a blind one beside changes nothing"))
    if _is_of_state(case):
        well = one | _all_with(thresholds | _well(case), instance="b")
        says = _says(case, "one that gets through is believed")
        yield replace(case, kind="replicas", series=well, fires=(), says=says)


def _blind(case: Case) -> dict[str, str]:
    """Return what a replica shows whose every probe times out."""
    return _shown(case, {SUCCESS: "0", CONSECUTIVE_FAILURES: "9", DURATION: "10", CONFIGURED: "1"}) | {
        _series(str(FAILURE_INFO), labels | {"reason": "timeout"}): f"1x{_index(case) + 1}"
        for labels in _targets(case)
    }


def _well(case: Case) -> dict[str, str]:
    """Return what a replica shows whose every probe succeeds."""
    # Due far in the future of a test's clock, which begins at 0.
    shown = {SUCCESS: "1", CONSECUTIVE_FAILURES: "0", DURATION: "0.2", CONFIGURED: "1", NEXT_RUN: "1e9"}
    return _shown(case, shown)


def _shown(case: Case, values: Mapping[Metric, str]) -> dict[str, str]:
    return {
        _series(str(metric), labels): f"{value}x{_index(case) + 1}"
        for labels in _targets(case)
        for metric, value in values.items()
    }


def _series(name: str, labels: Mapping[str, str]) -> str:
    return _with(f"{name}{{}}", **labels)


def _flaps(case: Case) -> Iterator[Case]:
    """Give the case with targets that recover again and again: one alert, or two where they are slow."""
    quick, slow = (BAD, GOOD, EPISODES), (SLOW_BAD, SLOW_GOOD, SLOW_EPISODES)
    yield _flap(case, *quick, BAD, "failures that come and go are one alert")
    yield _flap(case, *slow, 2 * SLOW_BAD + SLOW_GOOD, "what fails again within the hour is held")


def _flap(case: Case, bad: int, good: int, episodes: int, begin: int, says: str) -> Case:
    """Return the case with `episodes` of `bad` and `good` samples; it fires from sample `begin` on."""
    return replace(
        case,
        kind="flap",
        at=f"{begin * seconds(case.interval) // 60}m",
        until=f"{(bad + good) * episodes * seconds(case.interval) // 60 - 1}m",
        says=_says(case, says),
        series={name: _flapping(case, name, bad, good, episodes) for name in case.series},
    )


def _flapping(case: Case, series: str, bad: int, good: int, episodes: int) -> str:
    value = sample_at(pieces_of(case.series[series]), _index(case))
    if not _failing(case, series):
        # Everything else stays as it was when the alert fired.
        return "_" if value is None else f"{value:.10g}x{(bad + good) * episodes}"
    well = _WELL.get(_name(series))
    rest = f"{well}x{good - 1}" if well else f"{STALE} _x{good - 1}"
    return " ".join(f"{value:.10g}x{bad - 1} {rest}" for _ in range(episodes))


def _environments(alert: Alert, case: Case, complete: Complete) -> Iterator[Case]:
    """Return the case beside another environment that is well, and the other way."""
    quiet = next((complete(one) for one in alert.cases if one.kind == "quiet" and not one.fires), None)
    well = quiet.series if quiet else {}
    for fails, other in (("staging", "production"), ("production", "staging")):
        yield replace(
            case,
            kind="environments",
            says=_says(case, f"{fails} fails, {other} does not"),
            series=_all_with(case.series, environment=fails) | _all_with(well, environment=other),
            fires=tuple({**labels, "environment": fails} for labels in case.fires),
        )
