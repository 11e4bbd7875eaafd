"""When an operator must look after a Stripe account."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.stripe import cases
from exporter.probes.stripe import metrics as m
from exporter.probes.stripe.decline_alerts import DECLINE_ALERTS

PAYMENT_SUCCESS = ThresholdFamily(
    "payment_success_ratio",
    "Share of attempts to charge that succeed, below which payments count as failing.",
    {Severity.HIGH: 0.98, Severity.CRITICAL: 0.80},
    rising=False,
    unit="ratio",
    maximum=1.0,
)
FRAUD = ThresholdFamily(
    "fraud_ratio",
    "Fraud warnings or disputes of 24 hours per successful payment, above which they count as too many.",
    {Severity.HIGH: 0.005},
    unit="ratio",
    maximum=1.0,
)
LEAST_PAYMENTS = 20
"""Attempts in the window below which a share says nothing."""
LEAST_CASES = 3
"""Disputes or warnings in 24 hours below which a share says nothing."""


def _last(metric: Metric, matchers: str = "") -> str:
    return f"last_over_time({metric}{matchers}[$lookback])"


def _worst(metric: Metric, matchers: str = "") -> str:
    return f"max by ({BY}) ({_last(metric, matchers)})"


WEBHOOK_DISABLED = Alert(
    name="IntegrationStripeWebhookEndpointDisabled",
    summary="Stripe no longer calls one of our webhook endpoints.",
    description=f"Disabled webhook endpoints of {WHO}: {{{{ $value }}}}; no event reaches them.",
    expr=_worst(m.WEBHOOK_ENDPOINTS, '{status="disabled"}') + " > 0",
    severities=(Severity.CRITICAL,),
    dashboard="integration-stripe",
    cases=cases.WEBHOOK_DISABLED,
    runbook=Runbook(
        meaning=(
            "At least one webhook endpoint of the account has the status `disabled`. Stripe disables an "
            "endpoint whose deliveries fail for days, and warns by e-mail before it does; a person can "
            "disable one too. It is looked at every four hours."
        ),
        impact=(
            "Events do not arrive: payments, refunds and disputes are not booked, subscriptions are not "
            "renewed on our side. Stripe does not retry while the endpoint is disabled."
        ),
        diagnosis=(
            "1. In Stripe's Dashboard, Developers, Webhooks: which endpoint, since when, which last error? "
            "Event destinations of the v2 API (thin events, Amazon EventBridge) are on the same page; the "
            "probe does not see them, so look at their state, too.\n"
            "2. Does its URL answer 2xx within seconds, with a valid certificate and without a redirect?\n"
            "3. Did its signing secret change without the application being updated?"
        ),
        mitigation=(
            "Fix the endpoint, enable it again in the Dashboard, then resend what was missed (the Dashboard "
            "reaches 15 days back, the API's event list 30). An endpoint that is disabled on purpose belongs "
            "into `ignore_webhook_endpoints` of the integration's options."
        ),
    ),
)

UNDELIVERED = Alert(
    name="IntegrationStripeEventsUndelivered",
    summary="Stripe cannot deliver events to our webhook endpoints.",
    description=f"Events of {WHO} that wait for more than 15 minutes or were given up: {{{{ $value }}}}.",
    expr=f"{_worst(m.UNDELIVERED)} > 0",
    severities=(Severity.MEDIUM,),
    dashboard="integration-stripe",
    cases=cases.UNDELIVERED,
    runbook=Runbook(
        meaning=(
            "Events of the last three days have not been taken by some webhook endpoint although the first "
            "attempt is more than 15 minutes past. It is looked at every four hours."
        ),
        impact=(
            "What these events say is not known to the platform yet. Stripe goes on trying for three days "
            "in live mode; after that they are lost unless somebody resends them."
        ),
        diagnosis=(
            "1. `integration_stripe_events_undelivered_oldest_timestamp_seconds`: since when?\n"
            "2. In Stripe's Dashboard, Developers, Webhooks: which status or timeout do the attempts show?\n"
            "3. Compare with the application's own log: did the requests arrive, and what did it answer?"
        ),
        mitigation=(
            "Fix the endpoint; Stripe delivers the rest by itself. Resend what is urgent from the "
            "Dashboard. The alert resolves at the next reading, up to four hours later."
        ),
    ),
)

_SUCCEEDED = _last(m.PAYMENTS, '{outcome="succeeded"}')
_FAILED = _last(m.PAYMENTS, '{outcome="failed"}')
_ATTEMPTS = f"({_SUCCEEDED} + ignoring (outcome) {_FAILED})"
# The ratio is formed within one replica: two replicas look through windows that ended at different times.
RATIO = f"integration_provider_tenant:{m.PAYMENTS}:success_ratio"
VOLUME = f"integration_provider_tenant:{m.PAYMENTS}:attempts"
# For dashboards alone: over hours the accounts of ten thousand tenants are too many to sum.
FAILED_OF_ALL = f"integration_provider:{m.PAYMENTS}:failed"
VOLUME_OF_ALL = f"integration_provider:{m.PAYMENTS}:attempts"

PAYMENTS_FAILING = Alert(
    name="IntegrationStripePaymentSuccessLow",
    summary="Payments fail more often than they should.",
    description=f"Only {{{{ $value | humanizePercentage }}}} of the attempts to charge by {WHO} succeed.",
    observed=f"{RATIO} and on ({BY}) ({VOLUME} >= {LEAST_PAYMENTS})",
    op="<",
    family=PAYMENT_SUCCESS,
    records={
        RATIO: f"max by ({BY}) (\n  {_SUCCEEDED}\n/ ignoring (outcome)\n  {_ATTEMPTS}\n)",
        VOLUME: f"max by ({BY}) {_ATTEMPTS}",
        FAILED_OF_ALL: f"sum by (integration, provider) ((1 - {RATIO}) * {VOLUME})",
        VOLUME_OF_ALL: f"sum by (integration, provider) ({VOLUME})",
    },
    dashboard="integration-payments",
    cases=cases.PAYMENTS_FAILING,
    runbook=Runbook(
        meaning=(
            "The share of charges that succeeded, of all that reached an issuer, is below the threshold "
            "`payment_success_ratio`. The window ends at the last reading; its length is "
            "`integration_stripe_payments_window_seconds` (90 minutes unless `payments_minutes` says "
            f"otherwise). At least {LEAST_PAYMENTS} attempts are needed. Payments that "
            "Stripe blocked are left out."
        ),
        impact="Customers who want to pay cannot: revenue is lost while it lasts.",
        diagnosis=(
            "1. Which family declines? See `integration_stripe_declines_window`. `processing` lies with "
            "Stripe or an issuer, `authentication` with a broken 3-D Secure step, `card_data` with a "
            "form that sends wrong data, `fraud` and `velocity` with an attack, `funds` and `issuer` with "
            "the customers.\n"
            "2. One tenant or all? All at once points to Stripe or to our own release.\n"
            "3. Blocked payments rising at the same time point to card testing."
        ),
        mitigation=(
            "For `processing`, follow Stripe's status page and retry later. For `authentication` and "
            "`card_data`, roll back the last change of the checkout. For `fraud` and `velocity`, add "
            "rate limits and a captcha to the checkout and tighten the rules of Radar."
        ),
    ),
)

RESTRICTED = Alert(
    name="IntegrationStripeAccountRestricted",
    summary="Stripe has restricted an account.",
    description=f"{WHO} cannot take payments or pay out until Stripe has what it asks for.",
    expr=f"{_worst(m.RESTRICTED)} == 1",
    severities=(Severity.CRITICAL,),
    dashboard="integration-stripe",
    cases=cases.RESTRICTED,
    runbook=Runbook(
        meaning=(
            "The account answers `charges_enabled` or `payouts_enabled` with false, or gives a "
            "`disabled_reason`. It is looked at every four hours, and stays known while the probe fails."
        ),
        impact="The account takes no payments, or the money it takes is not paid out.",
        diagnosis=(
            "1. `integration_stripe_charges_enabled` and `integration_stripe_payouts_enabled` tell which.\n"
            "2. `integration_stripe_requirements` counts what Stripe waits for, and "
            "`integration_stripe_requirements_deadline_timestamp_seconds` until when.\n"
            "3. The Dashboard names the documents; `rejected.` reasons are decisions, not missing papers."
        ),
        mitigation=(
            "The account's owner hands in what is due in the Dashboard, or through the platform's own "
            "onboarding for a connected account. For a decision, write to Stripe's support."
        ),
    ),
)


def _share(metric: Metric) -> str:
    return (
        f"max by ({BY}) ({_last(metric)} / {_last(m.PAYMENTS_DAILY)})"
        f" and on ({BY}) ({_worst(metric)} >= {LEAST_CASES})"
    )


WARNINGS = Alert(
    name="IntegrationStripeFraudWarningsHigh",
    summary="Issuers report many payments as fraud.",
    description=(
        f"Fraud warnings of 24 hours are {{{{ $value | humanizePercentage }}}} of the payments of {WHO}."
    ),
    observed=_share(m.FRAUD_WARNINGS),
    suspects=f"integration_provider_tenant:{m.FRAUD_WARNINGS}:beyond",
    family=FRAUD,
    every="4m",
    dashboard="integration-payments",
    cases=cases.WARNINGS,
    runbook=Runbook(
        meaning=(
            "Early fraud warnings of the last 24 hours, divided by the successful payments of a day, exceed "
            f"the threshold `fraud_ratio`, and there are at least {LEAST_CASES}. They are read every 12 "
            "hours. Where a day has more payments than the pages read, it is extrapolated from the newest."
        ),
        impact=(
            "Many warnings become disputes, each with a fee. Card networks put accounts with too many of "
            "them under supervision and fine them."
        ),
        diagnosis=(
            "1. In the Dashboard, Radar, Early fraud warnings: do the payments share a country, an amount, "
            "a product, an e-mail domain or an address?\n"
            "2. Did blocked payments or `fraud` declines rise before?"
        ),
        mitigation=(
            "Refund payments that are plainly fraudulent before they are disputed. Add a rule in Radar for "
            "what they have in common, and ask for 3-D Secure on it."
        ),
    ),
)

DISPUTES = Alert(
    name="IntegrationStripeDisputesHigh",
    summary="Customers dispute many payments.",
    description=f"Disputes of 24 hours are {{{{ $value | humanizePercentage }}}} of the payments of {WHO}.",
    observed=_share(m.DISPUTES),
    suspects=f"integration_provider_tenant:{m.DISPUTES}:beyond",
    family=FRAUD,
    every="4m",
    dashboard="integration-payments",
    cases=cases.DISPUTES,
    runbook=Runbook(
        meaning=(
            "Disputes opened in the last 24 hours, divided by the successful payments of a day, exceed "
            f"the threshold `fraud_ratio`, and there are at least {LEAST_CASES}. They are read every 12 "
            "hours. Where a day has more payments than the pages read, it is extrapolated from the newest."
        ),
        impact=(
            "Each dispute takes the money back and costs a fee. Card networks put accounts with too many of "
            "them under supervision and fine them."
        ),
        diagnosis=(
            "1. In the Dashboard, Disputes: which reason prevails? `fraudulent` points to stolen cards, "
            "`product_not_received` to our own delivery, `duplicate` to our own billing.\n"
            "2. Do the payments stem from one day, one product or one tenant?"
        ),
        mitigation=(
            "Answer the disputes before their evidence is due. Fix the cause the reason names; make the "
            "name on the customers' statements recognisable; refund where the customer is right."
        ),
    ),
)

ALERTS = (WEBHOOK_DISABLED, UNDELIVERED, PAYMENTS_FAILING, RESTRICTED, WARNINGS, DISPUTES, *DECLINE_ALERTS)
