"""Do databases have connections and time left: PostgreSQL servers, and projects of Supabase."""

from collections.abc import Callable
from typing import Any

from exporter.core.alert import BY
from exporter.core.threshold import ThresholdFamily
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import detail_link, integration_column, tenant_column
from exporter.generate.dashboards._panels import PanelQuery, TableColumn, limits_of
from exporter.generate.dashboards._scale import count_firing, record, recorded_level
from exporter.probes._database import (
    CONNECTIONS,
    DATABASES,
    DEADLOCKS,
    ERRORS,
    LAG,
    QUERY_TIME,
    DatabaseMetrics,
)
from exporter.probes.postgres import alerts as a
from exporter.probes.postgres import metrics as p
from exporter.probes.supabase import metrics as s

UID = "integration-database"
COLUMNS = (integration_column(UID, detail_link()), tenant_column(UID, detail_link()))
TARGET = "{{integration}} {{tenant}}"
POSTGRES, SUPABASE = frozenset({"postgres"}), frozenset({"supabase"})
UP = {"1": ("Up", show.GOOD), "0": ("Down", show.BAD)}


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Database",
        description="Do databases have connections left, are statements slow or wrong, do replicas keep up?",
        sections=(
            Section("", (*_counts(), _databases())),
            Section("Connections and statements", (*_load(), *_trouble())),
            Section("Inside of PostgreSQL", _inside(), POSTGRES),
            Section("Supabase", _supabase(), SUPABASE),
        ),
        providers=POSTGRES | SUPABASE,
    )


def _any(expression: Callable[[DatabaseMetrics], str]) -> str:
    """Return `expression` of whichever provider reads the database; the label `provider` keeps them apart."""
    return " or ".join(map(expression, DATABASES))


def _used() -> str:
    # Within one replica, which has both from one answer.
    return _any(
        lambda one: (
            f"max by ({BY}) ({ask.series(one.connections_used)} / {ask.series(one.connections_limit)})"
        )
    )


def _rolled_back() -> str:
    name = "integration_provider_tenant:{}:error_ratio"
    return _any(lambda one: f"max by ({BY}) ({record(name.format(one.transactions))})")


def _counts() -> tuple[Any, ...]:
    counted = (
        (
            "Connections gone",
            "Databases of which every connection is taken.",
            a.CONNECTIONS_REFUSED,
            show.BAD,
        ),
        (
            "Connections low",
            "Databases beyond a threshold of used connections.",
            a.CONNECTIONS_HIGH,
            show.WARNING,
        ),
        (
            "Slow statements",
            "Databases whose statements take longer than their threshold.",
            a.QUERIES_SLOW,
            show.WARNING,
        ),
        ("Errors", "Databases that roll back too many transactions.", a.ERRORS_HIGH, show.WARNING),
        (
            "Old transactions",
            "Databases with a transaction that is open for too long.",
            a.TRANSACTION_LONG,
            show.WARNING,
        ),
        ("Replicas behind", "Databases whose standby does not keep up.", a.LAGGING, show.WARNING),
    )
    return tuple(
        numbers.alerts(title, text, count_firing(alert), bad=bad) for title, text, alert, bad in counted
    )


def _databases() -> Any:
    most = ask.top(_used())
    of_these = f"and on ({BY}) {most}"
    columns = (
        f"({_any(lambda one: ask.each(one.connections_used))}) {of_these}",
        f"({_any(lambda one: ask.each(one.connections_limit))}) {of_these}",
        f"({_any(lambda one: ask.each(one.query_mean))}) {of_these}",
        f"({_rolled_back()}) {of_these}",
        f"({_any(lambda one: ask.each(one.lag))}) {of_these}",
    )
    return show.rows(
        "Databases by connections in use",
        f"The {ask.MOST} databases with the largest share of connections in use, judged by the thresholds in "
        "force.",
        (recorded_level(a.CONNECTIONS_HIGH, most), most, *columns),
        (
            TableColumn("A", "State", width=85, words=show.severity_words(("Fine", show.GOOD))),
            *COLUMNS,
            TableColumn("B", "In use", unit="percentunit", decimals=0, bar=True),
            TableColumn("C", "Connections", width=110),
            TableColumn("D", "At most", width=90),
            TableColumn("E", "Mean statement", unit="s", width=125),
            TableColumn("F", "Rolled back", unit="percentunit", decimals=2, width=110),
            TableColumn("G", "Behind", unit="s", width=90),
        ),
        size=(24, 9),
        sort=(("In use", True),),
        empty="No database is known",
    )


