"""The store on a SQL database: see exporter/core/store.py for what it keeps."""

from exporter.core.errors import StoreError
from exporter.core.store import (
    ALL,
    Batch,
    Failure,
    Filter,
    Page,
    Snapshot,
    StateChange,
    Statistic,
    Subject,
    Window,
)
from exporter.store.database import Database
from exporter.store.retention import retain
from exporter.store.schema import retentions
from exporter.store.subjects import changes, failures, summaries, targets


class SqlStore(Database):
    """Keeps state in a database."""

    def load(self) -> list[Snapshot]:
        """Return the state of every target; a row that cannot be read is left out and told on the log."""
        return self.read(targets.load)

    def write(self, batch: Batch) -> None:
        """Write `batch` in one transaction: all of it or nothing."""
        if self.moved:
            # SQLite would go on writing into a file that nobody finds again.
            raise StoreError(f"{self.name}: the file was moved or removed; the next attempt makes a new one")
        with self.writing() as connection:
            targets.forget(connection, batch.forget - batch.snapshots.keys())
            targets.write(connection, batch.snapshots.values())
            changes.add(connection, batch.changes)
            failures.add(connection, batch.failures)
            summaries.add(connection, batch.summaries)

    def changes(self, chosen: Filter = ALL, *, limit: int = 100) -> Page[StateChange]:
        """Return a page of state changes, the newest first."""
        return self.read(lambda connection: changes.query(connection, chosen, limit))

    def failures(self, chosen: Filter = ALL, *, limit: int = 100) -> Page[Failure]:
        """Return a page of failed runs, the newest first."""
        return self.read(lambda connection: failures.query(connection, chosen, limit))

    def statistics(self, window: Window, *, limit: int = 100, offset: int = 0) -> list[Statistic]:
        """Return what checks came to, the subject with the least uptime first."""
        return self.read(
            lambda connection: summaries.statistics(connection, window, limit=limit, offset=offset)
        )

    def reasons(self, window: Window) -> dict[Subject, dict[str, int]]:
        """Return how many runs failed for which reason, by subject; without those that never failed."""
        return self.read(lambda connection: summaries.reasons(connection, window))

    def retain(self, seconds: dict[str, float], now: float) -> int:
        """Delete a portion of the rows that are older than their table's retention; return how many."""
        return retain(self.writing, retentions(), seconds, now)
