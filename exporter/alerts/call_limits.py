"""How often may we still ask? Rate limits of vendors, budgets of calls, and answers that change."""

from exporter.alerts.availability import FAILING, FAILING_EXPR
from exporter.alerts.cases import call_limits as cases
from exporter.alerts.service_level import WHOLE
from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.common_metrics import (
    DEFERRED,
    FAILURE_INFO,
    RATE_LIMIT_LIMIT,
    RATE_LIMIT_REMAINING,
    SCHEMA_DRIFT,
)
from exporter.core.reason import Reason
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

BUCKET_BY = ("integration", "provider", "tenant", "bucket")
_BUCKET = ", ".join(BUCKET_BY)
_LEFT = f"last_over_time({RATE_LIMIT_REMAINING}[$lookback])"
_SIZE = f"last_over_time({RATE_LIMIT_LIMIT}[$lookback])"
# Within one replica, which has both from one answer; the last to ask knows better than the others.
_RATIO = f"max by ({_BUCKET}) ({_LEFT} / ({_SIZE} > 0))"

LEFT_RATIO = ThresholdFamily(
    "rate_limit_ratio",
    "Share of a rate limit's calls that is left, below which it counts as nearly used up.",
    {Severity.MEDIUM: 0.1},
    rising=False,
    unit="ratio",
    maximum=1.0,
)
LEFT_CALLS = ThresholdFamily(
    "rate_limit_calls",
    "Calls left of a rate limit that is smaller than 100 calls or of unknown size, below which it counts as"
    " nearly used up.",
    {Severity.MEDIUM: 10},
    rising=False,
)

_PAGE = Runbook(
    meaning=(
        "For ten minutes the vendor's own answers have said that hardly any calls are left before it "
        "throttles "
        "the credential: less than `rate_limit_ratio` (10 %) of the limit, or, where the limit is below 100 "
        "calls or its size is not said, fewer than `rate_limit_calls` (10)."
    ),
    impact=(
        "None yet. With nothing left the vendor refuses calls of everybody who shares the credential, the "
        "platform among them, until the limit is full again."
    ),
    diagnosis=(
        "1. `integration_rate_limit_remaining` and `integration_rate_limit_limit` by `bucket`: since when?\n"
        "2. `integration_rate_limit_reset_timestamp_seconds`: when is it full again?\n"
        "3. Whose calls are they? Those of the exporter: `rate(integration_exporter_api_calls_total[1h])`, "
        "the rest is the platform, or somebody else with the credential."
    ),
    mitigation=(
        "Stop the loop, cache what is asked again and again, or spread batches over the day. Give "
        "the exporter "
        "a credential of its own where the vendor counts by credential. A longer `interval` saves its part."
    ),
)

RATE_LIMIT_LOW = Alert(
    name="IntegrationRateLimitNearlySpent",
    summary="Hardly any calls are left of a vendor's rate limit.",
    description=(
        f"{{{{ $value | humanizePercentage }}}} of the rate limit {{{{ $labels.bucket }}}} of {WHO} are left."
    ),
    observed=_RATIO,
    op="<",
    by=BUCKET_BY,
    family=LEFT_RATIO,
    hold="10m",
    every="1m",
    dashboard="integration-quotas",
    cases=cases.RATE_LIMIT_LOW,
    runbook=_PAGE,
)

CALLS_LOW = Alert(
    name="IntegrationRateLimitCallsFew",
    summary="Hardly any calls are left of a vendor's small rate limit.",
    description=f"{{{{ $value }}}} calls are left of the rate limit {{{{ $labels.bucket }}}} of {WHO}.",
    # Of a limit of 12 calls nine are most of it.
    observed=(
        f"max by ({_BUCKET}) ({_LEFT})\n"
        f"unless on ({_BUCKET})\n  max by ({_BUCKET}) ({_SIZE}) >= 100\n"
        f"unless on ({_BUCKET})\n  {_RATIO} >= 0.5"
    ),
    op="<",
    by=BUCKET_BY,
    family=LEFT_CALLS,
    hold="10m",
    every="1m",
    dashboard="integration-quotas",
    cases=cases.CALLS_LOW,
    runbook=_PAGE,
)

