"""Payments that the app made or tried: do they succeed, and if not, why not?"""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from exporter.core.declines import family_of
from exporter.core.event import EventFields, EventKind, Identifier, LabelContext, Measurement, Money
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


class PaymentEvent(EventFields, tag="payment", kw_only=True):
    """A payment; `amount` in major units, `currency` by ISO 4217."""

    outcome: Literal["succeeded", "failed", "declined", "timeout", "disputed", "fraud_warning"]
    amount: Money | None = None
    currency: Annotated[str, Meta(pattern=r"\A[A-Za-z]{3}\Z")] | None = None
    provider: Identifier | None = None
    decline_code: Identifier | None = None
    payment_id: Identifier | None = None


def read(event: PaymentEvent, context: LabelContext) -> Iterator[Measurement]:
    """Count a payment; disputes and fraud warnings are of one that was counted before."""
    if event.outcome == "disputed":
        yield Measurement(DISPUTES)
        return
    if event.outcome == "fraud_warning":
        yield Measurement(FRAUD_WARNINGS)
        return
    yield Measurement(PAYMENTS)
    # 0 lets the series exist before the first failure, whose rise is seen then.
    for reason in FAILED:
        yield Measurement(FAILURES, (reason,), float(event.outcome == reason))
    if event.outcome == "declined":
        yield Measurement(DECLINES, (family_of(event.decline_code or ""),))
    if event.outcome == "succeeded" and event.amount is not None and event.currency is not None:
        yield Measurement(VOLUME, (context.label("currency", event.currency.upper()),), event.amount)


KIND = EventKind(
    "payment",
    "Payments",
    PaymentEvent,
    read,
    (PAYMENTS, FAILURES, DECLINES, DISPUTES, FRAUD_WARNINGS, VOLUME),
    columns=("outcome", "amount", "currency", "provider", "decline_code", "payment_id"),
    path="/api/v1/payments",
    retention="webhooks",
    durable=True,
)
