"""Stores events before the answer: what is new of them, each in the table of its kind."""

from collections.abc import Sequence

from sqlalchemy import Connection

from exporter.core.audit import AuditEntry
from exporter.core.stored_event import StoredEvent
from exporter.store.subjects import audit, events

DurableEvent = StoredEvent | tuple[str, AuditEntry]
"""An event, or for the audit what its entry may be there once by and the entry."""


def store_events(connection: Connection, bodies: Sequence[Sequence[DurableEvent]]) -> list[list[bool]]:
    """Store what is new of the events of several requests; return of each event whether it was."""
    every = [event for body in bodies for event in body]
    stored = [event for event in every if isinstance(event, StoredEvent)]
    entries = [event for event in every if not isinstance(event, StoredEvent)]
    new_events = iter(events.add_new(connection, stored))
    new_entries = iter(audit.add_new(connection, entries))
    # In the order of the requests again.
    return [
        [next(new_events if isinstance(event, StoredEvent) else new_entries) for event in body]
        for body in bodies
    ]
