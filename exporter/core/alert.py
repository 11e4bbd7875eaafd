"""An alert: one condition, one rule per severity, its page and the cases that prove it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

# Watchdog is the usual name of an alert that always fires and whose absence is the alarm.
ALERT_NAME = re.compile(r"(Integration|Watchdog)[A-Za-z0-9]*\Z")
BY = "integration, provider, tenant"
"""The labels of a target, for `by (...)` in PromQL."""

WHO = (
    "{{ $labels.integration }} ({{ $labels.provider }})"
    "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }}"
)
"""A target in a sentence of an alert, as Prometheus' template."""

EVERY = "30s"
"""How often an alert is evaluated, unless it says otherwise."""

CASE_KINDS = ("fires", "quiet", "boundary", "missing")
"""What an author writes of every alert."""

DERIVED_KINDS = ("restart", "replicas", "flap", "environments")
"""What is derived from the cases that fire, wherever it applies to their series."""


@dataclass(frozen=True)
class Runbook:
    """What a person reads at night: four sections in plain sentences (Markdown)."""

    meaning: str
    impact: str
    diagnosis: str
    mitigation: str


@dataclass(frozen=True)
class Case:
    """One unit test of an alert, written the way `promtool test rules` reads series.

    `series` maps a series to its values in expanding notation at `interval`. `fires` are the label sets
    expected to fire at `at`: every label of the alert but `alertname`. Empty means that it must be quiet.
    Labels that every rule of the alert has (`scope`, `cause`, its only severity) may be left out.
    `kind` is one of CASE_KINDS or DERIVED_KINDS. `says` is the case in words, where the kind
    does not say all. With `until`, the same must fire each minute from `at` to then. With `defaults`, the
    default thresholds that the alert reads are added for each integration in `series`, unless the series
    name them themselves. `exempt` is why no case of the derived `kind` is made for the alert; such a case
    has no series and proves nothing.
    """

    kind: str
    series: Mapping[str, str]
    at: str
    fires: tuple[Mapping[str, str], ...] = ()
    interval: str = "1m"
    says: str = ""
    defaults: bool = True
    until: str = ""
    exempt: str = ""

    def __post_init__(self) -> None:
        """Refuse a kind that nobody knows, and an exemption from what an author writes."""
        if self.kind not in (DERIVED_KINDS if self.exempt else (*CASE_KINDS, *DERIVED_KINDS)):
            raise ValueError(f"case {self.kind}: not a kind of case that can be {self.exempt or 'written'}")


def exemption(kind: str, reason: str) -> Case:
    """Return the case that says why none of the derived `kind` is made for its alert."""
    return Case(kind, {}, "0m", exempt=reason)


