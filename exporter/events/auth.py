"""Sign-ins: how many succeed and fail, which shows who tries passwords."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from exporter.core.event import (
    COUNTRIES,
    FIRST_SEEN,
    Contribution,
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    Tally,
)
from exporter.core.event_summary import SIGN_IN
from exporter.events._auth_alerts import ALERTS
from exporter.events._auth_series import FAILURES, SIGN_INS


class AuthEvent(EventFields, tag="auth", kw_only=True):
    """An attempt to sign in; address and actor are stored, never a label."""

    outcome: Literal["success", "failure"]
    method: Identifier | None = None
    country: Annotated[str, Meta(pattern=r"\A[A-Za-z]{2}\Z")] | None = None
    address: Identifier | None = None
    actor: Identifier | None = None
    reason: Identifier | None = None


def read(event: AuthEvent, context: LabelContext) -> Iterator[Contribution]:
    """Count an attempt."""
    method = context.label("auth_method", event.method) if event.method else ""
    yield Measurement(SIGN_INS, (method,))
    yield Measurement(FAILURES, (method,), float(event.outcome == "failure"))
    country = context.label("country", event.country.upper()) if event.country else ""
    yield Tally(SIGN_IN, method, country, "failure" if event.outcome == "failure" else "")


KIND = EventKind(
    "auth",
    "Sign-ins",
    AuthEvent,
    read,
    (SIGN_INS, FAILURES),
    example={"outcome": "success"},
    labels={"auth_method": FIRST_SEEN, "country": COUNTRIES},
    columns=("outcome", "method", "country", "address", "actor", "reason"),
    path="/api/v1/sign-ins",
    retention="audit",
    role="admin",
    alerts=ALERTS,
)
