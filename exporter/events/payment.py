"""Payments that the app made or tried: do they succeed, and if not, why not?"""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from exporter.core.declines import family_of
from exporter.core.event import (
    Contribution,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    Money,
    Tally,
)
from exporter.core.event_summary import PAYMENT
from exporter.events._payment_alerts import ALERTS
from exporter.events._payment_series import (
    DECLINES,
    DISPUTES,
    FAILED,
    FAILURES,
    FRAUD_WARNINGS,
    PAYMENTS,
    VOLUME,
)


class PaymentEvent(EventFields, tag="payment", kw_only=True):
    """A payment; `amount` in major units, `currency` by ISO 4217."""

    outcome: Literal["succeeded", "failed", "declined", "timeout", "disputed", "fraud_warning"]
    amount: Money | None = None
    currency: Annotated[str, Meta(pattern=r"\A[A-Za-z]{3}\Z")] | None = None
    provider: Identifier | None = None
    decline_code: Identifier | None = None
    payment_id: Identifier | None = None


def read(event: PaymentEvent, context: LabelContext) -> Iterator[Contribution]:
    """Count a payment; disputes and fraud warnings are of one that was counted before."""
    currency = context.label("currency", event.currency.upper()) if event.currency else ""
    yield _tally(event, currency)
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
    yield Measurement(DISPUTES, (), 0.0)
    yield Measurement(FRAUD_WARNINGS, (), 0.0)
    if event.outcome == "declined":
        yield Measurement(DECLINES, (family_of(event.decline_code or ""),))
    if event.outcome == "succeeded" and event.amount is not None and currency:
        yield Measurement(VOLUME, (currency,), event.amount)


def _tally(event: PaymentEvent, currency: str) -> Tally:
    """Return a payment as its currency and the family of its decline code; money counts once it was paid."""
    if event.outcome == "succeeded":
        return Tally(PAYMENT, currency, amount=event.amount or 0.0)
    family = family_of(event.decline_code or "") if event.outcome == "declined" else ""
    return Tally(PAYMENT, currency, family, event.outcome)


KIND = EventKind(
    "payment",
    "Payments",
    PaymentEvent,
    read,
    (PAYMENTS, FAILURES, DECLINES, DISPUTES, FRAUD_WARNINGS, VOLUME),
    example={"outcome": "succeeded"},
    labels={"currency": 200},
    columns=("outcome", "amount", "currency", "provider", "decline_code", "payment_id"),
    path="/api/v1/payments",
    retention="webhooks",
    durable=True,
    alerts=ALERTS,
)
