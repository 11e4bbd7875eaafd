"""Is it there? A target failing, an integration down, a vendor's outage, the exporter cut off."""

from exporter.alerts.cases import availability as cases
from exporter.alerts.lookups import ALL_TARGETS, REASON, REASONS, REASONS_OF_ALL, SHARE, SHARE_OF_ALL
from exporter.core.alert import BY, EVERY, WHO, Alert, Runbook
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, CRITICAL, FAILURE_INFO
from exporter.core.reason import NETWORK, Reason
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

CONSECUTIVE = ThresholdFamily(
    "consecutive_failures",
    "Failed probes in a row from which a target counts as failing.",
    {Severity.HIGH: 3},
    minimum=1,
)

STATE = "10m"
"""How long rules look back over series that a target shows at every scrape, for as long as it is there.

It only bridges a restart. `$lookback`, which grows with the intervals, is for measured values, which are
absent after a failure: over these series it would let a target that is gone alarm for days.
"""

# Replicas probe the same targets: the one that still gets through is right about the vendor. Only targets
# that fail are recorded; those that are well are many, and nobody reads them.
FAILING = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:failing"
FAILING_EXPR = f"min by ({BY}) (last_over_time({CONSECUTIVE_FAILURES}[{STATE}])) > 0"
TARGETS = f"integration_provider:{CONSECUTIVE_FAILURES}:count"
TARGETS_EXPR = (
    "count by (integration, provider) (\n"
    f"  group by ({BY}) (last_over_time({CONSECUTIVE_FAILURES}[{STATE}]))\n)"
)

HOLD = "1h"
"""How long a condition that came twice is held: it pages at most twice within any such time."""


HOLD_OF_CAUSES = "90m"
"""The same of conditions that hide those of single targets: longer, so that these never come out of it."""


def _started(name: str, by: str) -> str:
    """Return when the recorded condition `name` began: it was not there at the evaluation before."""
    return f"max by ({by}) ({name} unless on ({by}) {name} offset {EVERY})"


def _came_again(name: str, by: str, gap: str) -> str:
    """Return when the recorded condition `name` began after `gap` without it, as a restart leaves one."""
    return f"max by ({by}) ({name} unless on ({by}) present_over_time({name}[{gap}] offset {EVERY}))"


def _held(name: str, started: str, by: str, hold: str = HOLD) -> str:
    """Return the recorded condition `name`, held while it came at least twice within `hold`."""
    return (
        f"{name}\nor\n(\n  max_over_time({name}[{hold}])\n"
        f"and on ({by})\n  count_over_time({started}[{hold}]) >= 2\n)"
    )


_DEFAULT = f'integration_provider_severity:{CONSECUTIVE.metric}:default{{severity="high"}}'
_OVERRIDE = f'integration_provider_tenant_severity:{CONSECUTIVE.metric}:override{{severity="high"}}'
BEYOND = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:beyond"
BEYOND_EXPR = (
    f"max by ({BY}) (\n"
    f"  (\n    {FAILING}\n  >= on (integration, provider) group_left ()\n    {_DEFAULT}\n  )\n"
    f"unless on ({BY})\n  {_OVERRIDE}\n"
    f"or\n  {FAILING}\n  >= on ({BY}) group_left ()\n  {_OVERRIDE}\n)"
)
BEYOND_STARTED = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:beyond_started"

