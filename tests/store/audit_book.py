"""A chain of the audit in a real database, and ways to tamper with it."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table, delete, select, update

from exporter.core.audit import AuditEntry
from exporter.core.store import ALL, Filter
from exporter.store import chain
from exporter.store.chain_check import ChainCheck, check
from exporter.store.database import Database
from exporter.store.ledger import AuditLedger, NewEntry
from exporter.store.subjects import audit
from exporter.store.subjects.audit import TABLE

NOW = 1_795_000_000.0


def entry(number: int = 0, actor: str = "ann", **more: Any) -> AuditEntry:
    given: dict[str, Any] = {"resource": f"order:{number}", "address": "192.0.2.7", "details": {"n": number}}
    return AuditEntry(NOW + number, actor, "order.changed", **(given | more))


def append(
    store: Database, ledger: AuditLedger, entries: Iterable[AuditEntry | NewEntry]
) -> list[int | None]:
    found = [(None, one) if isinstance(one, AuditEntry) else one for one in entries]
    with store.writing() as connection:
        return ledger.append(connection, found)


def fill(store: Database, number: int, ledger: AuditLedger | None = None) -> AuditLedger:
    ledger = ledger or AuditLedger()
    append(store, ledger, [entry(place) for place in range(1, number + 1)])
    return ledger


def everything(store: Database, chosen: Filter = ALL) -> Sequence[AuditEntry]:
    return store.read(lambda connection: audit.query(connection, chosen, 1000)).rows


def rows(store: Database) -> list[dict[str, Any]]:
    return store.read(
        lambda connection: [
            dict(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.id)).mappings()
        ]
    )


def verify(store: Database, limit: int = 1000) -> list[ChainCheck]:
    found, after = [], 0
    while True:
        portion = store.read(lambda connection, after=after: check(connection, after, limit))  # type: ignore[misc] # mypy reads the default as a parameter
        found.append(portion)
        if portion.next is None:
            return found
        after = portion.next


def problems(store: Database, limit: int = 1000) -> list[tuple[int, str]]:
    return [(one.number, one.what) for portion in verify(store, limit) for one in portion.problems]


def change(store: Database, number: int, *, rehash: bool = False, **values: Any) -> None:
    """Change a row as somebody with SQL access would; `rehash` gives it the hash that fits."""
    with store.writing() as connection:
        row = dict(connection.execute(select(TABLE).where(TABLE.c.id == number)).mappings().one()) | values
        if rehash:
            values["hash"] = chain.hash_of(row["before"], row)
        connection.execute(update(TABLE).where(TABLE.c.id == number).values(**values))


def remove(store: Database, number: int, table: Table = TABLE) -> None:
    with store.writing() as connection:
        connection.execute(delete(table).where(table.c.id == number))


def insert(store: Database, like: int, number: int) -> None:
    """Insert a row like another one, with a hash that fits itself."""
    with store.writing() as connection:
        row = dict(connection.execute(select(TABLE).where(TABLE.c.id == like)).mappings().one())
        row |= {"id": number, "once": None}
        row["hash"] = chain.hash_of(row["before"], row)
        connection.execute(TABLE.insert(), [row])
