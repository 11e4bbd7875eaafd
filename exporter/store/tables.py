"""The tables, in types that every database of SQLAlchemy has. Times are Unix seconds in UTC."""

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text

from exporter.core.summary import BUCKETS
from exporter.store.token_tables import token_log_table, token_table

METADATA = MetaData()


def _number() -> Column[int]:
    # SQLite numbers rows by itself only where the key is an INTEGER.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


TARGET_STATE = Table(
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

STATE_CHANGE = Table(
    "state_change",
    METADATA,
    _number(),
    Column("at", Double, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("before", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("detail", Text, nullable=False),
    Column("trace_id", String, nullable=False),
    Column("replica", String, nullable=False, server_default=""),
    Index("state_change_by_target", "integration", "tenant", "at"),
    Index("state_change_by_time", "at"),
    Index("state_change_by_tenant", "tenant", "at"),
)

FAILURE = Table(
    "failure",
    METADATA,
    _number(),
    Column("at", Double, nullable=False),
    Column("integration", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("took", Double, nullable=False),
    Column("http_status", Integer),
    Column("log", Text, nullable=False),  # JSON: [[seconds since the start, text], ...]
    Column("trace_id", String, nullable=False),
    Column("replica", String, nullable=False, server_default=""),
    Index("failure_by_target", "integration", "tenant", "at"),
    Index("failure_by_time", "at"),
    Index("failure_by_tenant", "tenant", "at"),
)


def _hourly(*last: str) -> list[Column[Any]]:
    """Return the key of a table with a row for each hour (its first second) and target.

    The hour comes first: what is written and what is deleted then lies together.
    """
    names = [Column(name, String, primary_key=True) for name in ("integration", "tenant", *last)]
    return [Column("hour", BigInteger, primary_key=True, autoincrement=False), *names]


TOOK = tuple(f"took_{number:02}" for number in range(BUCKETS))
"""Columns of the latency buckets, in the order of exporter/core/summary.py."""

CHECK_SUMMARY = Table(
    "check_summary",
    METADATA,
    *_hourly(),
    Column("provider", String, nullable=False),
    Column("runs", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),  # that were watched
    Column("failing_seconds", Double, nullable=False),
    # An empty bucket is NULL: that costs one bit in PostgreSQL.
    *(Column(name, Integer) for name in TOOK),
    Index("check_summary_by_tenant", "tenant", "hour"),
    sqlite_with_rowid=False,
)

CHECK_FAILURE = Table(
    "check_failure",
    METADATA,
    *_hourly("reason"),
    Column("runs", BigInteger, nullable=False),
    Index("check_failure_by_tenant", "tenant", "hour"),
    sqlite_with_rowid=False,
)

TOKEN = token_table(METADATA)
TOKEN_LOG = token_log_table(METADATA)

RETAINED: dict[str, tuple[Table, ...]] = {
    "checks": (STATE_CHANGE, CHECK_SUMMARY, CHECK_FAILURE),
    "errors": (FAILURE,),
    "tokens": (TOKEN_LOG,),
}
"""Tables by the keys of `store.retention`; each has a column `at` or `hour`."""

LASTING = (TARGET_STATE, TOKEN)
"""Tables whose rows stay until their subject goes."""
