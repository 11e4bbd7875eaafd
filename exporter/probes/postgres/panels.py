"""What a dashboard shows of a database."""

from exporter.core.panel import Panel
from exporter.probes._database import CONNECTIONS, DEADLOCKS, LAG, POSTGRES, QUERY_TIME
from exporter.probes._panels import MATCHERS, panel_query
from exporter.probes.postgres import metrics as m
from exporter.probes.postgres.alerts import TRANSACTION

PANELS = (
    Panel(
        "Connections in use",
        "Share of the connections that clients may have.",
        "max by (integration, tenant) ("
        f"{m.CONNECTIONS_USED}{{{MATCHERS}}} / {m.CONNECTIONS_LIMIT}{{{MATCHERS}}})",
        unit="percentunit",
        family=CONNECTIONS,
    ),
    Panel(
        "Connections by state",
        "idle_in_transaction holds locks; many idle ones point to pools that are too large.",
        panel_query(m.CONNECTIONS, "state"),
        legend="{{integration}} {{tenant}} {{state}}",
    ),
    Panel(
        "Mean time of statements",
        "Over the ten minutes that ended at the last probe, from pg_stat_statements.",
        panel_query(m.QUERY_MEAN),
        unit="s",
        family=QUERY_TIME,
    ),
    Panel(
        "Transactions per second, by outcome",
        "Over the ten minutes that ended at the last probe.",
        POSTGRES.per_second(MATCHERS),
        unit="ops",
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "Oldest transaction and lock wait",
        "Age of the oldest open transaction, which the dashed line judges, and of the oldest statement that"
        " waits for a lock.",
        f'label_replace({panel_query(m.TRANSACTION)}, "what", "transaction", "", "") or '
        f'label_replace({panel_query(m.LOCK_WAIT)}, "what", "lock wait", "", "")',
        unit="s",
        legend="{{integration}} {{tenant}} {{what}}",
        family=TRANSACTION,
    ),
    Panel(
        "Deadlocks",
        "In the ten minutes that ended at the last probe.",
        panel_query(m.DEADLOCKS),
        family=DEADLOCKS,
    ),
    Panel(
        "Replication lag",
        "How far each replica is behind, as its primary sees it.",
        panel_query(m.REPLICA_LAG, "replica"),
        unit="s",
        legend="{{integration}} {{tenant}} {{replica}}",
        family=LAG,
    ),
    Panel(
        "Blocks from memory",
        "Share of the blocks read in the window, of those with the smallest.",
        panel_query(m.CACHE_HIT),
        unit="percentunit",
        least_first=True,
    ),
    Panel("Database size", "Looked at every 15 minutes.", panel_query(m.SIZE), unit="bytes"),
)