@dataclass(frozen=True)
class Alert:
    """One condition.

    Exactly one of three says what it is: `expr`, a whole PromQL condition with one `severity` in
    `severities` (none for an alert that needs no answer); `exprs`, a whole condition for each severity;
    or `observed`, an expression with exactly the labels of `by`, which is compared (`op`) with the
    thresholds of `family`, one rule for each severity of the family's steps, each with the idiom "above
    the default unless overridden, or above the tenant's override".

    Beside `observed`, `besides` is a whole condition of a severity that has no number to compare: its rule
    fires for either.

    `records` are recording rules that it reads, name to expression; alerts may share one. `$lookback` in
    any expression and in `keep_firing` is the look-back over measured values, `$job` for the name
    of the exporter's scrape job. `by` names the labels of the result;
    they are those of a target unless given.
    `suspects` names the record of those beyond the loosest threshold, where another alert has the same
    family and labels. `every` is how often the alert and its records are evaluated, `record_every` how often
    a record of another pace is, by its name. Alerts with one `subject` and pace are one group of rules;
    without one they are in that of their file.
    `hold` is the rule's `for`, `keep_firing` its `keep_firing_for` (durations as in
    Prometheus). `cause` is "probe" for alerts that an outage or isolation explains, "staleness" for those
    that a dead exporter explains. `explains` names alerts of the same target that this one hides: they are
    what it leads to, and none is more severe; `explains_if` are matchers that it must meet
    besides. `summary` is a fixed sentence, `summaries` those of single
    severities that say it better; `description` may use the labels by `{{ $labels.integration }}` and
    `{{ $value }}`. `reason` is a template that looks up why it fires, for an annotation of that name.
    """

    name: str
    summary: str
    description: str
    runbook: Runbook
    expr: str = ""
    observed: str = ""
    op: str = ">"
    by: tuple[str, ...] = Scope.TARGET.value
    family: ThresholdFamily | None = None
    severities: tuple[Severity, ...] = ()
    hold: str = "0s"
    keep_firing: str = ""
    cause: str = ""
    dashboard: str = "integration-overview"
    labels: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    explains: tuple[str, ...] = ()
    explains_if: tuple[str, ...] = ()
    exprs: Mapping[Severity, str] = field(default_factory=dict)
    besides: Mapping[Severity, str] = field(default_factory=dict)
    records: Mapping[str, str] = field(default_factory=dict)
    every: str = EVERY
    record_every: Mapping[str, str] = field(default_factory=dict)
    suspects: str = ""
    subject: str = ""
    summaries: Mapping[Severity, str] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse an alert that is neither a whole condition nor a comparison with thresholds."""
        if not ALERT_NAME.match(self.name):
            raise ValueError(f"alert {self.name}: names are CamelCase and start with Integration")
        if [bool(self.expr), bool(self.exprs), bool(self.observed and self.family)].count(True) != 1:
            raise ValueError(f"alert {self.name}: give one of expr, exprs, or observed with family")
        if self.expr and len(self.severities) > 1:
            raise ValueError(f"alert {self.name}: one expr has one severity; give exprs for several")
        if self.observed and self.family and not set(self.family.default_labels) <= set(self.by):
            raise ValueError(f"alert {self.name}: `by` must have the labels of the scope of its thresholds")
        if not self.besides.keys() <= set(self.family.steps if self.observed and self.family else ()):
            raise ValueError(f"alert {self.name}: `besides` is for severities of its thresholds")
        if not self.summaries.keys() <= set(self.levels):
            raise ValueError(f"alert {self.name}: a summary of a severity that it does not have")

    @property
    def levels(self) -> tuple[Severity, ...]:
        """The severities it has a rule for, highest first; empty for a rule without severity."""
        wanted = self.exprs or (self.family.steps if self.observed and self.family else self.severities)
        return tuple(severity for severity in Severity if severity in wanted)

    def say(self, severity: Severity | None) -> str:
        """Return the summary of one severity, None for an alert without one."""
        return self.summaries.get(severity, self.summary) if severity else self.summary

    @property
    def scope(self) -> str:
        """What one alert speaks of: `tenant`, `integration` or `exporter`; the text of the label `scope`."""
        if "tenant" in self.by:
            return "tenant"
        return "integration" if "integration" in self.by else "exporter"

    @property
    def expressions(self) -> tuple[str, ...]:
        """Everything that it reads, as it is written: what it records, compares or asks for."""
        whole = (self.expr, self.observed, *self.exprs.values(), *self.besides.values())
        texts = (*self.records.values(), *whole)
        return tuple(text for text in texts if text)

    @property
    def suspects_record(self) -> str:
        """The name under which those beyond the loosest threshold are recorded, "" without a family."""
        if self.suspects or self.family is None or not self.observed:
            return self.suspects
        return f"{'_'.join(self.by)}:{self.family.metric}:beyond"

    @property
    def record_names(self) -> tuple[str, ...]:
        """The names of all that is recorded for it, but for thresholds."""
        return (*self.records, *filter(None, (self.suspects_record,)))

    @property
    def fixed_labels(self) -> dict[str, str]:
        """Labels that every rule of the alert sets, but for `severity`."""
        cause = {"cause": self.cause} if self.cause else {}
        return {"scope": self.scope, **cause, **self.labels}

    def __hash__(self) -> int:
        """Hash by name: alert names are unique."""
        return hash(self.name)
