"""What every provider that reads a PostgreSQL server's statistics exports, so that one alert serves all.

Increases over a window are gauges: they fall as it moves on. The probe makes them, from totals that the kit
keeps, so that replicas of the exporter never count twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache

from exporter.core.common_metrics import SCHEDULE
from exporter.core.metric import Metric
from exporter.core.probe import Kit
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

WINDOW = 600.0
"""Seconds over which increases are measured."""

_KEY = "totals/1"

CONNECTIONS = ThresholdFamily(
    "database_connections_ratio",
    "Share of the database's connections in use, above which they count as running out.",
    {Severity.MEDIUM: 0.80, Severity.HIGH: 0.90},
    unit="ratio",
    maximum=1.0,
    environment=((Severity.MEDIUM, "MONITORING_SUPABASE_CONNECTION_THRESHOLD"),),
    environment_scale=0.01,
)
QUERY_TIME = ThresholdFamily(
    "database_query_seconds",
    "Mean execution time of the database's statements, above which they count as slow.",
    {Severity.MEDIUM: 5.0},
    unit="seconds",
    environment=((Severity.MEDIUM, "MONITORING_SUPABASE_QUERY_TIME_THRESHOLD"),),
    environment_scale=0.001,
)
ERRORS = ThresholdFamily(
    "database_error_ratio",
    "Share of the database's transactions that are rolled back, above which they count as failing.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
)
DEADLOCKS = ThresholdFamily(
    "database_deadlocks",
    "Deadlocks of the database in ten minutes, above which somebody is notified.",
    {Severity.MEDIUM: 0.0},
)
LAG = ThresholdFamily(
    "database_replication_lag_seconds",
    "How far a standby may be behind.",
    {Severity.MEDIUM: 60.0},
    unit="seconds",
)


@dataclass(frozen=True)
class DatabaseMetrics:
    """The metrics of one provider; `transactions` has the label `outcome`: committed, rolled_back."""

    connections_used: Metric
    connections_limit: Metric
    transactions: Metric
    deadlocks: Metric
    queries: Metric
    query_mean: Metric
    window_seconds: Metric
    lag: Metric

    @property
    def all(self) -> tuple[Metric, ...]:
        """Every one of them."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def per_second(self, matchers: str) -> str:
        """Return PromQL of transactions a second, by integration, tenant and outcome."""
        seconds = f"{self.window_seconds}{{{matchers}}}"
        pace = f"{self.transactions}{{{matchers}}} / ignoring (outcome) group_left () {seconds}"
        return f"max by (integration, tenant, outcome) ({pace})"


@cache
def database_metrics(provider: str) -> DatabaseMetrics:
    """Return the metrics of `provider`, under its name."""

    def gauge(name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
        return Metric(f"integration_{provider}_{name}", text + SCHEDULE, unit=unit, labels=labels)

    return DatabaseMetrics(
        connections_used=gauge(
            "connections_used", "Connections of clients to the whole server, ours included."
        ),
        connections_limit=gauge(
            "connections_limit",
            "Connections that clients may have: max_connections, without the reserved ones where they are"
            " known.",
        ),
        transactions=gauge(
            "transactions_window",
            "Transactions of the database in the window by outcome: committed, rolled_back.",
            labels=("outcome",),
        ),
        deadlocks=gauge("deadlocks_window", "Deadlocks of the database in the window."),
        queries=gauge("queries_window", "Statements of the database in the window, from pg_stat_statements."),
        query_mean=gauge(
            "query_mean_seconds",
            "Mean execution time of the statements in the window, from pg_stat_statements; absent without"
            " it.",
            unit="seconds",
        ),
        window_seconds=gauge(
            "window_seconds",
            "Length of the window that ended at the last probe; up to ten minutes and the probe's interval.",
            unit="seconds",
        ),
        lag=gauge(
            "replication_lag_seconds",
            "How far the standby is behind, 0 where it has replayed all that it received; 0 or absent on a"
            " primary.",
            unit="seconds",
        ),
    )


POSTGRES = database_metrics("postgres")
SUPABASE = database_metrics("supabase")
DATABASES = (POSTGRES, SUPABASE)


def increase(totals: Mapping[str, float], kit: Kit) -> tuple[dict[str, float], float]:
    """Return by how much `totals` grew within the window, and its length in seconds; {} and 0 at first.

    Earlier totals are kept by the kit, a tenth of the window apart, so that they survive a restart. Totals
    that fell were reset: the window then starts again.
    """
    now = kit.now()
    # An entry from the future was stored before the clock was set back.
    kept = [entry for entry in kit.recall(_KEY) or [] if entry[0] <= now]
    # PostgreSQL's counters only grow: a smaller one means reset statistics, a crash or another server.
    if any(kept and value < kept[-1][1].get(name, 0.0) for name, value in totals.items()):
        kept = []
    recent = [entry for entry in kept if entry[0] >= now - WINDOW]
    # The newest one that is older than the window makes it a whole one, unless it is much older.
    before = [entry for entry in kept if now - 2 * WINDOW <= entry[0] < now - WINDOW][-1:]
    kept = before + recent
    since = kept[0] if kept else None
    # A tenth of the window apart, so that a dozen entries are stored however often the target is probed.
    if not kept or now - kept[-1][0] >= WINDOW / 10:
        kept = [*kept, [now, dict(totals)]]
    kit.remember(_KEY, kept)
    if since is None or since[0] == now:
        return {}, 0.0
    # A name that `since` lacks is new, such as those of pg_stat_statements: there is nothing to subtract.
    grown = {name: value - since[1][name] for name, value in totals.items() if name in since[1]}
    return grown, now - since[0]
