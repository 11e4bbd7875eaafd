"""Do webhooks arrive, are they genuine, are they processed, and do ours get through?"""

from exporter.alerts.availability import STATE
from exporter.alerts.cases import webhooks as cases
from exporter.core import webhook_metrics as m
from exporter.core.alert import BY, Alert, Runbook
from exporter.core.counting import risen
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

LEAST_EVENTS = 20
"""Attempts in an hour below which a share says nothing."""

SUCCESS = ThresholdFamily(
    "webhook_success_ratio",
    "Share of the attempts to get webhooks processed that succeed, below which they count as failing.",
    {Severity.HIGH: 0.95},
    rising=False,
    unit="ratio",
    maximum=1.0,
    environment=((Severity.HIGH, "MONITORING_STRIPE_SUCCESS_RATE_THRESHOLD"),),
    environment_scale=0.01,
    scope=Scope.TENANT,
)
IN_A_ROW = ThresholdFamily(
    "webhook_consecutive_failures",
    "Failed attempts to get a webhook processed, one after the other, from which a source counts as failing.",
    {Severity.HIGH: 3},
    minimum=1,
    scope=Scope.TENANT,
)
BACKLOG_AGE = ThresholdFamily(
    "webhook_backlog_age_seconds",
    "Age of the oldest webhook that waits to be delivered, above which the backlog counts as too old.",
    {Severity.MEDIUM: 300, Severity.HIGH: 1800},
    unit="seconds",
    scope=Scope.TENANT,
)
BAD_MINUTES = 5
"""Minutes in which refused webhooks are counted."""
BAD_SIGNATURES = ThresholdFamily(
    "webhook_bad_signatures",
    "Webhooks of a source in five minutes that are not genuine, from which somebody should look.",
    {Severity.MEDIUM: 10},
    minimum=1,
    scope=Scope.TENANT,
)

_SOURCE = ("integration", "provider", "tenant", "source")
_FLOW = (*_SOURCE, "direction")
_ENDPOINT = ("integration", "provider", "tenant", "endpoint", "direction")
_BY_SOURCE, _BY_FLOW, _BY_ENDPOINT = f"{BY}, source", f"{BY}, source, direction", f"{BY}, endpoint, direction"

_RECEIVER = ("integration", "provider", "tenant", "endpoint")
_DISABLED = f"max by ({BY}, endpoint) (last_over_time({m.ENDPOINT_DISABLED}[{STATE}])) == 1"

# Counters of several processes add up: each of them took what the load balancer gave it. What apps report, a
# receiver and a reason are counted from their first attempt on.
EVENTS_1H = f"integration_provider_tenant_source_direction:{m.EVENTS}:increase1h"
FAILURES_1H = f"integration_provider_tenant_source_direction:{m.EVENT_FAILURES}:increase1h"
_RECORDS = {
    EVENTS_1H: f"sum by ({_BY_FLOW}) ({risen(str(m.EVENTS), '1h')})",
    FAILURES_1H: f"sum by ({_BY_FLOW}) ({risen(str(m.EVENT_FAILURES), '1h')})",
}

_NAMES = (
    "{{ $labels.source }} ({{ $labels.direction }})"
    "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }}"
)

FAILING = Alert(
    name="IntegrationWebhookFailing",
    summary="Webhooks are not processed, or ours do not get through.",
    description=f"Only {{{{ $value | humanizePercentage }}}} of the webhooks of {_NAMES} succeed.",
    observed=f"1 - {FAILURES_1H} / ({EVENTS_1H} >= {LEAST_EVENTS})",
    op="<",
    by=_FLOW,
    family=SUCCESS,
    records=_RECORDS,
    cases=cases.FAILING,
    runbook=Runbook(
        meaning=(
            "In the last hour fewer attempts than `webhook_success_ratio` says were accepted: by "
            "your app for "
            "`inbound` (what vendors sent), by the tenant's receiver for `outbound`. It needs 20 attempts."
        ),
        impact=(
            "Nothing is lost yet: each webhook is stored and tried again for days. Until then payments, "
            "messages or orders are late on the side that refuses."
        ),
        diagnosis=(
            "1. The reason: `integration_webhook_event_failures_total` by `reason`, or "
            "`integration-exporter webhooks list` for the answers.\n"
            "2. `vendor_error` is a 5xx of the receiver, `auth` and `not_found` its configuration, `timeout` "
            "its slowness, `dns`, `connect` and `tls` the way to it.\n"
            "3. Did the app change? Compare the time with the last deployment."
        ),
        mitigation=(
            "Fix or roll back the receiver. What waits goes out by itself; dead ones are retried by "
            "`integration-exporter webhooks retry`."
        ),
    ),
)

