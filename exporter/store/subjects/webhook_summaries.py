"""Summaries of webhooks: a row for each source or endpoint and hour, later for each day, and one a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    cast,
    func,
    select,
)

from exporter.core.store import Subject
from exporter.core.webhook_summary import WebhookKey, WebhookStatistic, WebhookSummary, WebhookWindow
from exporter.store.columns import METADATA
from exporter.store.hours import TOOK, between, fold_tables, match_subjects
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch
from exporter.store.upserts import add as add_rows

MOST = 100_000
"""Summaries that wait at most."""


def _key_columns(*last: str) -> list[Column[Any]]:
    names = [Column(name, String, primary_key=True) for name in ("direction", "name", "tenant", *last)]
    return [Column("hour", BigInteger, primary_key=True, autoincrement=False), *names]


TABLE = Table(
    "webhook_summary",
    METADATA,
    *_key_columns(),
    Column("attempts", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("dead", BigInteger, nullable=False),  # deliveries that were given up
    *(Column(name, Integer) for name in TOOK),
    Index("webhook_summary_by_tenant", "tenant", "hour"),
    sqlite_with_rowid=False,
)

REASONS = Table(
    "webhook_failure",
    METADATA,
    *_key_columns("reason"),
    Column("attempts", BigInteger, nullable=False),
    Index("webhook_failure_by_tenant", "tenant", "hour"),
    sqlite_with_rowid=False,
)

_NUMBERS = ("attempts", "failed", "dead")


def fold(connection: Connection, now: float) -> int:
    """Add the oldest hour that is old enough to its day; return how many rows went."""
    return fold_tables(connection, now, TABLE, REASONS)


RETENTION = (TableRetention(TABLE, "webhooks", compact=fold), TableRetention(REASONS, "webhooks"))


@dataclass
class WebhookSummaryBatch:
    """Summaries on their way to the store, which adds them to what it has of their hours."""

    summaries: dict[WebhookKey, WebhookSummary] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.summaries)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.summaries)

    def merge(self, newer: "WebhookSummaryBatch", /) -> None:
        """Add the summaries of `newer`."""
        for key, summary in newer.summaries.items():
            known = self.summaries.setdefault(key, summary)
            if known is not summary:
                known.add(summary)

    def cut(self, most: int) -> int:
        """Drop the oldest beyond MOST, which is more than `most`: one stands for many attempts."""
        over = max(0, len(self.summaries) - max(most, MOST))
        for key in list(self.summaries)[:over]:
            del self.summaries[key]
        return over

    def write(self, connection: Connection) -> None:
        """Add them to what the store has."""
        rows = [_row(key, one) for key, one in self.summaries.items()]
        add_rows(connection, TABLE, rows)
        failed = [
            {**_key(key), "reason": reason, "attempts": count}
            for key, one in self.summaries.items()
            for reason, count in one.reasons.items()
        ]
        add_rows(connection, REASONS, failed)


def statistics(connection: Connection, window: WebhookWindow, limit: int = 100) -> list[WebhookStatistic]:
    """Return one statistic for each subject, the one with the greatest share of failures first."""
    if not window.by:
        found = _sums(connection, window, (*_NUMBERS, *TOOK))
        return [_statistic(row, ()) for row in found if row["attempts"] is not None]
    # Latencies are 62 columns: only those of the subjects that are answered are added up.
    rows = _sums(connection, window, _NUMBERS, limit)
    subjects = [tuple(row[name] for name in window.by) for row in rows]
    known = {
        tuple(row[name] for name in window.by): row
        for row in _sums(connection, replace(window, subjects=subjects), TOOK)
    }
    return [
        _statistic(row | known.get(subject, {}), window.by)
        for subject, row in zip(subjects, rows, strict=True)
    ]


def _sums(
    connection: Connection, window: WebhookWindow, names: Iterable[str], limit: int | None = None
) -> list[TableRow]:
    """Return the sums of columns by subject; with a `limit` those of the worst, in their order."""
    by = [TABLE.c[name] for name in window.by]
    query = select(*by, *(func.sum(TABLE.c[name]).label(name) for name in names)).where(*_in(TABLE, window))
    if by:
        query = query.group_by(*by)
    if limit is not None:
        bad = cast(func.sum(TABLE.c.failed), Float) / func.nullif(func.sum(TABLE.c.attempts), 0)
        query = query.order_by(bad.desc().nulls_last(), *by).limit(limit)
    return fetch(connection, query)


def by_hour(connection: Connection, window: WebhookWindow) -> list[WebhookStatistic]:
    """Return one statistic for each hour of the window and subject, in no order: hours come first in it."""
    split = replace(window, by=("hour", *window.by))
    return [_statistic(row, split.by) for row in _sums(connection, split, (*_NUMBERS, *TOOK))]


def reasons(connection: Connection, window: WebhookWindow) -> dict[Subject, dict[str, int]]:
    """Return failed attempts by subject and reason, the most frequent reason first."""
    by = [REASONS.c[name] for name in window.by]
    count = func.sum(REASONS.c.attempts)
    query = (
        select(*by, REASONS.c.reason, count.label("attempts"))
        .where(*_in(REASONS, window))
        .group_by(*by, REASONS.c.reason)
        .order_by(count.desc(), REASONS.c.reason)
    )
    found: dict[Subject, dict[str, int]] = {}
    for row in fetch(connection, query):
        found.setdefault(tuple(row[name] for name in window.by), {})[row["reason"]] = int(row["attempts"])
    return found


def _in(table: Table, window: WebhookWindow) -> Iterator[ColumnElement[bool]]:
    yield from between(table, window.since, window.until)
    if window.direction:
        yield table.c.direction == window.direction
    if window.tenant is not None:
        yield table.c.tenant == window.tenant
    if window.tenants is not None:
        yield table.c.tenant.in_(sorted(window.tenants))
    if window.subjects is not None:
        yield from match_subjects(table, window.by, window.subjects)


def _key(key: WebhookKey) -> TableRow:
    hour, direction, name, tenant = key
    return {"hour": hour, "direction": direction, "name": clean(name), "tenant": clean(tenant)}


def _row(key: WebhookKey, summary: WebhookSummary) -> TableRow:
    return {
        **_key(key),
        **{name: getattr(summary, name) for name in _NUMBERS},
        **{name: summary.latencies.get(number) for number, name in enumerate(TOOK)},
    }


def _statistic(row: TableRow, by: tuple[str, ...]) -> WebhookStatistic:
    # PostgreSQL sums whole numbers to decimals.
    return WebhookStatistic(
        subject=tuple(row[name] for name in by),
        **{name: int(row[name] or 0) for name in _NUMBERS},
        # Retention may have taken the rows between two statements.
        latency_counts=tuple(int(row.get(name) or 0) for name in TOOK),
    )
