"""Who is blocked by rate limits: one row for each identifier and policy, until the block is over."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, Connection, Double, String, Table, Text, delete, select

from exporter.core.ratelimit import RateLimitBlock
from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch, readable
from exporter.store.upserts import insert_once, replace

TABLE = Table(
    "ratelimit_block",
    METADATA,
    Column("id", String, primary_key=True),
    Column("policy", String, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("tenant", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("until", Double),  # NULL: until somebody unblocks
    Column("actor", String, nullable=False),
    Column("reason", Text, nullable=False),
)

RETENTION = (TableRetention(TABLE),)

PORTION = 500
"""Rows that one statement deletes."""

_TEXTS = ("policy", "identifier", "tenant", "actor", "reason")


def load(connection: Connection) -> list[RateLimitBlock]:
    """Return every block, also those that are over."""
    return readable(connection, fetch(connection, select(TABLE)), block_of)


def put(connection: Connection, blocks: Iterable[RateLimitBlock]) -> None:
    """Keep `blocks`, each in the place of the one of its identifier and policy."""
    replace(connection, TABLE, [block_row(one) for one in blocks])


def exchange(connection: Connection, block: RateLimitBlock) -> RateLimitBlock | None:
    """Keep `block`; return the one whose place it takes: of two at once the later one finds the other."""
    row = block_row(block)
    if insert_once(connection, TABLE, row):
        return None
    before = fetch(connection, select(TABLE).where(TABLE.c.id == block.id).with_for_update())
    replace(connection, TABLE, [row])
    return next(iter(readable(connection, before, block_of)), None)


def remove(connection: Connection, ids: Collection[str]) -> int:
    """Delete blocks; return how many there were."""
    names, gone = sorted(ids), 0
    for start in range(0, len(names), PORTION):
        chosen = TABLE.c.id.in_(names[start : start + PORTION])
        gone += connection.execute(delete(TABLE).where(chosen)).rowcount
    return gone


def block_row(block: RateLimitBlock) -> TableRow:
    """Return the row of a block."""
    return {**asdict(block), **{name: clean(getattr(block, name)) for name in _TEXTS}, "id": block.id}


def block_of(row: Mapping[str, Any]) -> RateLimitBlock:
    """Return the block that `row` holds."""
    return RateLimitBlock(**{name: value for name, value in row.items() if name != "id"})