TARGET_FAILING = Alert(
    name="IntegrationTargetFailing",
    summary="A target fails, several probes in a row.",
    description=(
        "{{ $labels.integration }} ({{ $labels.provider }}) has failed {{ $value }} probes in a row"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}."
    ),
    reason=REASON,
    observed=_held(BEYOND, BEYOND_STARTED, BY),
    op=">=",
    family=CONSECUTIVE,
    records={
        FAILING: FAILING_EXPR,
        BEYOND: BEYOND_EXPR,
        BEYOND_STARTED: _started(BEYOND, BY),
    },
    keep_firing="5m",
    cause="probe",
    explains=("IntegrationRateLimited",),
    cases=cases.TARGET_FAILING,
    runbook=Runbook(
        meaning=(
            "The last probes of one target (an integration, for one tenant where it has tenants) all failed. "
            "How many is the threshold `consecutive_failures` of the integration or the tenant. A target "
            "that recovers and fails again within an hour stays in the alert for the hour: it pages "
            "twice at most."
        ),
        impact=(
            "What this tenant does through the integration does not work now or is about to stop. Measured "
            "values of the target (latency of the vendor, quota, balance) are absent while it fails."
        ),
        diagnosis=(
            "1. See the reason: `integration_probe_failure_info` of the target, or its line on the "
            "exporter's "
            "page.\n"
            "2. `auth`, `permission`, `account`, `quota` and `not_found` speak of this tenant's "
            "account; `dns`, "
            "`connect`, `tls`, `timeout`, `vendor_error` and `bad_response` of the vendor or the way to it.\n"
            "3. Run the probe once and read its log: `integration-exporter probe NAME --tenant TENANT -v`."
        ),
        mitigation=(
            "Renew the credential, grant the permission or settle the account for the first kind. For the "
            "second, look at the vendor's status page and at neighbouring targets; if only this host is "
            "concerned, check the network from it. The alert resolves five minutes after the first "
            "successful probe."
        ),
    ),
)

_WHOLE = "integration, provider"
ALL_FAILING = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:all_failing"
# Each failing target counts, however laxly its tenant is judged: down means that nobody is connected. Where
# there is one target alone, its tenant stays: alerts on the same target then have the same labels, one of
# them hides the others, and whoever cares for the tenant is notified.
ALL_FAILING_EXPR = (
    f"(\n  {FAILING}\n"
    f">= on ({_WHOLE}) group_left ()\n  {_DEFAULT}\n"
    f"and on ({_WHOLE})\n  {TARGETS} == 1\n)\n"
    f"or\n(\n  min by ({_WHOLE}) ({FAILING})\n"
    f">= on ({_WHOLE}) group_left ()\n  {_DEFAULT}\n"
    f"and on ({_WHOLE})\n  count by ({_WHOLE}) ({FAILING}) == {TARGETS} > 1\n)"
)
ALL_FAILING_STARTED = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:all_failing_started"
_DOWN = _held(ALL_FAILING, ALL_FAILING_STARTED, BY)
_MARKED = f"(max by ({_WHOLE}) (last_over_time({CRITICAL}[{STATE}])) == 1)"

DOWN = Alert(
    name="IntegrationDown",
    summary="Every target of the integration fails.",
    description=(
        f"{ALL_TARGETS} of {{{{ $labels.integration }}}} ({{{{ $labels.provider }}}}) failed at least"
        " {{ $value }} probes in a row{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}."
    ),
    reason=REASONS,
    exprs={
        Severity.CRITICAL: f"(\n{_DOWN}\n)\nand on ({_WHOLE}) {_MARKED}",
        Severity.HIGH: f"(\n{_DOWN}\n)\nunless on ({_WHOLE}) {_MARKED}",
    },
    records={
        FAILING: FAILING_EXPR,
        TARGETS: TARGETS_EXPR,
        ALL_FAILING: ALL_FAILING_EXPR,
        ALL_FAILING_STARTED: _started(ALL_FAILING, BY),
    },
    keep_firing="5m",
    cause="probe",
    labels={"scope": "integration"},
    explains=("IntegrationProbeFailureRatioHigh", "IntegrationErrorBudgetBurning", "IntegrationRateLimited"),
    cases=cases.DOWN,
    runbook=Runbook(
        meaning=(
            "No target of the integration is connected: each has failed as many probes in a row as "
            "`consecutive_failures` of the integration says. It is critical for integrations with "
            "`critical: true`, else high. One that comes back and is down again within an hour stays in the "
            "alert for the hour."
        ),
        impact="Nobody on the platform can use the integration.",
        diagnosis=(
            "1. Compare the reasons of its targets (`integration_probe_failure_info`). One reason for all "
            "of them points to what they share: the vendor, the network, or one credential.\n"
            "2. Look at other integrations of the same provider: are they connected?\n"
            "3. What was changed last? See the time of the last reload and of the last deployment."
        ),
        mitigation=(
            "With `auth` or `permission`, renew the shared credential. With network reasons or "
            "`vendor_error`, follow the vendor's status page, tell the customers, and switch to a fallback "
            "where there is one. Silence by integration and provider while the vendor works on it."
        ),
    ),
)

