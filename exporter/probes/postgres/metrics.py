"""What is exported of a PostgreSQL database."""

from exporter.core.common_metrics import SCHEDULE
from exporter.core.metric import Metric
from exporter.probes._database import POSTGRES


def _gauge(name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    return Metric(f"integration_postgres_{name}", text + SCHEDULE, unit=unit, labels=labels)


CONNECTIONS_USED = POSTGRES.connections_used
CONNECTIONS_LIMIT = POSTGRES.connections_limit
TRANSACTIONS = POSTGRES.transactions
DEADLOCKS = POSTGRES.deadlocks
QUERIES = POSTGRES.queries
QUERY_MEAN = POSTGRES.query_mean
WINDOW_SECONDS = POSTGRES.window_seconds
LAG = POSTGRES.lag

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

CACHE_HIT = _gauge(
    "cache_hit_ratio",
    "Share of the blocks read in the window that were in memory; absent if none was read.",
    unit="ratio",
)
SIZE = _gauge("database_size_bytes", "Size of the database; looked at every 15 minutes.", unit="bytes")
IN_RECOVERY = _gauge("in_recovery", "Whether the server is a standby (1) or a primary (0).")
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
