"""Summaries of rate limits: how many requests of an hour each policy allowed and blocked, by endpoint."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Index, String, Table, func, select

from exporter.core.ratelimit import RateLimitKey, RateLimitSummary
from exporter.core.store import Subject
from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch
from exporter.store.upserts import add as add_rows
from exporter.store.view import View

MOST = 100_000
"""Summaries that wait at most."""

KEYS = ("scope", "policy", "endpoint", "kind", "tenant")
NUMBERS = ("allowed", "blocked", "unjudged")

TABLE = Table(
    "ratelimit_summary",
    METADATA,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, String, primary_key=True) for name in KEYS),
    *(Column(name, BigInteger, nullable=False) for name in NUMBERS),
    Index("ratelimit_summary_by_tenant", "tenant", "hour"),
    sqlite_with_rowid=False,
)

RETENTION = (TableRetention(TABLE, "rate_limits"),)

VIEWS = (
    View(
        "rate_limit_hours",
        "What a rate limit judged in an hour (UTC, from `at` on); never who asked.",
        TABLE,
        ("scope", "policy", "endpoint", "kind", "tenant", "allowed", "blocked", "unjudged"),
        at="hour",
    ),
)


@dataclass(frozen=True)
class RateLimitWindow:
    """Hours from `since` up to, but without, `until`, both first seconds of an hour in Unix time.

    `by` are the columns that make a subject. `tenants` are those that the caller may know of; None narrows
    nothing.
    """

    since: int
    until: int
    by: tuple[str, ...] = ()
    tenant: str | None = None
    tenants: Collection[str] | None = None


@dataclass
class RateLimitSummaryBatch:
    """Summaries on their way to the store, which adds them to what it has of their hours."""

    summaries: dict[RateLimitKey, RateLimitSummary] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.summaries)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.summaries)

    def merge(self, newer: "RateLimitSummaryBatch", /) -> None:
        """Add the summaries of `newer`."""
        for key, summary in newer.summaries.items():
            known = self.summaries.setdefault(key, summary)
            if known is not summary:
                known.add(summary)

    def cut(self, most: int) -> int:
        """Drop the oldest beyond MOST, which is more than `most`: one stands for many requests."""
        over = max(0, len(self.summaries) - max(most, MOST))
        for key in list(self.summaries)[:over]:
            del self.summaries[key]
        return over

    def write(self, connection: Connection) -> None:
        """Add them to what the store has."""
        add_rows(connection, TABLE, [_row(key, one) for key, one in self.summaries.items()])


def statistics(
    connection: Connection, window: RateLimitWindow, limit: int = 100
) -> list[tuple[Subject, RateLimitSummary]]:
    """Return the counts of each subject, the one with most blocked requests first."""
    by = [TABLE.c[name] for name in window.by]
    total = {name: func.sum(TABLE.c[name]) for name in NUMBERS}
    query = select(*by, *(value.label(name) for name, value in total.items())).where(*_in(window))
    if by:
        order = (total["blocked"].desc(), total["allowed"].desc(), *by)
        query = query.group_by(*by).order_by(*order).limit(limit)
    # PostgreSQL sums whole numbers to decimals.
    return [
        (tuple(row[name] for name in window.by), RateLimitSummary(*(int(row[name] or 0) for name in NUMBERS)))
        for row in fetch(connection, query)
    ]


def _in(window: RateLimitWindow) -> Iterator[ColumnElement[bool]]:
    yield TABLE.c.hour >= window.since
    yield TABLE.c.hour < window.until
    if window.tenant is not None:
        yield TABLE.c.tenant == window.tenant
    if window.tenants is not None:
        yield TABLE.c.tenant.in_(sorted(window.tenants))


def _row(key: RateLimitKey, summary: RateLimitSummary) -> TableRow:
    hour, *names = key
    texts: dict[str, Any] = {name: clean(value) for name, value in zip(KEYS, names, strict=True)}
    return {"hour": hour, **texts, **summary.as_row()}