_OWN = (
    Reason.NOT_CONFIGURED,
    Reason.AUTH,
    Reason.PERMISSION,
    Reason.ACCOUNT,
    Reason.QUOTA,
    Reason.NOT_FOUND,
    Reason.ASSERTION,
    Reason.BUG,
)
"""Reasons that lie with an account or with us: many of them at once are not an outage of the vendor."""

_BY_VENDOR = (
    f"count by ({_WHOLE}) (\n"
    f"      ({FAILING} >= 2)\n"
    f"    and on ({BY})\n"
    f'      {FAILURE_INFO}{{reason!~"{"|".join(_OWN)}"}}\n'
    "  )"
)

OUTAGE_RATIO = f"integration_provider:{CONSECUTIVE_FAILURES}:outage_ratio"
# The reason is read as it is now, without look-back: an older reason must not count as well.
# A gap in scrapes is bridged by keep_firing.
OUTAGE_EXPR = f"  {_BY_VENDOR}\n/\n  {TARGETS}\n> 0.3\nand on ({_WHOLE})\n  {_BY_VENDOR} >= 3"
OUTAGE_STARTED = f"integration_provider:{CONSECUTIVE_FAILURES}:outage_started"

OUTAGE = Alert(
    name="IntegrationOutage",
    summary="The integration fails for many targets at once.",
    description=(
        f"{SHARE} targets of {{{{ $labels.integration }}}} ({{{{ $labels.provider }}}}) fail for reasons that"
        " lie with the vendor or the way to it."
    ),
    reason=REASONS,
    by=("integration", "provider"),
    expr=_held(OUTAGE_RATIO, OUTAGE_STARTED, _WHOLE, HOLD_OF_CAUSES),
    severities=(Severity.CRITICAL,),
    records={
        FAILING: FAILING_EXPR,
        TARGETS: TARGETS_EXPR,
        OUTAGE_RATIO: OUTAGE_EXPR,
        OUTAGE_STARTED: _came_again(OUTAGE_RATIO, _WHOLE, "10m"),
    },
    keep_firing="10m",
    cause="probe",
    cases=cases.OUTAGE,
    runbook=Runbook(
        meaning=(
            "At least three targets of the integration, and more than 30 % of all, have failed twice in a "
            "row for a reason that does not lie with the single account: `dns`, `connect`, `tls`, "
            "`timeout`, `rate_limited`, `vendor_error` or `bad_response`."
        ),
        impact=(
            "Most likely the vendor is down or throttles us as a whole. Alerts of single targets of the "
            "integration are hidden while this one fires."
        ),
        diagnosis=(
            "1. Look at the vendor's status page and at other integrations of the same provider.\n"
            "2. `rate_limited` on all of them: what has raised our calls? Compare "
            "`integration_exporter_api_calls_total` with yesterday.\n"
            "3. Several providers at once: look for IntegrationExporterIsolated, it would be our network."
        ),
        mitigation=(
            "Tell the customers, follow the vendor, hold back retries that make it worse. Raise the "
            "integration's `interval` when it throttles us. The alert stays 10 minutes after the share "
            "fell, and one that comes again for an hour and a half: a vendor that comes and goes pages twice "
            "at most."
        ),
    ),
)

_CUT_OFF = (
    f'    ({FAILING} >= 2)\n  and on ({BY})\n    {FAILURE_INFO}{{reason=~"{"|".join(sorted(NETWORK))}"}}'
)

ISOLATED_RATIO = f"all:{CONSECUTIVE_FAILURES}:isolated_ratio"
ISOLATED_EXPR = (
    f"  count by () (\n{_CUT_OFF}\n  )\n/ on ()\n  sum by () ({TARGETS})\n>= 0.8\n"
    f"and on ()\n  count by () (count by (provider) (\n{_CUT_OFF}\n  )) >= 2"
)
ISOLATED_STARTED = f"all:{CONSECUTIVE_FAILURES}:isolated_started"

