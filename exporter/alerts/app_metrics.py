"""Alerts on metrics that the configuration declares: one for each that has thresholds, with its cases."""

from collections.abc import Iterator, Mapping

from exporter.alerts.cases.series import scraped, target, text
from exporter.core.alert import Alert, Case, Runbook
from exporter.core.app_metric import app_alert_name, stem_of
from exporter.core.counting import risen
from exporter.core.event_settings import EventSettings
from exporter.core.metric import Kind, Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

WINDOW = 15
"""Minutes over which what is added to a counter is averaged."""

SUBJECT = "app-metrics"

_PROCESS = {"job": "integration-exporter", "instance": "a:10055"}


def app_alerts(events: EventSettings) -> tuple[Alert, ...]:
    """Return the alert of each declared metric that has thresholds."""
    return tuple(app_alert(events.metrics[name], family) for name, family in events.families.items())


def app_alert(metric: Metric, family: ThresholdFamily) -> Alert:
    """Return the alert of a declared metric: a rule for each severity of `family`.

    A gauge is compared as it is, a counter by what is added in a minute on average of a quarter of an hour.
    Counters of several processes add up; of gauges the worst one counts.
    """
    counts, name = metric.kind is Kind.COUNTER, stem_of(metric)
    side = "above" if family.rising else "below"
    value = "what is added to it in a minute, on average of 15 minutes," if counts else "its value"
    return Alert(
        name=app_alert_name(metric, rising=family.rising),
        summary=f"{name} of an app is too {'high' if family.rising else 'low'}.",
        description=f"{name} is {{{{ $value | humanize }}}}{' a minute' if counts else ''}{_who(metric)}.",
        observed=_observed(metric, rising=family.rising),
        op=">" if family.rising else "<",
        by=metric.label_names,
        family=family,
        keep_firing="" if counts else "5m",
        subject=SUBJECT,
        cases=tuple(_Cases(metric, family).all()),
        runbook=Runbook(
            meaning=f"Apps report `{metric}`, and {value} is {side} a threshold under `events.metrics`.",
            impact="Whoever declared the metric chose the numbers; the help of the metric says what it is.",
            diagnosis=(
                f"1. Look at `{metric}` by its labels over the last day.\n"
                "2. Does the app still report it? A gauge keeps the last value that it was given."
            ),
            mitigation=(
                "Fix what the metric shows. Where the number is wrong change it under `events.metrics` and "
                "reload; a new severity, and a new metric, need `integration-exporter generate` again."
            ),
        ),
    )


def _observed(metric: Metric, *, rising: bool) -> str:
    labels = ", ".join(metric.label_names)
    if metric.kind is Kind.COUNTER:
        return f"sum by ({labels}) ({risen(str(metric), f'{WINDOW}m')}) / {WINDOW}"
    return f"{'max' if rising else 'min'} by ({labels}) (last_over_time({metric}[$lookback]))"


def _who(metric: Metric) -> str:
    parts = (
        f"{{{{ if $labels.{label} }}}}, {label} {{{{ $labels.{label} }}}}{{{{ end }}}}"
        for label in metric.label_names
        if label != "provider"
    )
    return "".join(parts)


class _Cases:
    """Writes the cases of one alert, of a series that has each label once."""

    def __init__(self, metric: Metric, family: ThresholdFamily) -> None:
        self._metric, self._rising = metric, family.rising
        levels = [(family.steps[level], level) for level in Severity if level in family.steps]
        # The loosest first: of a metric that rises it is the smallest.
        self._steps = sorted(levels, key=lambda step: step[0], reverse=not family.rising)
        self._labels = {**target("", ""), **dict.fromkeys(metric.labels, "x")}

    def all(self) -> Iterator[Case]:
        """Yield a case of every kind, and one that fires for each severity."""
        for place, (limit, _) in enumerate(self._steps):
            following = self._steps[place + 1][0] if place + 1 < len(self._steps) else None
            value = self._beyond(limit) if following in (None, limit) else (limit + (following or 0)) / 2
            yield self._case("fires", self._of(value), value, says=f"beyond {limit:g}")
        loosest, strictest = self._steps[0][0], self._steps[-1][0]
        within = self._beyond(loosest, -1)
        if self._reaches(within):
            yield self._case("quiet", self._of(within), within)
        yield Case(
            "quiet", self._of(self._beyond(strictest), times="x2 stale _x60"), "40m", says="it is over"
        )
        close = self._close(loosest)
        yield self._case("boundary", self._of(close), close, says="as much, or a little less")
        both = self._of(self._beyond(strictest), instance="a") | self._of(
            self._beyond(loosest, -1), instance="b"
        )
        if self._metric.kind is Kind.GAUGE:
            yield self._case("fires", both, self._beyond(strictest), says="of two processes the worst counts")
        if self._metric.kind is Kind.COUNTER and self._rising:
            # A little more than it takes in 15 minutes, at once.
            first = self._beyond(strictest) * WINDOW
            burst = {text(self._metric, **self._labels, **_PROCESS): f"_x10 {first:.15g}x60"}
            yield self._case("fires", burst | scraped(**_PROCESS), self._beyond(strictest), says="at once")
        yield Case("missing", {text(self._metric, **self._labels): "_x60"}, "20m")

    def _case(self, kind: str, series: Mapping[str, str], value: float, says: str = "") -> Case:
        beyond = [level for limit, level in self._steps if (value > limit if self._rising else value < limit)]
        fires = tuple({**self._labels, "severity": str(level)} for level in beyond)
        return Case(kind, series, "20m", fires, says=says)

    def _of(self, value: float, times: str = "x60", **more: str) -> dict[str, str]:
        counts = self._metric.kind is Kind.COUNTER
        shown = f"0+{value:.15g}{times}" if counts else f"{value:.15g}{times}"
        return {text(self._metric, **self._labels, **more): shown}

    def _beyond(self, limit: float, side: int = 1) -> float:
        """Return a value on the wrong side of `limit`, or with -1 on the right one."""
        step = max(1.0, abs(limit) / 2) * side
        found = limit + step if self._rising else limit - step
        return max(0.0, found) if self._metric.kind is Kind.COUNTER else found

    def _reaches(self, within: float) -> bool:
        """Return whether `within` is on the right side: less than nothing cannot be counted."""
        loosest = self._steps[0][0]
        return within <= loosest if self._rising else within >= loosest

    def _close(self, limit: float) -> float:
        # A rate is an estimate, hardly ever exactly a number.
        if self._metric.kind is Kind.GAUGE:
            return limit
        return limit * (0.99 if self._rising else 1.01)
