"""The tables, in types that every database of SQLAlchemy has. Times are Unix seconds in UTC."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text

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
    Index("state_change_by_target", "integration", "tenant", "at"),
    Index("state_change_by_time", "at"),
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
    Index("failure_by_target", "integration", "tenant", "at"),
    Index("failure_by_time", "at"),
)

RETAINED = {"checks": STATE_CHANGE, "errors": FAILURE}
"""What the keys of `store.retention` speak of."""
