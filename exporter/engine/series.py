"""From the state of a target to its series: what is shown when, and what is absent."""

from collections.abc import Iterator

from exporter.core import common_metrics
from exporter.core.metric import Labels, Metric, Sample
from exporter.core.probe import Result, Target
from exporter.engine.board import ERROR, NOT_CONFIGURED, UNKNOWN, TargetState
from exporter.exposition import Exposition
from exporter.exposition.lines import Series

TIMES, DURATIONS = 3, 6
"""Digits behind the point: a clock has no more of them, and random ones are what gzip cannot shorten."""


def common_labels(target: Target) -> Labels:
    """Return the labels that every series of a target carries."""
    return (("integration", target.integration), ("provider", target.provider), ("tenant", target.tenant))


def series_of(state: TargetState) -> list[Series]:
    """Return every series of a target.

    Not configured: only `integration_info` and `integration_configured` 0. Before the first run: those and
    the next run. After a failure: no measured values, but the dated facts.
    A time that never happened is absent.
    """
    found: list[Series] = [
        (common_metrics.INFO, state.target.labels, 1.0),
        (common_metrics.CONFIGURED, (), float(state.status != NOT_CONFIGURED)),
    ]
    if state.status == NOT_CONFIGURED:
        return found
    found += [(metric, (), value) for metric, value in _times(state) if value is not None]
    if state.status != UNKNOWN:
        found += _outcome(state)
    found += map(_plain, _without_repetition(state.facts))
    return found


def moving_series(state: TargetState) -> list[Series]:
    """Return the series that each run changes, of a target whose last two runs were alike."""
    found: list[Series] = [(metric, (), value) for metric, value in _times(state) if value is not None]
    if state.result is not None:
        found += _durations(state.result)
    return found


def show_run(exposition: Exposition, state: TargetState) -> None:
    """Show what each run changes, of a target whose last two runs were alike."""
    key = ("target", *state.target.key)
    if not exposition.move(key, moving_values(state)):
        exposition.update(key, common_labels(state.target), moving_series(state))


def moving_values(state: TargetState) -> list[tuple[str, tuple[float, ...]]]:
    """Return the values of `moving_series` by the name of their metric, in the same order."""
    found: list[tuple[str, tuple[float, ...]]]
    found = [(metric.name, (value,)) for metric, value in _times(state) if value is not None]
    if (result := state.result) is None:
        return found
    found.append((common_metrics.DURATION.name, (round(result.duration_seconds, DURATIONS),)))
    if result.phases:
        phases = tuple([round(seconds, DURATIONS) for seconds in result.phases.values()])
        found.append((common_metrics.PHASE_DURATION.name, phases))
    return found


def _without_repetition(facts: tuple[Sample, ...]) -> Iterator[Sample]:
    """Yield what is to be shown: not the date of a chain where it is that of the server's certificate."""
    own = [sample.value for sample in facts if sample.metric is common_metrics.CERTIFICATE_EXPIRY]
    for sample in facts:
        if sample.metric is not common_metrics.CHAIN_EXPIRY or sample.value not in own:
            yield sample


def _times(state: TargetState) -> tuple[tuple[Metric, float | None], ...]:
    last_run = _rounded(state.last_run)
    # Most runs succeed, and are both.
    good = last_run if state.last_success == state.last_run else _rounded(state.last_success)
    return (
        (common_metrics.LAST_RUN, last_run),
        (common_metrics.LAST_SUCCESS, good),
        (common_metrics.NEXT_RUN, _rounded(state.next_run)),
    )


def _rounded(at: float | None) -> float | None:
    return None if at is None else round(at, TIMES)


def _outcome(state: TargetState) -> Iterator[Series]:
    yield common_metrics.SUCCESS, (), float(state.status != ERROR)
    yield common_metrics.CONSECUTIVE_FAILURES, (), float(state.failures)
    if state.status == ERROR and state.reason is not None:
        yield common_metrics.FAILURE_INFO, (("reason", state.reason.value),), 1.0
    result = state.result
    if result is None:  # restored from the store, not yet run
        return
    yield from _durations(result)
    if result.http_status is not None:
        yield common_metrics.HTTP_STATUS, (), float(result.http_status)
    yield from map(_plain, result.samples)


def _durations(result: Result) -> Iterator[Series]:
    yield common_metrics.DURATION, (), round(result.duration_seconds, DURATIONS)
    for phase, seconds in result.phases.items():
        yield common_metrics.PHASE_DURATION, (("phase", phase),), round(seconds, DURATIONS)


def _plain(sample: Sample) -> Series:
    return sample.metric, tuple(zip(sample.metric.labels, sample.labels, strict=True)), sample.value
