"""What a dashboard shows of a database."""

from exporter.core.metric import Metric
from exporter.core.panel import Panel
from exporter.probes.postgres import metrics as m

_CHOSEN = 'integration=~"$integration",tenant=~"$tenant"'


def _shown(metric: Metric, *labels: str) -> str:
    kept = ", ".join(("integration", "tenant", *labels))
    return f"max by ({kept}) ({metric}{{{_CHOSEN}}})"


PANELS = (
    Panel(
        "Connections in use",
        "Share of the connections that clients may have.",
        f"max by (integration, tenant) ({m.CONNECTIONS_USED}{{{_CHOSEN}}} / {m.CONNECTIONS_LIMIT})",
        unit="percentunit",
    ),
    Panel(
        "Connections by state",
        "idle_in_transaction holds locks; many idle ones point to pools that are too large.",
        _shown(m.CONNECTIONS, "state"),
        legend="{{integration}} {{tenant}} {{state}}",
    ),
    Panel(
        "Mean time of statements",
        "Over the ten minutes that ended at the last probe, from pg_stat_statements.",
        _shown(m.QUERY_MEAN),
        unit="s",
    ),
    Panel(
        "Transactions by outcome",
        "In the ten minutes that ended at the last probe.",
        _shown(m.TRANSACTIONS, "outcome"),
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "Oldest transaction and lock wait",
        "Age of the oldest open transaction, and of the oldest statement that waits for a lock.",
        f'label_replace({_shown(m.TRANSACTION)}, "what", "transaction", "", "") or '
        f'label_replace({_shown(m.LOCK_WAIT)}, "what", "lock wait", "", "")',
        unit="s",
        legend="{{integration}} {{tenant}} {{what}}",
    ),
    Panel("Deadlocks", "In the ten minutes that ended at the last probe.", _shown(m.DEADLOCKS)),
    Panel(
        "Replication lag",
        "How far each replica is behind, as its primary sees it.",
        _shown(m.REPLICA_LAG, "replica"),
        unit="s",
        legend="{{integration}} {{tenant}} {{replica}}",
    ),
    Panel(
        "Blocks from memory",
        "Share of the blocks read in the window.",
        _shown(m.CACHE_HIT),
        unit="percentunit",
    ),
    Panel("Database size", "Looked at every 15 minutes.", _shown(m.SIZE), unit="bytes"),
)