ISOLATED = Alert(
    name="IntegrationExporterIsolated",
    summary="The exporter cannot reach the outside world.",
    description=(f"{SHARE_OF_ALL} targets, over several providers, cannot be reached by the network."),
    reason=REASONS_OF_ALL,
    by=(),
    expr=_held(ISOLATED_RATIO, ISOLATED_STARTED, "", HOLD_OF_CAUSES),
    severities=(Severity.CRITICAL,),
    records={
        FAILING: FAILING_EXPR,
        TARGETS: TARGETS_EXPR,
        ISOLATED_RATIO: ISOLATED_EXPR,
        ISOLATED_STARTED: _came_again(ISOLATED_RATIO, "", "5m"),
    },
    # Until they have had their turn again after the network is back, targets fail and their own alerts stay
    # hidden. Longer, and a short loss of the network would hide real faults as well.
    keep_firing="5m",
    labels={"component": "exporter"},
    cases=cases.ISOLATED,
    runbook=Runbook(
        meaning=(
            "At least 80 % of all targets, of two or more providers, have failed twice in a row with `dns`, "
            "`connect`, `tls` or `timeout`, seen from every replica. Vendors do not fall together: the "
            "exporter's own way out is broken."
        ),
        impact=(
            "Nothing is known about the integrations. All alerts of probes are hidden while this one fires. "
            "If the platform shares the network, its customers are concerned too."
        ),
        diagnosis=(
            "1. The most frequent reason names the layer: `dns` resolver, `connect` route, proxy or "
            "firewall, `tls` an intercepting proxy or a wrong clock, `timeout` a full or slow link.\n"
            "2. From the exporter's host: resolve a vendor's name, open a connection to its port 443, and "
            "look at the clock."
        ),
        mitigation=(
            "Fix resolver, route, proxy or clock. The alert stays on for five minutes, in which targets "
            "have their turn again, so that the recovery does not set off an alert per target. A network "
            "that is lost again keeps it for an hour and a half."
        ),
    ),
)

CHANGES = ThresholdFamily(
    "state_changes",
    "Changes between connected and failing within an hour above which a target counts as flapping.",
    {Severity.MEDIUM: 6},
    minimum=1,
)
FAILING_STARTED = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:failing_started"
_TIMES = f"count_over_time({FAILING_STARTED}[1h])"

FLAPPING = Alert(
    name="IntegrationFlapping",
    summary="A target fails and recovers again and again.",
    description=f"{WHO} changed {{{{ $value }}}} times between connected and failing within an hour.",
    reason=REASON,
    # Each time that it failed is two changes, but for the one that goes on.
    observed=f"{_TIMES} * 2 - (({FAILING} > bool 0) or {_TIMES} * 0)",
    family=CHANGES,
    records={FAILING: FAILING_EXPR, FAILING_STARTED: _started(FAILING, BY)},
    # The count of the hour goes up and down around the threshold.
    keep_firing="30m",
    cause="probe",
    cases=cases.FLAPPING,
    runbook=Runbook(
        meaning=(
            "Within an hour the target changed more often between connected and failing than the threshold "
            "`state_changes` says (6). Its own alerts, IntegrationTargetFailing and IntegrationDown, are "
            "held meanwhile: they neither resolve nor page again."
        ),
        impact="Some of what customers do works and some does not; each looks like chance to them.",
        diagnosis=(
            "1. The reasons of the last hour: `increase(integration_probe_failures_total[1h])`, and the "
            "target's line on the exporter's page.\n"
            "2. `timeout` and `connect` in turn with success: one of several servers or addresses of the "
            "vendor is bad, or a link is full.\n"
            "3. `rate_limited` in turn with success: we, or the platform with the same credential, ask too "
            "often. `auth` in turn with success: two renew one token."
        ),
        mitigation=(
            "Fix the cause that the reasons name. Where a target is like that and nobody minds, raise "
            "`state_changes` and `consecutive_failures` for it. It resolves when an hour has fewer changes."
        ),
    ),
)

AVAILABILITY = (ISOLATED, OUTAGE, DOWN, TARGET_FAILING, FLAPPING)
