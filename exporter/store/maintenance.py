"""Maintenance in the store: windows of the API for every replica of it, and which silences are ours."""

from collections.abc import Mapping

from exporter.store.database import Database
from exporter.store.subjects import maintenance as subject
from exporter.store.subjects.maintenance import WindowRow


class MaintenanceStore:
    """Keeps windows in `database`; every method blocks, call it off the loop. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        """Prepare it; nothing is opened yet."""
        self._database = database

    def load(self) -> tuple[list[WindowRow], dict[str, str]]:
        """Return the windows, and the names of windows by the ids of their silences."""
        with self._database.attach() as connection:
            return subject.load(connection)

    def create(self, row: WindowRow) -> bool:
        """Add a window; return whether its name was free."""
        with self._database.attach(writes=True) as connection:
            return subject.create(connection, row)

    def remove(self, name: str) -> bool:
        """Delete a window; return whether it was there."""
        with self._database.attach(writes=True) as connection:
            return subject.remove(connection, name)

    def write_silences(self, ours: Mapping[str, str], gone: frozenset[str]) -> None:
        """Keep that the silences `ours` are of these windows, and forget those that are `gone`."""
        with self._database.attach(writes=True) as connection:
            subject.write_silences(connection, ours, gone)
