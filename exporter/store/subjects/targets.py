"""The state of every target, as it must come back after a restart: one row for each."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import structlog
from sqlalchemy import BigInteger, Column, Connection, Double, String, Table, Text, bindparam, delete, select

from exporter.core.probe import TargetKey
from exporter.core.store import Snapshot
from exporter.store.columns import METADATA
from exporter.store.retention import TableRetention
from exporter.store.rows import (
    TableRow,
    clean,
    fetch,
    readable,
    reason_of,
    reason_word,
    target_columns,
    target_key,
)
from exporter.store.upserts import replace

TABLE = Table(
    "target_state",
    METADATA,
    Column("integration", String, primary_key=True),
    Column("tenant", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("detail", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("last_run", Double),
    Column("last_success", Double),
    Column("failures", BigInteger, nullable=False),
    Column("until", Double),
    Column("facts", Text, nullable=False),  # JSON: [[metric, [label value, ...], value], ...]
    Column("answers", Text, nullable=False),  # JSON: {key: [time, value]}
    Column("mark", String, nullable=False),
)

RETENTION = (TableRetention(TABLE),)

_FORGET = delete(TABLE).where(
    TABLE.c.integration == bindparam("gone_integration"), TABLE.c.tenant == bindparam("gone_tenant")
)


def load(connection: Connection) -> list[Snapshot]:
    """Return the state of every target; a row that cannot be read is left out and reported on the log."""
    return readable(connection, fetch(connection, select(TABLE)), snapshot_of)


def write(connection: Connection, snapshots: Iterable[Snapshot]) -> None:
    """Write the states over those that the store has of their targets."""
    replace(connection, TABLE, [snapshot_row(snapshot) for snapshot in snapshots])


def forget(connection: Connection, keys: Collection[TargetKey]) -> None:
    """Delete the states of targets that were removed."""
    if keys:
        # Always in one order: two replicas that delete the same rows would lock each other out.
        gone = [{"gone_integration": name, "gone_tenant": tenant} for name, tenant in sorted(keys)]
        connection.execute(_FORGET, gone)


def snapshot_row(snapshot: Snapshot) -> TableRow:
    """Return the row of a target's state."""
    return {
        **target_columns(snapshot.key),
        "provider": snapshot.provider,
        "status": snapshot.status,
        "reason": reason_word(snapshot.reason),
        "detail": clean(snapshot.detail),
        "since": snapshot.since,
        "last_run": snapshot.last_run,
        "last_success": snapshot.last_success,
        "failures": snapshot.failures,
        "until": snapshot.until,
        "facts": json.dumps(snapshot.facts),
        "answers": _answers(snapshot),
        "mark": snapshot.mark,
    }


def snapshot_of(row: Mapping[str, Any]) -> Snapshot:
    """Return the state that `row` holds; raises ValueError, TypeError or KeyError when it is not one."""
    return Snapshot(
        key=target_key(row),
        provider=row["provider"],
        status=row["status"],
        reason=reason_of(row["reason"]),
        detail=row["detail"],
        since=row["since"],
        last_run=row["last_run"],
        last_success=row["last_success"],
        failures=row["failures"],
        until=row["until"],
        facts=tuple((name, tuple(labels), value) for name, labels, value in json.loads(row["facts"])),
        answers={key: (when, value) for key, (when, value) in json.loads(row["answers"]).items()},
        mark=row["mark"],
    )


def _answers(snapshot: Snapshot) -> str:
    """Return the answers as JSON, without those that JSON cannot hold: they are asked for again."""
    try:
        return json.dumps(snapshot.answers)
    except (TypeError, ValueError, RecursionError):
        texts = {key: text for key, answer in snapshot.answers.items() if (text := _text(answer))}
        lost = sorted(snapshot.answers.keys() - texts.keys())
        log = structlog.get_logger(__name__)
        log.warning("answers cannot be stored", provider=snapshot.provider, answers=lost)
        return f"{{{', '.join(f'{json.dumps(key)}: {text}' for key, text in texts.items())}}}"


def _text(answer: tuple[float, Any]) -> str:
    try:
        return json.dumps(answer)
    except (TypeError, ValueError, RecursionError):
        return ""
