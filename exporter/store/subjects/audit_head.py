"""The head of the chain of the audit, and the spans that retention took out of it."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    update,
)

from exporter.store.chain import FIRST
from exporter.store.columns import METADATA
from exporter.store.driver_sql import DriverStatement
from exporter.store.retention import TableRetention
from exporter.store.upserts import insert_once

TABLE = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # The number of the last entry, which is how many there ever were, and its hash.
    Column("entries", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    # The highest number of a person.
    Column("people", BigInteger, nullable=False),
    # Rises with each erasure: what a process remembers of people is out of date then.
    Column("erasures", BigInteger, nullable=False),
    # Keys the hashes by which addresses and resources are found.
    Column("secret", LargeBinary, nullable=False),
)

REMOVED = Table(
    "audit_removed",
    METADATA,
    # From the first to the last number that is gone, the hash before the first and that of the last.
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False, unique=True),
    Column("before", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

RETENTION = (TableRetention(TABLE), TableRetention(REMOVED))

_ONLY = 1

_FACTS = ("entries", "hash", "people", "erasures", "secret")
_MOVED = _FACTS[:-1]

# SQLite locks no rows: there the transaction has the whole file.
_LOCK = DriverStatement(lambda _: select(*(TABLE.c[name] for name in _FACTS)).with_for_update())
_MOVE = DriverStatement(
    lambda _: (
        update(TABLE)
        .where(TABLE.c.id == literal_column(str(_ONLY)))
        .values({name: bindparam(f"to_{name}") for name in _MOVED})
    )
)


@dataclass(frozen=True)
class ChainHead:
    """The last entry of the chain, and what else all processes must agree on."""

    entries: int
    hash: bytes
    people: int
    erasures: int
    secret: bytes


@dataclass(frozen=True)
class RemovedSpan:
    """Entries from number `first` to `last` that are gone; `before` is the hash in front of them."""

    first: int
    last: int
    before: bytes
    hash: bytes


def read(connection: Connection) -> ChainHead | None:
    """Return the head, None before the first entry."""
    return _head(connection.execute(select(TABLE)).mappings().first())


def lock(connection: Connection) -> ChainHead:
    """Return the head, which nobody else may move until the transaction of `connection` ends.

    This is what puts entries of several threads and replicas one after the other.
    """
    row = _LOCK.run(connection, [{}]).fetchone()
    if row is None:
        first = {"id": _ONLY, "entries": 0, "hash": FIRST, "people": 0, "erasures": 0}
        insert_once(connection, TABLE, first | {"secret": secrets.token_bytes(32)})
        row = _LOCK.run(connection, [{}]).fetchone()
    return ChainHead(*row)


def move(connection: Connection, head: ChainHead) -> None:
    """Write the head, which is locked."""
    _MOVE.run(connection, [{f"to_{name}": getattr(head, name) for name in _MOVED}])


def spans(connection: Connection, first: int, last: int) -> list[RemovedSpan]:
    """Return the spans that have a number from `first` to `last`, in their order."""
    query = select(REMOVED).where(REMOVED.c.last >= first, REMOVED.c.first <= last).order_by(REMOVED.c.first)
    return [RemovedSpan(**row) for row in connection.execute(query).mappings()]


def add_spans(connection: Connection, new: Iterable[RemovedSpan]) -> None:
    """Note that entries are gone; spans that touch become one."""
    found = sorted(new, key=lambda span: span.first)
    beside = {span.first - 1 for span in found}, {span.last + 1 for span in found}
    query = select(REMOVED).where(REMOVED.c.last.in_(beside[0]) | REMOVED.c.first.in_(beside[1]))
    old = [RemovedSpan(**row) for row in connection.execute(query).mappings()]
    if old:
        connection.execute(delete(REMOVED).where(REMOVED.c.first.in_([span.first for span in old])))
    joined = join(sorted((*found, *old), key=lambda span: span.first))
    connection.execute(insert(REMOVED), [vars(span) for span in joined])


def join(sorted_spans: Sequence[RemovedSpan]) -> list[RemovedSpan]:
    """Return spans, sorted by their first number, with those that touch as one."""
    joined: list[RemovedSpan] = []
    for span in sorted_spans:
        if joined and joined[-1].last + 1 == span.first:
            before = joined.pop()
            span = RemovedSpan(before.first, span.last, before.before, span.hash)
        joined.append(span)
    return joined


def _head(row: Any) -> ChainHead | None:
    if row is None:
        return None
    return ChainHead(row["entries"], row["hash"], row["people"], row["erasures"], row["secret"])
