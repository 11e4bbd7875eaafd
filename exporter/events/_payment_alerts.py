"""Do payments succeed, are they genuine, and do those that fail gather somewhere?"""

from exporter.core.alert import BY, Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _payment_cases as cases
from exporter.events import _payment_series as m
from exporter.events._decline_alerts import DECLINE_ALERTS
from exporter.events._shares import Share

DASHBOARD = "integration-payments"

SUCCESS = ThresholdFamily(
    "reported_payment_success_ratio",
    "Share of the payments that apps report and that succeed, below which too few do.",
    {Severity.HIGH: 0.98, Severity.CRITICAL: 0.80},
    rising=False,
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
DISPUTED = ThresholdFamily(
    "reported_dispute_ratio",
    "Share of a day's payments that are disputed, or are warned of as fraud, above which too many are.",
    {Severity.HIGH: 0.005},
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
LEAST_PAYMENTS, LEAST_DISPUTES = 20, 3

DAILY_PACE, SUBJECT = "4m", "reported-disputes"
"""A day of samples is read: nothing in it changes within minutes."""

_WHO = (
    "{{ if $labels.integration }} by {{ $labels.integration }}{{ end }}"
    "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}"
)
_FAILED = Share(m.PAYMENTS, m.FAILURES, Scope.TARGET.value, "1h", LEAST_PAYMENTS)

PAYMENTS_FAIL = Alert(
    name="IntegrationPaymentSuccessLow",
    summary="Payments fail.",
    summaries={
        Severity.CRITICAL: "Many payments fail.",
        Severity.HIGH: "More payments fail than usual.",
    },
    description=f"Only {{{{ $value | humanizePercentage }}}} of the payments{_WHO} within an hour succeeded.",
    observed=f"1 - (\n{_FAILED.expression}\n)",
    op="<",
    family=SUCCESS,
    records=_FAILED.records,
    every="1m",
    subject="reported-payments",
    dashboard=DASHBOARD,
    cases=cases.PAYMENTS_FAIL,
    runbook=Runbook(
        meaning=(
            "Of the payments that apps reported within an hour fewer than "
            "`reported_payment_success_ratio` says succeeded (98 %: high, 80 %: critical); the others "
            f"failed, were declined or took too long. It needs {LEAST_PAYMENTS} payments."
        ),
        impact="Customers cannot pay; some of them do not come back.",
        diagnosis=(
            "1. Why? `sum by (reason) (increase(integration_payment_failures_total[1h]))`: `declined` is the "
            "customer's bank, `failed` our request or the vendor, `timeout` the way or a slow vendor.\n"
            "2. One tenant or all? One integration or all of them?\n"
            "3. `integration-exporter list payments` shows decline codes of single payments.\n"
            "4. Was the checkout released lately?"
        ),
        mitigation=(
            "Roll the checkout back, or switch to another vendor for `failed` and `timeout`. Where declines "
            "of that many are usual, set the tenant's `reported_payment_success_ratio`."
        ),
    ),
)

# Few of many: what is needed is a number of disputes, not one of payments.
_DISPUTES = Share(m.PAYMENTS, m.DISPUTES, Scope.TARGET.value, "1d", 1)
_WARNINGS = Share(m.PAYMENTS, m.FRAUD_WARNINGS, Scope.TARGET.value, "1d", 1)


def _enough(found: Share) -> str:
    # Half of one less, because Prometheus extrapolates an increase to the ends of its window.
    return f"{found.expression}\nand on ({BY})\n  {found.part} >= {LEAST_DISPUTES - 0.5:g}"


DISPUTES_HIGH = Alert(
    name="IntegrationPaymentDisputesHigh",
    summary="Many payments are disputed.",
    description=f"{{{{ $value | humanizePercentage }}}} of the payments{_WHO} within a day were disputed.",
    observed=_enough(_DISPUTES),
    family=DISPUTED,
    records=_DISPUTES.records,
    every=DAILY_PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.DISPUTES_HIGH,
    runbook=Runbook(
        meaning=(
            "Disputes that apps reported within 24 hours are more than `reported_dispute_ratio` (0.5 %) of "
            f"the payments of that day. It needs {LEAST_DISPUTES} of them."
        ),
        impact=(
            "Each dispute costs a fee and often the payment. Card schemes fine whoever stays above about "
            "0.75 %, and vendors close such accounts."
        ),
        diagnosis=(
            "1. `integration-exporter list payments` with the outcome `disputed`: one product, one tenant, "
            "one day of purchase?\n"
            "2. Do fraud warnings rise too? Then stolen cards were used.\n"
            "3. Were deliveries late, or does the text on the statement not name the shop?"
        ),
        mitigation=(
            "Answer each dispute in time, refund what is hopeless. Against stolen cards ask for 3-D Secure "
            "and tighten the vendor's fraud rules."
        ),
    ),
)

FRAUD_WARNINGS_HIGH = Alert(
    name="IntegrationPaymentFraudWarningsHigh",
    summary="Many payments are warned of as fraud.",
    description=(
        f"{{{{ $value | humanizePercentage }}}} of the payments{_WHO} within a day are warned of as fraud."
    ),
    observed=_enough(_WARNINGS),
    family=DISPUTED,
    suspects=f"integration_provider_tenant:{DISPUTED.metric}:beyond_by_warnings",
    records=_WARNINGS.records,
    every=DAILY_PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.FRAUD_WARNINGS_HIGH,
    runbook=Runbook(
        meaning=(
            "Early fraud warnings that apps reported within 24 hours are more than "
            f"`reported_dispute_ratio` (0.5 %) of the day's payments. It needs {LEAST_DISPUTES} of them."
        ),
        impact="Most of these payments become disputes within weeks; card schemes count both.",
        diagnosis=(
            "1. `integration-exporter list payments` with the outcome `fraud_warning`: which tenant, which "
            "amounts?\n"
            "2. Many small amounts one after the other are card testing: see the declines of the families "
            "`fraud` and `velocity`."
        ),
        mitigation=(
            "Refund these payments before they are disputed, and do not ship. Ask for 3-D Secure, add a "
            "captcha to the checkout and tighten the vendor's fraud rules."
        ),
    ),
)

ALERTS = (PAYMENTS_FAIL, DISPUTES_HIGH, FRAUD_WARNINGS_HIGH, *DECLINE_ALERTS)
