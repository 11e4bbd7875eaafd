"""Escalations in the store: every replica of one store escalates an incident once."""

from collections.abc import Sequence

from exporter.core.escalation import Escalation
from exporter.store.database import Database
from exporter.store.subjects import escalations as subject


class EscalationStore:
    """Keeps escalations in `database`; every method blocks, call it off the loop. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        """Prepare it; nothing is opened yet."""
        self._database = database

    def unfinished(self) -> list[Escalation]:
        """Return those that are still sent."""
        with self._database.attach() as connection:
            return subject.unfinished(connection)

    def add(self, escalations: Sequence[Escalation]) -> list[bool]:
        """Add those whose incident was not escalated yet; return of each whether it was added."""
        with self._database.attach(writes=True) as connection:
            return subject.add_new(connection, escalations)

    def finish(self, escalations: Sequence[Escalation]) -> None:
        """Write when and why they ended."""
        with self._database.attach(writes=True) as connection:
            subject.finish(connection, escalations)
