"""The list of a kind of event: what is stored of it, served and exported as every list is."""

from functools import partial
from typing import Any

from exporter.core.clock import iso
from exporter.core.event import EventKind
from exporter.core.event_fields import own_fields
from exporter.core.listing import AT, TARGET, Listing, OutputColumn
from exporter.core.stored_event import StoredEvent
from exporter.store.subjects import events

COMMON = ("at", "integration", "tenant")


def listing_of(kind: EventKind) -> Listing[StoredEvent] | None:
    """Return the list of `kind`; None where its events are not stored, or have a list of their own."""
    if not kind.path or kind.retention is None:
        return None
    numbers = {field.name for field in own_fields(kind.fields) if field.is_number}
    return Listing(
        name=kind.path.rpartition("/")[2],
        title=f"events of the kind {kind.name}",
        columns=(*COMMON, "id", *kind.columns),
        table=(AT, *TARGET, *(OutputColumn(name, name.upper(), name in numbers) for name in kind.columns)),
        query=lambda connection, chosen, limit: events.query(connection, kind.name, chosen, limit),
        row=partial(_row, kind.columns),
        retention=kind.retention,
        empty=f"no event of the kind {kind.name} is stored",
        path=kind.path,
        role=kind.role,
        buffered=True,
    )


def _row(columns: tuple[str, ...], event: StoredEvent) -> dict[str, Any]:
    return {
        "at": iso(event.at),
        "integration": event.integration,
        "tenant": event.tenant,
        "id": event.event_id,
        **{name: event.fields.get(name) for name in columns},
    }
