"""Is it there? A target failing, an integration down, a vendor's outage, the exporter cut off."""

from exporter.alerts.cases import availability as cases
from exporter.alerts.lookups import ALL_TARGETS, REASON, REASONS, REASONS_OF_ALL, SHARE, SHARE_OF_ALL
from exporter.core.alert import BY, Alert, Runbook
from exporter.core.common_metrics import CONSECUTIVE_FAILURES, CRITICAL, FAILURE_INFO, SUCCESS
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

# Replicas probe the same targets: the one that still gets through is right about the vendor.
FAILURES = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:min"
FAILURES_EXPR = f"min by ({BY}) (last_over_time({CONSECUTIVE_FAILURES}[{STATE}]))"
CONNECTED = f"integration_provider_tenant:{SUCCESS}:max"
CONNECTED_EXPR = f"max by ({BY}) (last_over_time({SUCCESS}[{STATE}]))"

TARGET_FAILING = Alert(
    name="IntegrationTargetFailing",
    summary="A target fails, several probes in a row.",
    description=(
        "{{ $labels.integration }} ({{ $labels.provider }}) has failed {{ $value }} probes in a row"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}."
    ),
    reason=REASON,
    observed=FAILURES,
    op=">=",
    family=CONSECUTIVE,
    records={FAILURES: FAILURES_EXPR},
    cause="probe",
    cases=cases.TARGET_FAILING,
    runbook=Runbook(
        meaning=(
            "The last probes of one target (an integration, for one tenant where it has tenants) all failed. "
            "How many is the threshold `consecutive_failures` of the integration or the tenant."
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
            "concerned, check the network from it. The alert resolves with the first successful probe."
        ),
    ),
)

_ALL_FAILING = (
    f"min by (integration, provider) ({FAILURES})\n"
    ">= on (integration, provider) group_left ()\n"
    f'  integration_provider_severity:{CONSECUTIVE.metric}:default{{severity="high"}}'
)
_MARKED = f"(max by (integration, provider) (last_over_time({CRITICAL}[{STATE}])) == 1)"

DOWN = Alert(
    name="IntegrationDown",
    summary="Every target of the integration fails.",
    description=(
        f"{ALL_TARGETS} of {{{{ $labels.integration }}}} ({{{{ $labels.provider }}}}) failed at least"
        " {{ $value }} probes in a row."
    ),
    reason=REASONS,
    by=("integration", "provider"),
    exprs={
        Severity.CRITICAL: f"(\n{_ALL_FAILING}\n)\nand on (integration, provider) {_MARKED}",
        Severity.HIGH: f"(\n{_ALL_FAILING}\n)\nunless on (integration, provider) {_MARKED}",
    },
    records={FAILURES: FAILURES_EXPR},
    cause="probe",
    cases=cases.DOWN,
    runbook=Runbook(
        meaning=(
            "No target of the integration is connected: each has failed as many probes in a row as "
            "`consecutive_failures` of the integration says. It is critical for integrations with "
            "`critical: true`, else high."
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

OUTAGE = Alert(
    name="IntegrationOutage",
    summary="The integration fails for many targets at once.",
    description=(
        f"{SHARE} targets of {{{{ $labels.integration }}}} ({{{{ $labels.provider }}}}) fail for reasons that"
        " lie with the vendor or the way to it."
    ),
    reason=REASONS,
    by=("integration", "provider"),
    # The reason is read as it is now, without look-back: an older reason must not count as well.
    # A gap in scrapes is bridged by keep_firing.
    expr=(
        "  count by (integration, provider) (\n"
        f"      ({FAILURES} >= 2)\n"
        f"    and on ({BY})\n"
        f'      {FAILURE_INFO}{{reason!~"{"|".join(_OWN)}"}}\n'
        "  )\n"
        f"/\n  count by (integration, provider) ({FAILURES})\n"
        "> 0.3\n"
        f"and on (integration, provider)\n  count by (integration, provider) ({FAILURES}) >= 3"
    ),
    severities=(Severity.CRITICAL,),
    records={FAILURES: FAILURES_EXPR},
    keep_firing="10m",
    cause="probe",
    cases=cases.OUTAGE,
    runbook=Runbook(
        meaning=(
            "The integration has at least three targets, and more than 30 % of them have failed twice in a "
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
            "fell, so that a vendor that comes and goes is reported once."
        ),
    ),
)

_CUT_OFF = (
    f'    ({CONNECTED} == 0)\n  and on ({BY})\n    {FAILURE_INFO}{{reason=~"{"|".join(sorted(NETWORK))}"}}'
)

ISOLATED = Alert(
    name="IntegrationExporterIsolated",
    summary="The exporter cannot reach the outside world.",
    description=(f"{SHARE_OF_ALL} targets, over several providers, cannot be reached by the network."),
    reason=REASONS_OF_ALL,
    by=(),
    expr=(
        f"  count by () (\n{_CUT_OFF}\n  )\n/ on ()\n  count by () ({CONNECTED})\n>= 0.8\n"
        f"and on ()\n  count by () (count by (provider) (\n{_CUT_OFF}\n  )) >= 2"
    ),
    severities=(Severity.CRITICAL,),
    records={CONNECTED: CONNECTED_EXPR},
    # Targets are probed again one by one after the network is back; until then their own alerts stay hidden.
    # It covers intervals of five minutes. Were it to grow with the longest one, a single daily probe would
    # hide every alert for days after a short loss of the network.
    keep_firing="15m",
    labels={"component": "exporter"},
    cases=cases.ISOLATED,
    runbook=Runbook(
        meaning=(
            "At least 80 % of all targets, of two or more providers, fail with `dns`, `connect`, `tls` or "
            "`timeout`, seen from every replica. Vendors do not fall together: the exporter's own way out "
            "is broken."
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
            "Fix resolver, route, proxy or clock. The alert stays on for 15 minutes, in which targets have "
            "their turn again, so that the recovery does not set off an alert per target."
        ),
    ),
)

AVAILABILITY = (ISOLATED, OUTAGE, DOWN, TARGET_FAILING)
