"""The series of payments."""

from exporter.core.metric import Kind, Metric

FAILED = ("failed", "declined", "timeout")
"""Outcomes that are a failure of the payment; a dispute or a fraud warning comes after one that succeeded."""

PAYMENTS = Metric("integration_payments_total", "Payments that were tried.", Kind.COUNTER)

FAILURES = Metric(
    "integration_payment_failures_total", "Payments that failed.", Kind.COUNTER, labels=("reason",)
)

DECLINES = Metric(
    "integration_payment_declines_total",
    "Payments that a bank declined, by family of the decline code.",
    Kind.COUNTER,
    labels=("family",),
)

DISPUTES = Metric("integration_payment_disputes_total", "Payments that were disputed.", Kind.COUNTER)

FRAUD_WARNINGS = Metric(
    "integration_payment_fraud_warnings_total", "Payments with an early fraud warning.", Kind.COUNTER
)

VOLUME = Metric(
    "integration_payment_volume_total",
    "Sum of the payments that succeeded, in major units of the currency.",
    Kind.COUNTER,
    labels=("currency",),
)
