"""Checks of an alert of the user's own that its type alone does not make."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from exporter.config import durations
from exporter.config.catalogue import Catalogue
from exporter.config.document.context import Path
from exporter.config.document.source import quotable_key
from exporter.config.document.validate import suggestion
from exporter.config.layout_alerts import AlertPart
from exporter.config.sections.alerts.exported import ExportedMetric
from exporter.config.sections.notifications.addresses import web_address
from exporter.core.metric import Kind, Metric
from exporter.core.own_alert import OwnAlert
from exporter.core.severity import Severity

AlertIssue = tuple[Path, str, str]
"""Where below the alert, what is wrong, and what to do."""

OF_COUNTERS = ("increase", "rate")
COUNTER_WINDOW = "15m"
LEAST_WINDOW = 60.0
"""Seconds below which Prometheus has hardly a scrape to look at."""

_SELF = "integration_exporter_"


@dataclass
class AlertChecks:
    """Judges the alerts of one file, one after the other.

    `teams` are the names of teams with the lowest severity that each gets. `all_integrations` are also those
    with a mistake; unless `sound` a metric that is not there may be one of theirs.
    """

    exported: Mapping[str, ExportedMetric]
    catalogue: Catalogue
    all_integrations: Set[str]
    teams: Mapping[str, Severity]
    sound: bool = True
    _seen: set[str] = field(default_factory=set)

    def findings(self, part: AlertPart) -> Iterator[AlertIssue]:
        """Yield what is wrong with `part`."""
        yield from self._of_name(part.name)
        found = self.exported.get(part.metric)
        if found is None:
            yield from self._of_metric(part.metric)
        else:
            yield from self._of_function(part, found.metric)
            yield from self._of_labels(part, found)
        yield from _of_times(part)
        yield from self._of_recipients(part)
        if part.runbook_url:
            yield from web_address(part.runbook_url, ("runbook_url",))

    def alert(self, part: AlertPart) -> OwnAlert | None:
        """Return the alert; None where its metric is not known."""
        found = self.exported.get(part.metric)
        if found is None:
            return None
        function = part.function or _usual_function(part, found.metric)
        window = part.window or (COUNTER_WINDOW if function in OF_COUNTERS else "")
        where = {label: _values(given) for label, given in part.where.items()}
        chosen = where.get("integration", ())
        return OwnAlert(
            part.name,
            found.metric,
            part.op,
            part.value,
            part.severity,
            part.summary,
            part.description,
            part.runbook_url,
            function,
            _text(window) if window else "",
            _text(part.hold),
            _text(part.keep_firing_for) if part.keep_firing_for else "",
            tuple(sorted(where.items())),
            tuple(one for one in found.exporters if not chosen or one[0] in chosen),
            part.recipients,
        )

    def _of_name(self, name: str) -> Iterator[AlertIssue]:
        if name in self._seen:
            yield ("name",), f"the alert {quotable_key(name)} is given twice", "choose another name"
        elif name in self.catalogue.alerts:
            yield ("name",), f"{name} is an alert of the exporter", "choose another name"
        self._seen.add(name)

    def _of_metric(self, name: str) -> Iterator[AlertIssue]:
        shown = quotable_key(name)
        if name.startswith(_SELF):
            yield (
                ("metric",),
                f"{shown} is of the exporter itself and not of an integration",
                "write a rule on it into a file, and name that under rule_files:",
            )
            return
        owners = [one.name for one in self.catalogue.probes.values() if name in map(str, one.metrics)]
        if owners and self.sound:
            yield (
                ("metric",),
                f"no integration of this file exports {shown}",
                f"add an integration of {' or '.join(owners)}, or choose another metric",
            )
        elif not owners and self.sound:
            yield ("metric",), f"unknown metric {shown}", self._nearest(name)

    def _nearest(self, name: str) -> str:
        known = {*self.exported}
        # Some hundred names are no help: without a near one the reference page is.
        remedy = suggestion(name, known)
        return remedy if remedy.startswith("did you mean") else "see docs/reference/metrics.md for the names"

    def _of_function(self, part: AlertPart, metric: Metric) -> Iterator[AlertIssue]:
        counter = metric.kind is Kind.COUNTER
        if metric.kind is Kind.HISTOGRAM:
            yield (
                ("metric",),
                f"{metric} is a histogram, which has no single value",
                "write a rule with histogram_quantile() into a file, and name that under rule_files:",
            )
        elif part.function and counter != (part.function in OF_COUNTERS):
            kind, remedy = (
                ("a counter, which only rises", "use increase or rate")
                if counter
                else ("no counter", "use avg, min, max or last")
            )
            yield ("function",), f"{metric} is {kind}", remedy
        elif counter and (always := _foregone(part)):
            yield ("value",), f"a counter never falls, so this is {always} true", "compare with another value"
        elif counter and part.op in ("==", "!=") and part.value:
            yield ("op",), "an increase is an estimate, hardly ever exactly this number", "use >= or <="
        elif part.function in ("avg", "min", "max") and not part.window:
            yield ("function",), f"{part.function} needs a window", "add window: 15m"

    def _of_labels(self, part: AlertPart, found: ExportedMetric) -> Iterator[AlertIssue]:
        names = found.metric.label_names
        exporters = {name for name, _, _ in found.exporters}
        for label, given in part.where.items():
            path = ("where", label)
            if label not in names:
                shown = quotable_key(label)
                yield path, f"{found.metric} has no label {shown}", suggestion(label, set(names))
            elif not _values(given):
                yield path, "no value is named", "write one, or remove the label"
            elif label == "integration":
                for value in _values(given):
                    yield from self._of_integration(value, exporters, found.metric, path)

    def _of_integration(
        self, name: str, exporters: Set[str], metric: Metric, path: Path
    ) -> Iterator[AlertIssue]:
        if name not in self.all_integrations:
            yield path, "an integration is named that is not in this file", suggestion(name, exporters)
        elif name not in exporters and self.sound:
            yield path, f"the integration {name} does not export {metric}", suggestion(name, exporters)

    def _of_recipients(self, part: AlertPart) -> Iterator[AlertIssue]:
        for index, name in enumerate(part.recipients):
            path = ("recipients", index)
            least = self.teams.get(name)
            if least is None:
                remedy = (
                    suggestion(name, set(self.teams))
                    if self.teams
                    else "add it under notifications.teams, or remove recipients"
                )
                yield path, f"there is no team {quotable_key(name)}", remedy
            elif part.severity in least.below:
                yield (
                    path,
                    f"the team {name} takes alerts from {least} up, and this one is {part.severity}",
                    "raise the severity, or lower minimum_severity of the team",
                )


def _of_times(part: AlertPart) -> Iterator[AlertIssue]:
    for key, text in (("window", part.window), ("for", part.hold), ("keep_firing_for", part.keep_firing_for)):
        if text is None:
            continue
        amount = durations.seconds(text.strip())
        if amount != int(amount):
            yield (key,), f"{key} has parts of a second", "write whole seconds"
        elif key == "window" and amount < LEAST_WINDOW:
            yield (key,), "the window is below a minute", "write at least 1m"


def _foregone(part: AlertPart) -> str:
    """Return whether what never falls below 0 meets the condition `always` or `never`, else ""."""
    never = {"<": part.value <= 0, "<=": part.value < 0, "==": part.value < 0}
    always = {">": part.value < 0, ">=": part.value <= 0, "!=": part.value < 0}
    if never.get(part.op):
        return "never"
    return "always" if always.get(part.op) else ""


def _usual_function(part: AlertPart, metric: Metric) -> str:
    if metric.kind is Kind.COUNTER:
        return "increase"
    return "avg" if part.window else "last"


def _values(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _text(duration: str) -> str:
    amount = durations.seconds(duration.strip())
    return durations.text_of(amount) if amount else "0s"
