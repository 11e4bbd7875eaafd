"""Who did what to which resource, as apps report it."""

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, field

from exporter.core.audit_rules import class_of
from exporter.core.event import (
    EventFields,
    EventKind,
    Identifier,
    LabelContext,
    Measurement,
    RequiredIdentifier,
    Text,
)
from exporter.events._audit_series import EVENTS


class AuditEvent(EventFields, tag="audit", kw_only=True):
    """An action; `action` is such as user.delete, and what the app adds is in `details`."""

    actor: RequiredIdentifier
    action: RequiredIdentifier
    resource: Identifier | None = None
    outcome: Identifier | None = None
    address: Identifier | None = None
    country: Annotated[str, Meta(pattern=r"\A[A-Za-z]{2}\Z")] | None = None
    user_agent: Text | None = None
    details: dict[str, Any] = field(default_factory=dict)


def read(event: AuditEvent, _context: LabelContext) -> Iterator[Measurement]:
    """Count an action by its class: a fixed set, so that no allow-list is needed."""
    yield Measurement(EVENTS, (class_of(event.action).name,))


KIND = EventKind(
    "audit",
    "Audit of apps",
    AuditEvent,
    read,
    (EVENTS,),
    example={"actor": "ann", "action": "user.delete"},
    columns=("actor", "action", "resource", "outcome", "address", "country", "user_agent", "details"),
    retention="audit",
    durable=True,
    role="admin",
)