def _lines(title: str, text: str, expr: str, unit: str, family: ThresholdFamily | None = None) -> Any:
    limit = limits_of(family) if family else None
    query = PanelQuery(ask.top(expr), TARGET)
    panel = show.lines(title, text, (query,), size=(12, 8), unit=unit, limits=limit)
    return panel.no_value("No database reports it")


def _load() -> tuple[Any, ...]:
    return (
        _lines(
            "Connections in use, share",
            f"The {ask.MOST} databases with most. Dashed: the strictest thresholds.",
            _used(),
            "percentunit",
            CONNECTIONS,
        ),
        _lines(
            "Mean time of statements",
            "Over the ten minutes that ended at each probe, where it is counted. Dashed: the strictest "
            "thresholds.",
            _any(lambda one: ask.each(one.query_mean)),
            "s",
            QUERY_TIME,
        ),
        _lines(
            "Share of transactions rolled back",
            "Over the ten minutes that ended at each probe. Dashed: the strictest thresholds.",
            _rolled_back(),
            "percentunit",
            ERRORS,
        ),
        _lines(
            "Transactions per second",
            "Committed and rolled back, over the ten minutes that ended at each probe.",
            _any(
                lambda one: (
                    f"max by ({BY}) (sum without (outcome) ({ask.series(one.transactions)})"
                    f" / {ask.series(one.window_seconds)})"
                )
            ),
            "ops",
        ),
    )


def _trouble() -> tuple[Any, ...]:
    return (
        _lines(
            "Deadlocks",
            "In the ten minutes that ended at each probe. Dashed: the strictest threshold.",
            _any(lambda one: ask.each(one.deadlocks)),
            "short",
            DEADLOCKS,
        ),
        _lines(
            "Replication lag",
            "How far a standby is behind, as it says itself, or its replicas as a primary sees them. "
            "Dashed: the strictest threshold.",
            f"({_any(lambda one: ask.each(one.lag))}) > 0 or {ask.each(p.REPLICA_LAG)}"
            f" or {_any(lambda one: ask.each(one.lag))}",
            "s",
            LAG,
        ),
    )


def _inside() -> tuple[Any, ...]:
    return (
        show.stacked(
            "Connections by state",
            "idle_in_transaction holds locks; many idle ones point to pools that are too large.",
            PanelQuery(f"sum by (state) ({ask.each(p.CONNECTIONS, 'state')})", "{{state}}"),
            size=(12, 8),
            unit="short",
            step="1m",
        ).no_value("No database reports it"),
        _lines(
            "Oldest transaction",
            f"The {ask.MOST} oldest. Dashed: the strictest threshold.",
            ask.each(p.TRANSACTION),
            "s",
            a.TRANSACTION,
        ),
        _lines(
            "Longest wait for a lock",
            "Age of the oldest statement that waits for a lock; 0 if none does.",
            ask.each(p.LOCK_WAIT),
            "s",
        ),
        _lines(
            "Blocks from memory",
            "Share of the blocks read that were in memory; a share that falls wants more memory.",
            ask.each(p.CACHE_HIT),
            "percentunit",
        ),
        _lines(
            "Connections that wait for a lock",
            "Connections of clients whose statement waits for another one to end.",
            ask.each(p.WAITING),
            "short",
        ),
        _lines(
            "Size of databases",
            f"The {ask.MOST} largest; looked at every 15 minutes.",
            ask.each(p.SIZE),
            "bytes",
        ),
    )


def _supabase() -> tuple[Any, ...]:
    return (
        show.rows(
            "Services",
            "auth, rest and storage as they answer, database as the project's own metrics say: those that "
            "are down first.",
            (f"bottomk({ask.MOST}, {ask.each(s.SERVICE_UP, 'service')})",),
            (*COLUMNS, TableColumn("service", "Service"), TableColumn("A", "State", words=UP)),
            size=(12, 8),
            sort=(("State", False),),
            empty="No service is known",
        ),
        show.lines(
            "Clients waiting for a pool",
            "Requests that wait for a connection of PgBouncer or of the data API.",
            (PanelQuery(ask.top(ask.each(s.POOL_WAITING, "pool")), f"{TARGET} {{{{pool}}}}"),),
            size=(12, 8),
            unit="short",
        ).no_value("No pool is known"),
    )
