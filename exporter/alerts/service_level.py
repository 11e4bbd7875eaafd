"""How much of the time do probes fail? The share of an hour, and the errors that an objective allows."""

from collections.abc import Callable

from exporter.alerts.availability import FAILING, FAILING_EXPR, STATE, TARGETS, TARGETS_EXPR
from exporter.alerts.cases import service_level as cases
from exporter.core.alert import EVERY, Alert, Runbook
from exporter.core.common_metrics import (
    CONSECUTIVE_FAILURES,
    PROBE_FAILURES,
    PROBES,
    SLO_OBJECTIVE,
    SLO_WINDOW,
)
from exporter.core.service_level import USUAL_WINDOW
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

SUBJECT = "service-level"
PACE = "1m"
"""How often both are looked at: the shortest of their windows is five minutes."""

WHOLE = "integration, provider"

# Of states and not of counters: each replica counts its own runs, and a blind one nothing but failures. A
# target that fails for all of them is one that fails, on whichever shard it is.
SHARE = f"integration_provider:{CONSECUTIVE_FAILURES}:failing_ratio"
SHARE_EXPR = f"(\n  count by ({WHOLE}) ({FAILING})\nor\n  0 * {TARGETS}\n)\n/\n  {TARGETS}"
SHARE_RECORDS = {FAILING: FAILING_EXPR, TARGETS: TARGETS_EXPR, SHARE: SHARE_EXPR}
_SHARE_PACE = dict.fromkeys(SHARE_RECORDS, EVERY)

LEAST_PROBES = 20
LEAST_FAILURES = 3
"""Failed probes in a window below which a share of it says nothing."""

FAILURE_RATIO = ThresholdFamily(
    "probe_failure_ratio",
    "Share of an hour's probes of an integration that fail, above which they fail too often.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
)

PROBES_FAIL = Alert(
    name="IntegrationProbeFailureRatioHigh",
    summary="Probes of the integration fail too often.",
    description=(
        "Within an hour {{ $value | humanizePercentage }} of the probes of {{ $labels.integration }} "
        "({{ $labels.provider }}) failed, over all its targets."
    ),
    observed=(
        f"avg_over_time({SHARE}[1h])\n"
        # Not for an hour after it is over.
        f"and on ({WHOLE})\n  max_over_time({SHARE}[15m]) > 0\n"
        f"and on ({WHOLE})\n  max by ({WHOLE}) (increase({PROBES}[1h])) >= {LEAST_PROBES}"
    ),
    by=("integration", "provider"),
    family=FAILURE_RATIO,
    records=SHARE_RECORDS,
    every=PACE,
    record_every=_SHARE_PACE,
    subject=SUBJECT,
    cause="probe",
    dashboard="integration-slo",
    cases=cases.PROBES_FAIL,
    runbook=Runbook(
        meaning=(
            "The share of the integration's targets that failed, averaged over an hour, is above the "
            f"threshold `probe_failure_ratio`. The hour had at least {LEAST_PROBES} probes and the last "
            "quarter of it a failure. A target fails where all replicas say so. It sees what no single "
            "target's alert does: probes that fail now and then, or a few of many tenants."
        ),
        impact="A share of what customers do through the integration fails as well, here and there.",
        diagnosis=(
            "1. Which reasons? `sum by (reason) (increase(integration_probe_failures_total[1h]))`.\n"
            "2. The same targets all the time, or another one each time? The exporter's page lists them; the "
            "first speaks of accounts, the second of the vendor or the way to it.\n"
            "3. `timeout` and `connect` in turn with success: one of several servers of the vendor is bad, "
            "or a link is full."
        ),
        mitigation=(
            "Fix the accounts that fail for good, or take them out. For the rest follow the vendor's status "
            "page, and let the platform repeat calls that may be repeated. It resolves a quarter of an hour "
            "after the last failure, or when the share of the hour is low again."
        ),
    ),
)

SHARE_5M = f"{SHARE}_5m"
WINDOW = f"integration_provider:{SLO_WINDOW}:max"
ALLOWED_HOURS = f"integration_provider:{SLO_OBJECTIVE}:budget_hours"
BUDGET_LEFT = f"integration_provider:{SLO_OBJECTIVE}:budget_left"
KNOWN_HOURS = f"integration_provider:{CONSECUTIVE_FAILURES}:known_hours"
"""Hours of the window of which failures are recorded: fewer than it has, in a young Prometheus."""

_OBJECTIVE_EXPR = f"max by ({WHOLE}) (last_over_time({SLO_OBJECTIVE}[{STATE}]))"
_WINDOWS = {"7d": 7, "28d": 28, "30d": 30}


def failing_hours(share: str, length: str) -> str:
    """Return the hours of failure within `length`, of what is recorded of it; `share` is a selector of it.

    A mean times the length would take a past of minutes for one of days.
    """
    # Of a record that is not made every minute one sample a minute is taken.
    samples = f"{share}[{length}]" if share.startswith(SHARE_5M) else f"{share}[{length}:1m]"
    return f"sum_over_time({samples}) / 60"


