"""What the store answers, each in a transaction of its own."""

from exporter.core.store import ALL, Failure, Filter, Page, Snapshot, StateChange, Statistic, Subject, Window
from exporter.core.token import TokenEvent
from exporter.store.database import Database
from exporter.store.subjects import changes, failures, summaries, targets, token_log


def snapshots_of(database: Database) -> list[Snapshot]:
    return database.read(targets.load)


def changes_of(database: Database, chosen: Filter = ALL, *, limit: int = 100) -> Page[StateChange]:
    return database.read(lambda connection: changes.query(connection, chosen, limit))


def failures_of(database: Database, chosen: Filter = ALL, *, limit: int = 100) -> Page[Failure]:
    return database.read(lambda connection: failures.query(connection, chosen, limit))


def token_log_of(database: Database, chosen: Filter = ALL, *, limit: int = 100) -> Page[TokenEvent]:
    return database.read(lambda connection: token_log.query(connection, chosen, limit))


def statistics_of(
    database: Database, window: Window, *, limit: int = 100, offset: int = 0
) -> list[Statistic]:
    return database.read(
        lambda connection: summaries.statistics(connection, window, limit=limit, offset=offset)
    )


def reasons_of(database: Database, window: Window) -> dict[Subject, dict[str, int]]:
    return database.read(lambda connection: summaries.reasons(connection, window))