CONSECUTIVE = Alert(
    name="IntegrationWebhookFailingRepeatedly",
    summary="No webhook gets processed any more.",
    description=f"The last {{{{ $value }}}} attempts for {_NAMES} failed.",
    observed=f"max by ({_BY_FLOW}) (last_over_time({m.CONSECUTIVE_FAILURES}[{STATE}]))",
    op=">=",
    by=_FLOW,
    family=IN_A_ROW,
    cases=cases.CONSECUTIVE,
    runbook=Runbook(
        meaning=(
            "Attempts to bring webhooks to your app (`inbound`) or to a tenant's receiver "
            "(`outbound`) failed "
            "one after the other, in one process of the exporter, without a success in between."
        ),
        impact="The receiver gets nothing. Webhooks wait in the store and are tried again, ever more rarely.",
        diagnosis=(
            "1. Ask the receiver from the exporter's host: does it answer at all?\n"
            "2. `integration-exporter webhooks list --state waiting` shows reason and answer of the last try."
        ),
        mitigation=(
            "Bring the receiver back. `integration-exporter webhooks retry` sends at once what would "
            "wait for "
            "its next try. The first success resolves the alert."
        ),
    ),
)

BACKLOG_OLD = Alert(
    name="IntegrationWebhookBacklogOld",
    summary="Webhooks wait for too long.",
    description=(
        "The oldest webhook for {{ $labels.endpoint }} ({{ $labels.direction }})"
        "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }} has waited for "
        "{{ $value | humanizeDuration }}."
    ),
    # Gated by the count, which is 0 at once when all went out; the age of the last one would go on growing.
    observed=(
        f"time() - min by ({_BY_ENDPOINT}) (last_over_time({m.OLDEST}[{STATE}]))\n"
        f"and on ({_BY_ENDPOINT})\n"
        f"min by ({_BY_ENDPOINT}) (last_over_time({m.BACKLOG}[{STATE}])) > 0"
    ),
    by=_ENDPOINT,
    family=BACKLOG_AGE,
    cases=cases.BACKLOG_OLD,
    runbook=Runbook(
        meaning=(
            "Something that was accepted has not been delivered for longer than "
            "`webhook_backlog_age_seconds`. "
            "`endpoint` is the source's name for `inbound`, the receiver's for `outbound`."
        ),
        impact="What is behind it is as late: the platform or the tenant works on old news.",
        diagnosis=(
            "1. Does the receiver fail? Then IntegrationWebhookFailing or the endpoint's own alert "
            "fires too.\n"
            "2. Is it only slow? Compare `integration_webhook_delivery_duration_seconds` with "
            "`concurrency` and `rate` of the endpoint, and `integration_webhook_backlog` with an hour ago.\n"
            "3. Is the endpoint paused or disabled? `integration-exporter webhooks endpoints` says so."
        ),
        mitigation=(
            "Fix the receiver, or raise `concurrency` where it can take more. Resume the endpoint "
            "when somebody "
            "paused it and forgot."
        ),
    ),
)

_LAST = f'max by ({_BY_SOURCE}) (last_over_time({m.LAST_EVENT}{{direction="{m.INBOUND}"}}[{STATE}]))'
_SINCE = f"min by ({_BY_SOURCE}) (last_over_time({m.SOURCE_SINCE}[{STATE}]))"

SILENT = Alert(
    name="IntegrationWebhookSourceSilent",
    summary="A vendor sends no webhooks any more.",
    description=(
        "Nothing genuine came from {{ $labels.source }} for {{ $value | humanizeDuration }}, longer than its "
        "`silence` allows."
    ),
    expr=(
        f"  time() - (\n      {_LAST}\n    or\n      {_SINCE}\n  )\n"
        f"> on ({_BY_SOURCE})\n"
        f"  min by ({_BY_SOURCE}) (last_over_time({m.SILENCE_LIMIT}[{STATE}]))"
    ),
    by=_SOURCE,
    severities=(Severity.MEDIUM,),
    cases=cases.SILENT,
    runbook=Runbook(
        meaning=(
            "No genuine webhook of the source has arrived for as long as its `silence` says. Where none ever "
            "came, the time counts from when the exporter began to take them."
        ),
        impact="The platform may no longer hear of payments, messages or changes, and nobody notices.",
        diagnosis=(
            "1. The vendor's page of webhook endpoints: is ours enabled, what did the last calls answer?\n"
            "2. `integration_webhook_signature_failures_total` of the source: do they arrive and are "
            "refused?\n"
            "3. Does the proxy still pass `/webhooks/` on? Call it from outside: an unsigned POST is "
            "400 or 401."
        ),
        mitigation=(
            "Enable the endpoint at the vendor, fix proxy, DNS or certificate, and let the vendor send again "
            "what it kept. Raise `silence` where so long a pause is usual."
        ),
    ),
)

