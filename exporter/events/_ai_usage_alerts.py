"""Do calls to AI services succeed?"""

from exporter.core.alert import Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _ai_usage_cases as cases
from exporter.events import _ai_usage_series as m
from exporter.events._shares import PLACE, Share

DASHBOARD = "integration-api"

AI_ERRORS = ThresholdFamily(
    "ai_error_ratio",
    "Share of the calls to an AI service, as apps report them, that fail, above which too many do.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
LEAST = 50
"""Calls in a quarter of an hour below which a share says nothing."""

_BY = (*Scope.TARGET.value, "endpoint")
_CALLS = Share(m.REQUESTS, m.FAILURES, _BY, "15m", LEAST)

AI_CALLS_FAIL = Alert(
    name="IntegrationAiErrorsHigh",
    summary="Calls of the app to an AI service fail.",
    description=(
        f"{{{{ $value | humanizePercentage }}}} of the calls to {{{{ $labels.endpoint }}}}{PLACE} within 15 "
        "minutes failed."
    ),
    observed=_CALLS.expression,
    by=_BY,
    family=AI_ERRORS,
    records=_CALLS.records,
    every="1m",
    subject="reported-ai-calls",
    dashboard=DASHBOARD,
    cases=cases.AI_CALLS_FAIL,
    runbook=Runbook(
        meaning=(
            "Of the calls to one endpoint of an AI service that apps reported (events of the kind "
            f"`ai_usage`) more than `ai_error_ratio` failed within 15 minutes. It needs {LEAST} calls."
        ),
        impact="What customers asked for is not made; calls that fail late may still cost money.",
        diagnosis=(
            "1. Why? `sum by (endpoint, reason) (increase(integration_ai_request_failures_total[15m]))`: "
            "`rate_limited` is our pace or our account, `timeout` a full queue, `error` the request or the "
            "service.\n"
            "2. Other endpoints of the same service too? Then look at its status page and its balance.\n"
            "3. `integration-exporter list costs` shows single calls with their request ids."
        ),
        mitigation=(
            "Queue or slow down for `rate_limited`; fall back to another model for `timeout` and `error`; "
            "roll back what changed the request."
        ),
    ),
)

ALERTS = (AI_CALLS_FAIL,)
