"""Summaries of checks: a row for each target and hour, later each day, and for each reason and allowance."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
)

from exporter.core.store import Statistic, Subject, Window
from exporter.core.summary import Summaries
from exporter.core.usage import UsageKey, Usages, UsageSum
from exporter.store.columns import METADATA, hour_columns
from exporter.store.hours import TOOK, between, fold_tables, match_subjects, weigh
from exporter.store.lists import conditions
from exporter.store.retention import TableRetention
from exporter.store.rows import TableRow, clean, fetch
from exporter.store.subjects import check_days, check_totals
from exporter.store.subjects.check_totals import NUMBERS, CheckTotals
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


def add(connection: Connection, summaries: Summaries) -> None:
    """Add `summaries` to what the store has of their hours and days, and to the sums over all targets."""
    totals = CheckTotals()
    hours, failed = summary_rows(summaries, totals)
    add_rows(connection, TABLE, hours)
    check_days.add(connection, hours)
    totals.write(connection)
    add_rows(connection, REASONS, failed)
    add_rows(connection, USAGE, usage_rows(summaries))


def statistics(
    connection: Connection, window: Window, *, limit: int = 100, offset: int = 0
) -> list[Statistic]:
    """Return one statistic a subject, the one that was failing for the greatest share of the time first."""
    table = _smallest_table(window)
    if "tenant" not in window.by or window.subjects is not None:
        rows = _ranked(connection, table, window, (*NUMBERS, *TOOK), limit, offset)
        return [_statistic(row, window.by) for row in rows]
    # Latencies are 62 of 66 columns: only those of the subjects that are answered are added up.
    order = check_days.TABLE if check_days.answers(window) else table
    rows = _ranked(connection, order, window, NUMBERS, limit, offset)
    subjects = [tuple(row[name] for name in window.by) for row in rows]
    found = _ranked(connection, table, replace(window, subjects=subjects), TOOK, limit) if rows else []
    latencies = {tuple(row[name] for name in window.by): row for row in found}
    return [
        _statistic(latencies.get(subject, {}) | row, window.by)
        for subject, row in zip(subjects, rows, strict=True)
    ]


def _smallest_table(window: Window) -> Table:
    """Return the sums over all targets of an integration where these answer, else the rows of targets."""
    chosen = window.chosen
    whole = chosen.tenant is None and chosen.tenants is None and "tenant" not in window.by
    return check_totals.TABLE if whole else TABLE


def _ranked(
    connection: Connection, table: Table, window: Window, names: Sequence[str], limit: int, offset: int = 0
) -> list[TableRow]:
    """Return the sums of columns by subject, in the order of their statistics; with TOOK a provider too."""
    by = [table.c[name] for name in window.by]

    def sum_of(name: str) -> ColumnElement[Any]:
        return func.sum(weigh(table, name, window.first))

    sums = [sum_of(name).label(name) for name in names]
    if TOOK[0] in names:
        sums.append(func.max(table.c.provider).label("provider"))
    # Both databases divide whole numbers to whole numbers, and PostgreSQL refuses to divide by 0.
    down = sum_of("failing_seconds") / func.nullif(sum_of("seconds"), 0.0)
    bad = cast(sum_of("failed"), Float) / func.nullif(sum_of("runs"), 0)
    query = (
        select(*by, *sums)
        .where(*_in(table, window))
        .group_by(*by)
        .order_by(down.desc().nulls_last(), bad.desc().nulls_last(), *by)
        .limit(limit)
        .offset(offset)
    )
    return fetch(connection, query)


def reasons(connection: Connection, window: Window) -> dict[Subject, dict[str, int]]:
    """Return failed runs by subject and reason, the most frequent reason first."""
    by = [REASONS.c[name] for name in window.by]
    runs = func.sum(weigh(REASONS, "runs", window.first))
    query = (
        select(*by, REASONS.c.reason, runs.label("runs"))
        .where(*_in(REASONS, window))
        .group_by(*by, REASONS.c.reason)
        .order_by(runs.desc(), REASONS.c.reason)
    )
    found: dict[Subject, dict[str, int]] = {}
    for row in fetch(connection, query):
        subject = tuple(row[name] for name in window.by)
        if count := round(row["runs"]):
            found.setdefault(subject, {})[row["reason"]] = count
    return found


def usages(connection: Connection, window: Window) -> dict[Subject, Usages]:
    """Return of each subject what was used of its allowances: of the target that used the greatest share."""
    by = [USAGE.c[name] for name in window.by]
    keys = [USAGE.c[name] for name in ("integration", "tenant", "kind", "name")]
    sums = [func.sum(weigh(USAGE, name, window.first)).label(name) for name in ("runs", "used", "size")]
    query = select(*keys, *sums).where(*_in(USAGE, window)).group_by(*keys)
    found: dict[Subject, Usages] = {}
    for row in fetch(connection, query):
        one = UsageSum(round(row["runs"]), float(row["used"]), float(row["size"]))
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
    TableRetention(TABLE, "checks", compact=fold, whole_days=True),
    TableRetention(REASONS, "checks", whole_days=True),
    TableRetention(USAGE, "checks", whole_days=True),
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


def summary_rows(summaries: Summaries, totals: CheckTotals) -> tuple[list[TableRow], list[TableRow]]:
    """Return the rows of check_summary, which `totals` count as well, and of check_failure."""
    hours: list[TableRow] = []
    failed: list[TableRow] = []
    for ((integration, tenant), hour), summary in summaries.items():
        key = {"hour": hour, "integration": integration, "tenant": tenant}
        counts = summary.latency_counts()
        row: TableRow = {
            **key,
            "provider": summary.provider,
            **{name: getattr(summary, name) for name in NUMBERS},
            **{name: counts.get(number) or None for number, name in enumerate(TOOK)},
        }
        hours.append(row)
        totals.add(row, [TOOK[number] for number in counts])
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


def _statistic(row: TableRow, by: tuple[str, ...]) -> Statistic:
    # PostgreSQL sums whole numbers to decimals, and an hour that counts in part has no whole ones.
    # Retention may have taken rows between the statements for numbers and for latencies.
    return Statistic(
        subject=tuple(row[name] for name in by),
        provider=row.get("provider", ""),
        runs=round(row["runs"]),
        failed=round(row["failed"]),
        seconds=float(row["seconds"]),
        failing_seconds=float(row["failing_seconds"]),
        latency_counts=tuple(round(row.get(name) or 0) for name in TOOK),
    )


def _in(table: Table, window: Window) -> Iterator[ColumnElement[bool]]:
    yield from between(table, window.since, window.until)
    yield from conditions(table, window.chosen)
    if window.subjects is not None:
        yield from match_subjects(table, window.by, window.subjects)