RATE_LIMITED = Alert(
    name="IntegrationRateLimited",
    summary="A vendor throttles our calls.",
    description=f"{WHO} has been refused {{{{ $value }}}} times in a row because we ask too often.",
    expr=(
        f"{FAILING} >= 2\nand on ({BY})\n"
        f'  max by ({BY}) (last_over_time({FAILURE_INFO}{{reason="{Reason.RATE_LIMITED}"}}[10m]))'
    ),
    severities=(Severity.MEDIUM,),
    records={FAILING: FAILING_EXPR},
    # A vendor that throttles lets calls through in turn: that is reported twice an hour at most.
    keep_firing="30m",
    cause="probe",
    dashboard="integration-quotas",
    cases=cases.RATE_LIMITED,
    runbook=Runbook(
        meaning=(
            "The vendor answered two probes in a row with 429, or in its own way that it throttles the "
            "credential, within the last ten minutes. Many targets at once are an outage for the platform: "
            "IntegrationOutage counts them."
        ),
        impact="The platform's calls with the credential are refused as well, until the limit is full again.",
        diagnosis=(
            "1. One tenant or all? One has a credential that asks too often; all share one, or an address.\n"
            "2. `integration_rate_limit_reset_timestamp_seconds`, or the header Retry-After in the "
            "log of the "
            "probe: until when?\n"
            "3. What has raised our calls? Compare `integration_exporter_api_calls_total` and the platform's "
            "own calls with yesterday."
        ),
        mitigation=(
            "Stop the loop or the batch. The exporter waits as long as the vendor asks and needs nothing. "
            "Raise the integration's `interval` where the exporter itself is a good part of the calls."
        ),
    ),
)

BUDGET_SPENT = Alert(
    name="IntegrationCallBudgetSpent",
    summary="Probes are put off because their budget of calls is spent.",
    description=(
        "Within half an hour {{ $value | humanize }} probes of {{ $labels.integration }} "
        "({{ $labels.provider }}) were put off: the calls that their credential may make are used up."
    ),
    by=("integration", "provider"),
    expr=f"max by ({WHOLE}) (increase({DEFERRED}[30m])) > 0",
    severities=(Severity.MEDIUM,),
    hold="15m",
    dashboard="integration-quotas",
    cases=cases.BUDGET_SPENT,
    runbook=Runbook(
        meaning=(
            "The exporter makes no more calls with a credential than the vendor's documented allowance lets "
            f"it, and puts probes off where that is spent (`{DEFERRED}`)."
        ),
        impact="The targets are probed more seldom than configured; a failure is seen later.",
        diagnosis=(
            "1. `rate(integration_exporter_api_calls_total[1h])` against the allowance on the page of "
            "providers.\n"
            "2. More tenants, a shorter `interval`, many checks by hand, or refreshes of tokens that fail?\n"
            "3. Do other exporters use the same credential? `replicas` must count them."
        ),
        mitigation=(
            "Raise `interval` of the integration, split it over several credentials, or set "
            "`allow_over_budget: true` where the vendor granted more than it documents."
        ),
    ),
)

SCHEMA_CHANGED = Alert(
    name="IntegrationSchemaDrift",
    summary="A vendor's answers are no longer what it documents.",
    description=(
        "Within six hours {{ $value | humanize }} fields in answers of {{ $labels.integration }} "
        "({{ $labels.provider }}) were missing or of another type."
    ),
    by=("integration", "provider"),
    expr=f"max by ({WHOLE}) (increase({SCHEMA_DRIFT}[6h])) > 2",
    severities=(Severity.LOW,),
    hold="30m",
    every="4m",
    subject="schema-drift",
    cases=cases.SCHEMA_CHANGED,
    runbook=Runbook(
        meaning=(
            "Probes found fields that the vendor documents, or that `extract` and `expect` ask for, missing "
            "or of another type, three times or more within six hours."
        ),
        impact="Values that depend on these fields are absent, and alerts on them are quiet. Probes go on.",
        diagnosis=(
            "1. `integration-exporter probe NAME -v` names each field.\n"
            "2. A new version of the vendor's API? See its changelog. Or does one tenant alone have such an "
            "account?\n"
            "3. Of the provider `http`: did the service's JSON change?"
        ),
        mitigation=(
            "Correct the paths in `extract` and `expect`, pin the API's version where the vendor "
            "lets you, or "
            "report it with the probe's log, so that the provider learns the new field."
        ),
    ),
)

CALL_LIMITS = (RATE_LIMIT_LOW, CALLS_LOW, RATE_LIMITED, BUDGET_SPENT, SCHEMA_CHANGED)