def _by_window(hours: Callable[[str], str]) -> str:
    """Return `hours` of the window that the objective of each integration has."""
    return "\nor\n".join(
        f"  {hours(days)} and on ({WHOLE}) {WINDOW} == {86_400 * count}" for days, count in _WINDOWS.items()
    )


_SPENT_EXPR = _by_window(lambda days: failing_hours(SHARE_5M, days))
_KNOWN_EXPR = _by_window(lambda days: f"count_over_time({SHARE_5M}[{days}]) / 60")


def _failed(length: str) -> str:
    """Return how many probes failed within `length`, of each process apart.

    A reason is shown from its first failure on, which is no increase: what was not there before counts whole.
    """
    before = f"last_over_time({PROBE_FAILURES}[1h] offset {length})"
    return (
        f"sum without (reason) (\n      (increase({PROBE_FAILURES}[{length}]) and {before})\n"
        f"    or\n      ({PROBE_FAILURES} unless {before})\n    )"
    )


def _burns(share: str, length: str, recent: str, hours: int, part: float) -> str:
    """Return the part of the budget that `hours` spent, where it is above `part` and goes on."""
    beyond = f"/ on ({WHOLE}) {ALLOWED_HOURS} > {part:g}"
    return (
        f"(\n    {failing_hours(share, length)} {beyond}\n"
        f"  and on ({WHOLE})\n    avg_over_time({share}[{recent}]) * {hours} {beyond}\n"
        f"  and on ({WHOLE})\n    max by ({WHOLE}) ({_failed(length)}) > {LEAST_FAILURES - 0.5}\n)"
    )


# Windows and parts are those of Google's workbook, https://sre.google/workbook/alerting-on-slos.
BUDGET_BURNING = Alert(
    name="IntegrationErrorBudgetBurning",
    summary="The integration fails more than its objective allows.",
    summaries={Severity.HIGH: "The integration spends its error budget within days."},
    description=(
        "{{ $value | humanizePercentage }} of the failures that the objective of {{ $labels.integration }} "
        "({{ $labels.provider }}) allows for its whole window came "
        '{{ if eq $labels.severity "high" }}within six hours or one{{ else }}within three days or one'
        "{{ end }}."
    ),
    by=("integration", "provider"),
    exprs={
        Severity.HIGH: f"{_burns(SHARE, '1h', '5m', 1, 0.02)}\nor\n{_burns(SHARE, '6h', '30m', 6, 0.05)}",
        Severity.MEDIUM: (
            f"{_burns(SHARE_5M, '1d', '2h', 24, 0.1)}\nor\n{_burns(SHARE_5M, '3d', '6h', 72, 0.1)}"
        ),
    },
    records={
        **SHARE_RECORDS,
        WINDOW: (
            f"max by ({WHOLE}) (last_over_time({SLO_WINDOW}[{STATE}]))\n"
            f"or\n  0 * {_OBJECTIVE_EXPR} + {USUAL_WINDOW:.0f}"
        ),
        ALLOWED_HOURS: f"(1 - {_OBJECTIVE_EXPR}) * {WINDOW} / 3600",
        SHARE_5M: f"max by ({WHOLE}) (avg_over_time({SHARE}[5m]))",
        BUDGET_LEFT: f"1 - max by ({WHOLE}) (\n{_SPENT_EXPR}\n) / on ({WHOLE}) {ALLOWED_HOURS}",
        KNOWN_HOURS: f"max by ({WHOLE}) (\n{_KNOWN_EXPR}\n)",
    },
    every=PACE,
    record_every={**_SHARE_PACE, BUDGET_LEFT: "15m", KNOWN_HOURS: "15m"},
    subject=SUBJECT,
    cause="probe",
    keep_firing="5m",
    dashboard="integration-slo",
    cases=cases.BUDGET_BURNING,
    runbook=Runbook(
        meaning=(
            "`slo.objective` (99.5 %) says in which share of the time probes of the integration succeed, "
            "`slo.window` (30d) over which time; the rest is the error budget. High: 2 % of it were spent "
            "within an hour, or 5 % within six. Medium: 10 % within a day, or within three. The last twelfth "
            "of each window goes on like that, so the alert ends soon after the failures. Time that is not "
            "recorded counts as no failure."
        ),
        impact=(
            "The integration is worse than was promised to customers, or will be before the window is over. "
            "With nothing left of the budget, the promise is broken."
        ),
        diagnosis=(
            f"1. `{BUDGET_LEFT}`: how much is left? Below 0 the objective is missed. "
            f"`{KNOWN_HOURS}`: how many hours of the window are recorded?\n"
            "2. High: what fails now? See the reasons of the failures, and the alerts of its targets.\n"
            "3. Medium: the same targets again and again, or a little everywhere? Compare the hours of a day."
        ),
        mitigation=(
            "High: act as for an outage. Medium: plan what makes it better, such as another account, a "
            "fallback or fewer calls. An objective that the vendor itself does not promise is too high: set "
            "`slo.objective` of the integration, 0 for none."
        ),
    ),
)

SERVICE_LEVEL = (PROBES_FAIL, BUDGET_BURNING)
