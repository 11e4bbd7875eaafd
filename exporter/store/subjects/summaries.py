"""Summaries of checks: a row for each target and hour, later each day, and for each reason and allowance."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Double,
    Float,
    Index,
    Integer,
    String,
    Table,
    cast,
    func,
    select,
    tuple_,
)

from exporter.core.store import Statistic, Subject, Window
from exporter.core.summary import Summaries
from exporter.core.usage import UsageKey, Usages, UsageSum
from exporter.store.columns import METADATA, hour_columns
from exporter.store.hours import TOOK, between, fold_tables
from exporter.store.lists import conditions
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch
from exporter.store.upserts import add as add_rows
from exporter.store.view import View

TABLE = Table(
    "check_summary",
    METADATA,
    *hour_columns(),
    Column("provider", String, nullable=False),
    Column("runs", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),  # that were watched
    Column("failing_seconds", Double, nullable=False),
    # An empty bucket is NULL: that costs one bit in PostgreSQL.
    *(Column(name, Integer) for name in TOOK),
    Index("check_summary_by_tenant", "tenant", "hour"),
    # SQLite then keeps the rows themselves in the order of the key, so those of an hour lie together.
    sqlite_with_rowid=False,
)

REASONS = Table(
    "check_failure",
    METADATA,
    *hour_columns("reason"),
    Column("runs", BigInteger, nullable=False),
    Index("check_failure_by_tenant", "tenant", "hour"),
    sqlite_with_rowid=False,
)

USAGE = Table(
    "check_usage",
    METADATA,
    # Sums over the runs of the hour, so that hours add up to days; `size` is 0 without a limit.
    *hour_columns("kind", "name"),
    Column("runs", BigInteger, nullable=False),
    Column("used", Double, nullable=False),
    Column("size", Double, nullable=False),
    Index("check_usage_by_tenant", "tenant", "hour"),
    sqlite_with_rowid=False,
)

_NUMBERS = ("runs", "failed", "seconds", "failing_seconds")


def add(connection: Connection, summaries: Summaries) -> None:
    """Add `summaries` to what the store has of their hours."""
    hours, failed = summary_rows(summaries)
    add_rows(connection, TABLE, hours)
    add_rows(connection, REASONS, failed)
    add_rows(connection, USAGE, usage_rows(summaries))


def statistics(
    connection: Connection, window: Window, *, limit: int = 100, offset: int = 0
) -> list[Statistic]:
    """Return one statistic a subject, the one that was failing for the greatest share of the time first."""
    by = [TABLE.c[name] for name in window.by]
    total = {name: func.sum(TABLE.c[name]) for name in (*_NUMBERS, *TOOK)}
    # Both databases divide whole numbers to whole numbers, and PostgreSQL refuses to divide by 0.
    down = cast(total["failing_seconds"], Float) / func.nullif(total["seconds"], 0.0)
    bad = cast(total["failed"], Float) / func.nullif(total["runs"], 0)
    query = (
        select(*by, func.max(TABLE.c.provider).label("provider"), *_labels(total))
        .where(*_in(TABLE, window))
        .group_by(*by)
        .order_by(down.desc().nulls_last(), bad.desc().nulls_last(), *by)
        .limit(limit)
        .offset(offset)
    )
    return [_statistic(row, window.by) for row in fetch(connection, query)]


def reasons(connection: Connection, window: Window) -> dict[Subject, dict[str, int]]:
    """Return failed runs by subject and reason, the most frequent reason first."""
    by = [REASONS.c[name] for name in window.by]
    runs = func.sum(REASONS.c.runs)
    query = (
        select(*by, REASONS.c.reason, runs.label("runs"))
        .where(*_in(REASONS, window))
        .group_by(*by, REASONS.c.reason)
        .order_by(runs.desc(), REASONS.c.reason)
    )
    found: dict[Subject, dict[str, int]] = {}
    for row in fetch(connection, query):
        subject = tuple(row[name] for name in window.by)
        found.setdefault(subject, {})[row["reason"]] = int(row["runs"])
    return found


def usages(connection: Connection, window: Window) -> dict[Subject, Usages]:
    """Return of each subject what was used of its allowances: of the target that used the greatest share."""
    by = [USAGE.c[name] for name in window.by]
    keys = [USAGE.c[name] for name in ("integration", "tenant", "kind", "name")]
    sums = [func.sum(USAGE.c[name]).label(name) for name in ("runs", "used", "size")]
    query = select(*keys, *sums).where(*_in(USAGE, window)).group_by(*keys)
    found: dict[Subject, Usages] = {}
    for row in fetch(connection, query):
        one = UsageSum(int(row["runs"]), float(row["used"]), float(row["size"]))
        of_subject = found.setdefault(tuple(row[column.name] for column in by), {})
        allowance = UsageKey(row["kind"], row["name"])
        known = of_subject.get(allowance)
        # Added up, a tenant that is at its limit would not show among a thousand that are not.
        if known is None or (one.ratio or 0.0) > (known.ratio or 0.0):
            of_subject[allowance] = one
    return found


def fold(connection: Connection, now: float) -> int:
    """Add the oldest hour that is old enough to its day, in this transaction; return how many rows went."""
    return fold_tables(connection, now, TABLE, REASONS, USAGE)


RETENTION = (
    TableRetention(TABLE, "checks", compact=fold),
    TableRetention(REASONS, "checks"),
    TableRetention(USAGE, "checks"),
)

VIEWS = (
    View(
        "check_hours",
        "Checks of a target in an hour (UTC, from `at` on), and for how many seconds they failed.",
        TABLE,
        ("integration", "tenant", "provider", "runs", "failed", "seconds", "failing_seconds"),
        at="hour",
    ),
)


def summary_rows(summaries: Summaries) -> tuple[list[TableRow], list[TableRow]]:
    """Return the rows of check_summary and of check_failure."""
    hours: list[TableRow] = []
    failed: list[TableRow] = []
    for ((integration, tenant), hour), summary in summaries.items():
        key = {"hour": hour, "integration": integration, "tenant": tenant}
        counts = summary.latency_counts()
        hours.append(
            {
                **key,
                "provider": summary.provider,
                "runs": summary.runs,
                "failed": summary.failed,
                "seconds": summary.seconds,
                "failing_seconds": summary.failing_seconds,
                **{name: counts.get(number) or None for number, name in enumerate(TOOK)},
            }
        )
        failed += [{**key, "reason": reason, "runs": n} for reason, n in (summary.reasons or {}).items()]
    return hours, failed


def usage_rows(summaries: Summaries) -> list[TableRow]:
    """Return the rows of check_usage."""
    return [
        {
            **{"hour": hour, "integration": integration, "tenant": tenant},
            **{"kind": allowance.kind, "name": clean(allowance.name), **one._asdict()},
        }
        for ((integration, tenant), hour), summary in summaries.items()
        for allowance, one in (summary.usages or {}).items()
    ]


def _labels(total: dict[str, Any]) -> Iterable[ColumnElement[Any]]:
    return (value.label(name) for name, value in total.items())


def _statistic(row: TableRow, by: tuple[str, ...]) -> Statistic:
    # PostgreSQL sums whole numbers to decimals.
    return Statistic(
        subject=tuple(row[name] for name in by),
        provider=row["provider"],
        runs=int(row["runs"]),
        failed=int(row["failed"]),
        seconds=float(row["seconds"]),
        failing_seconds=float(row["failing_seconds"]),
        latency_counts=tuple(int(row[name] or 0) for name in TOOK),
    )


def _in(table: Table, window: Window) -> Iterator[ColumnElement[bool]]:
    yield from between(table, window.since, window.until)
    yield from conditions(table, window.chosen)
    if window.subjects is not None:
        columns = tuple_(*(table.c[name] for name in window.by))
        yield columns.in_(sorted(window.subjects))
