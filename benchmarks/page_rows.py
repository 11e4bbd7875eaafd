"""Fills a store as a month of 10,000 tenants of one integration does: most of it are summaries of checks.

Every target has its hours of the last two days, and before that its days, as the store folds them. So the
longest windows have all that there can be. What is left of the rows is shared out over the other tables.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, func, insert, select, text

from exporter.core.event_summary import ALL_TENANTS
from exporter.core.hours import DAY, day_of, hour_of
from exporter.core.reason import Reason
from exporter.core.store import Snapshot
from exporter.core.summary import HOUR
from exporter.registry import events
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from exporter.store.hours import TOOK
from exporter.store.schema import METADATA
from exporter.store.subjects import check_days, check_totals, summaries
from exporter.store.upserts import insert_all

INTEGRATION, TENANT = "payments", "t00005"
PORTION = 5000
MONTH = 30
HOURS, DAYS = 48, 27
"""Rows that a target has by the hour, and before that by the day."""

SHARES = {
    "failure": 60,
    "state_change": 20,
    "delivery": 24,
    "attempt": 24,
    "event": 30,
    "notice": 8,
    "alert_action": 2,
    "escalation": 2,
    "token_log": 8,
    "text_message": 4,
    "audit_entry": 8,
    "check_summary": 750,
    "check_failure": 20,
    "check_usage": 20,
    "event_summary": 30,
    "webhook_summary": 8,
    "webhook_failure": 4,
    "ratelimit_summary": 4,
}
"""How the rows are shared out over the tables, in parts."""

TOPICS = ("api_request", "ai_usage", "payment", "traffic")
REASONS = tuple(one.value for one in Reason)
KINDS = tuple(one.name for one in events().values())
USUAL: dict[type, Any] = {bytes: b"x" * 40, float: 1.0, bool: True}


def fill(store: Database, tenants: int, rows: int) -> int:
    """Fill the store; return how many rows there are."""
    now, parts, made = time.time(), sum(SHARES.values()), 0
    keys = [(INTEGRATION, f"t{number:05}") for number in range(tenants)]
    store.write([CheckBatch(snapshots={key: _snapshot(key, now) for key in keys})])
    for table in METADATA.sorted_tables:
        count = rows * SHARES.get(table.name, 0) // parts
        if table.name.startswith("check_"):  # a row of each target and slot, and no second one
            count = min(count, tenants * len(slots(now)))
        for begin in range(0, count, PORTION):
            portion = [
                _row(table, number, tenants, now) for number in range(begin, min(count, begin + PORTION))
            ]
            with store.writing() as connection:
                insert_all(connection, table, portion)
        made += count
    with store.writing() as connection:
        _add_totals(connection)
        _add_days(connection)
        if connection.dialect.name == "postgresql":  # its autovacuum does it by itself
            connection.execute(text("ANALYZE"))
    return made


def _snapshot(key: tuple[str, str], now: float) -> Snapshot:
    bad = int(key[1][1:]) % 20 == 0
    status, reason = ("error", Reason.AUTH) if bad else ("connected", None)
    return Snapshot(
        key, "http", status, reason, "", now - 3600, now - 60, None if bad else now - 60, 3 if bad else 0
    )


def _add_totals(connection: Connection) -> None:
    """Add up what the targets have, as each write does."""
    of_targets, table = summaries.TABLE, check_totals.TABLE
    names = (*check_totals.NUMBERS, *TOOK)
    sums = select(
        of_targets.c.hour,
        of_targets.c.integration,
        func.max(of_targets.c.provider),
        *(func.sum(of_targets.c[name]) for name in names),
    ).group_by(of_targets.c.hour, of_targets.c.integration)
    connection.execute(insert(table).from_select(["hour", "integration", "provider", *names], sums))


def _add_days(connection: Connection) -> None:
    """Add up the days of the targets, as each write does."""
    hours, table = summaries.TABLE, check_days.TABLE
    day: Any = hours.c.hour - hours.c.hour % DAY
    keys = (hours.c.integration, hours.c.tenant, day)
    sums = select(*keys, *(func.sum(hours.c[name]) for name in check_totals.NUMBERS)).group_by(*keys)
    names = ["integration", "tenant", "hour", *check_totals.NUMBERS]
    connection.execute(insert(table).from_select(names, sums))


def slots(now: float) -> Sequence[int]:
    """Return the hours, and before them the days, of which a target has a row each, the newest first."""
    hours = [hour_of(now) - number * HOUR for number in range(HOURS)]
    first = day_of(hours[-1])
    return [*hours, *(first - number * DAY for number in range(1, DAYS + 1))]


def _row(table: Table, number: int, tenants: int, now: float) -> dict[str, Any]:
    """Return a row: tenants take turns, times go back over a month."""
    if "hour" in table.c:
        return dict(_of_hour(table, number, tenants, now))
    at = now - number * 7919 % (MONTH * 86_400)
    words = {
        "tenant": f"t{number % tenants:05}",
        "integration": INTEGRATION,
        "provider": "http",
        "at": at,
        "kind": KINDS[number % len(KINDS)] if table.name == "event" else "deliver",
        "reason": REASONS[number % len(REASONS)],
        "state": {"text_message": "failed", "notice": "firing"}.get(table.name, "delivered"),
        "outcome": "success",
        "severity": ("critical", "high", "medium", "low")[number % 4],
        "action": "resolve" if table.name == "alert_action" else "token.refresh",
        "log": '[[0.1, "connected"], [0.2, "refused"]]',
        "retention": "payment",
        "once": None,
        "flag": None,
        "headers": "[]",
        **dict.fromkeys(("details", "fields", "labels", "annotations"), "{}"),
        **dict.fromkeys(("due", "expires", "starts", "ends"), at),
    }
    return {
        one.name: words[one.name] if one.name in words else _value(one, table.name, number)
        for one in table.c
        if one.name != "id"
    }


def _of_hour(table: Table, number: int, tenants: int, now: float) -> Iterator[tuple[str, Any]]:
    """Yield the columns of a summary: a subject after the other has a row of each slot."""
    # Of rate limits the store keeps a day.
    times = slots(now)[:24] if table.name == "ratelimit_summary" else slots(now)
    subject, slot = divmod(number, len(times))
    tenant = f"t{subject % tenants:05}"
    words = {
        "hour": times[slot],
        "integration": INTEGRATION,
        "provider": "http",
        # Half of what apps report are the sums over all tenants.
        "tenant": ALL_TENANTS if table.name == "event_summary" and subject % 2 else tenant,
        "topic": TOPICS[subject // 2 % len(TOPICS)],
        "direction": ("inbound", "outbound")[subject % 2],
        "outcome": "",
        "kind": "quota" if table.name == "check_usage" else "ip",
        "reason": REASONS[subject % len(REASONS)],
        "seconds": 3600.0,
        "failing_seconds": 60.0 * (subject % 20 == 0),
        "runs": 60,
        "failed": subject % 20 == 0,
    }
    for one in table.c:
        if one.name in words:
            yield one.name, int(found) if isinstance(found := words[one.name], bool) else found
        elif one.name in TOOK:
            # A vendor's latencies fall into some five of the 62 buckets.
            near = 20 <= TOOK.index(one.name) - subject % 7 < 25
            yield one.name, 12 if near else None
        else:
            yield one.name, f"x{subject}" if one.type.python_type is str else 1 + number % 7


def _value(column: Column[Any], table: str, number: int) -> Any:
    kind = column.type.python_type
    if column.unique or column.name in ("delivery", "message"):
        return number if kind is int else f"{table}-{number}"
    return f"x{number % 50}" if kind is str else number % 7 if kind is int else USUAL[kind]
