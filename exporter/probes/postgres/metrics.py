"""What is exported of a PostgreSQL database. Increases over a window are gauges: they fall as it moves on."""

from exporter.core.metric import Metric
from exporter.core.vitals import SCHEDULE

WINDOW = 600.0
"""Seconds over which increases are told."""


def _gauge(name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    return Metric(f"integration_postgres_{name}", text + SCHEDULE, unit=unit, labels=labels)


CONNECTIONS_USED = _gauge("connections_used", "Connections of clients to the whole server, ours included.")
CONNECTIONS_LIMIT = _gauge(
    "connections_limit", "Connections that clients may have: max_connections without the reserved ones."
)
CONNECTIONS = _gauge(
    "connections",
    "Connections of clients by state: active, idle, idle_in_transaction, idle_in_transaction_aborted, other.",
    labels=("state",),
)
WAITING = _gauge("connections_waiting", "Connections of clients that wait for a lock.")
LOCK_WAIT = _gauge(
    "lock_wait_longest_seconds",
    "Age of the oldest statement that waits for a lock; 0 if none does.",
    unit="seconds",
)
TRANSACTION = _gauge(
    "transaction_longest_seconds",
    "Age of the oldest transaction of a client; 0 if none is open.",
    unit="seconds",
)
PERMISSION_MISSING = _gauge(
    "permission_missing",
    "Whether our role lacks pg_monitor (1), so that what others do is unknown and absent, or not (0).",
)

TRANSACTIONS = _gauge(
    "transactions_window",
    "Transactions of the database in the window by outcome: committed, rolled_back.",
    labels=("outcome",),
)
DEADLOCKS = _gauge("deadlocks_window", "Deadlocks of the database in the window.")
CACHE_HIT = _gauge(
    "cache_hit_ratio",
    "Share of the blocks read in the window that were in memory; absent if none was read.",
    unit="ratio",
)
QUERIES = _gauge("queries_window", "Statements of the database in the window, from pg_stat_statements.")
QUERY_MEAN = _gauge(
    "query_mean_seconds",
    "Mean execution time of the statements in the window, from pg_stat_statements; absent without it.",
    unit="seconds",
)
WINDOW_SECONDS = _gauge(
    "window_seconds",
    "Length of the window that ended at the last probe; up to ten minutes and the probe's interval.",
    unit="seconds",
)

SIZE = _gauge("database_size_bytes", "Size of the database; looked at every 15 minutes.", unit="bytes")
IN_RECOVERY = _gauge("in_recovery", "Whether the server is a standby (1) or a primary (0).")
LAG = _gauge(
    "replication_lag_seconds",
    "How far the standby is behind; 0 where it has replayed all that it received. Absent on a primary.",
    unit="seconds",
)
REPLICA_LAG = _gauge(
    "replica_lag_seconds",
    "How far each replica of this server is behind; absent where unknown.",
    unit="seconds",
    labels=("replica",),
)
REPLICA_LAG_BYTES = _gauge(
    "replica_lag_bytes",
    "How much of the log each replica of this server has still to replay.",
    unit="bytes",
    labels=("replica",),
)

METRICS = (
    CONNECTIONS_USED,
    CONNECTIONS_LIMIT,
    CONNECTIONS,
    WAITING,
    LOCK_WAIT,
    TRANSACTION,
    PERMISSION_MISSING,
    TRANSACTIONS,
    DEADLOCKS,
    CACHE_HIT,
    QUERIES,
    QUERY_MEAN,
    WINDOW_SECONDS,
    SIZE,
    IN_RECOVERY,
    LAG,
    REPLICA_LAG,
    REPLICA_LAG_BYTES,
)