FORGED = Alert(
    name="IntegrationWebhookBadSignatures",
    summary="Webhooks arrive that are not genuine.",
    description="{{ $value }} webhooks of {{ $labels.source }} in five minutes are not proven to be genuine.",
    observed=(
        f"sum by ({_BY_SOURCE}) ("
        f'increase({m.SIGNATURE_FAILURES}{{reason!="key_unavailable"}}[{BAD_MINUTES}m]))'
    ),
    op=">=",
    by=_SOURCE,
    family=BAD_SIGNATURES,
    keep_firing="5m",
    cases=cases.FORGED,
    runbook=Runbook(
        meaning=(
            "Requests to `/webhooks/<source>` carry no signature, a wrong one, or one that is too "
            "old. None of "
            "them was stored or forwarded."
        ),
        impact=(
            "Either somebody tries to forge events, which fails; or the secret is no longer the "
            "vendor's, and "
            "then nothing genuine gets in."
        ),
        diagnosis=(
            "1. `integration_webhook_received_total` of the source: does anything genuine still arrive?\n"
            "2. `integration-exporter list audit` shows addresses and reasons. One address outside "
            "the vendor's "
            "ranges is an attack; the vendor's own addresses mean a wrong secret.\n"
            "3. `stale` alone: look at the clock of this host. Twilio: is `webhooks.public_url` what "
            "it calls?"
        ),
        mitigation=(
            "Put the vendor's current secret into `secrets`, beside the old one while it is rolled. Block an "
            "attacker at the proxy; beyond 20 in a minute an address gets 429 here."
        ),
    ),
)

ENDPOINT_DOWN = Alert(
    name="IntegrationWebhookEndpointDown",
    summary="A tenant's receiver takes no webhooks.",
    description=(
        "{{ $labels.endpoint }}{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }} has accepted "
        "nothing for a quarter of an hour."
    ),
    # One that is disabled has an alert of its own, which says what to do.
    expr=(
        f"min by ({BY}, endpoint) (last_over_time({m.ENDPOINT_UP}[{STATE}])) == 0\n"
        f"unless on ({BY}, endpoint) {_DISABLED}"
    ),
    by=_RECEIVER,
    severities=(Severity.MEDIUM,),
    hold="15m",
    cases=cases.ENDPOINT_DOWN,
    runbook=Runbook(
        meaning=(
            "The last attempt at the endpoint failed and none has succeeded for 15 minutes. After "
            "`disable_after` of nothing but failures the exporter disables it: see "
            "IntegrationWebhookEndpointDisabled."
        ),
        impact="The tenant gets no webhooks; they wait until they are too old, and are then dead letters.",
        diagnosis=(
            "1. `integration-exporter webhooks endpoints` shows the last reason and the "
            "certificate's expiry.\n"
            "2. `integration-exporter webhooks ping NAME` tries it now."
        ),
        mitigation=(
            "Tell the tenant. What waits goes out by itself once it answers; retry the dead letters. "
            "Remove it if nobody wants it any more."
        ),
    ),
)

ENDPOINT_DISABLED = Alert(
    name="IntegrationWebhookEndpointDisabled",
    summary="A tenant's receiver was disabled: it gets no webhooks any more.",
    description=(
        "The exporter has disabled {{ $labels.endpoint }}"
        "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }}: it answered 410, or nothing but "
        "failures for days."
    ),
    expr=_DISABLED,
    by=_RECEIVER,
    severities=(Severity.MEDIUM,),
    cases=cases.ENDPOINT_DISABLED,
    runbook=Runbook(
        meaning=(
            "The receiver answered 410 (it wants no more), or nothing but failures for as long as "
            "`disable_after` of the endpoint says."
        ),
        impact=(
            "New deliveries are not made for the endpoint any more, and will not be made up for. What waits "
            "for it stays until it is too old."
        ),
        diagnosis=(
            "1. `integration-exporter webhooks endpoints --state disabled` shows the last reason.\n"
            "2. `integration-exporter list audit` has the entry `endpoint.disabled` with time and cause."
        ),
        mitigation=(
            'Tell the tenant. Once it answers, `PATCH /api/v1/endpoints/NAME` with `{"state": "active"}`, '
            "then retry the dead letters. Where nobody wants it any more, delete it, or set its state to "
            "`disabled` yourself: either resolves the alert."
        ),
    ),
)

WEBHOOKS = (FAILING, CONSECUTIVE, BACKLOG_OLD, SILENT, FORGED, ENDPOINT_DOWN, ENDPOINT_DISABLED)
