"""What a dashboard shows of Supabase projects."""

from exporter.core.panel import Panel, Tone
from exporter.probes._database import CONNECTIONS, DEADLOCKS, LAG, QUERY_TIME, SUPABASE
from exporter.probes._panels import MATCHERS, panel_query
from exporter.probes.supabase import metrics as m

PANELS = (
    Panel(
        "Supabase: Services",
        "auth, rest and storage as they answer, database as the project's own metrics say.",
        panel_query(m.SERVICE_UP, "service"),
        kind="states",
        words={1: ("Up", Tone.GOOD), 0: ("Down", Tone.BAD)},
        legend="{{integration}} {{tenant}} {{service}}",
    ),
    Panel(
        "Supabase: Connections in use",
        "Share of the connections that clients may have.",
        "max by (integration, tenant) ("
        f"{SUPABASE.connections_used}{{{MATCHERS}}} / {SUPABASE.connections_limit}{{{MATCHERS}}})",
        unit="percentunit",
        family=CONNECTIONS,
    ),
    Panel(
        "Supabase: Clients waiting for a pool",
        "Requests that wait for a connection of PgBouncer or of the data API.",
        panel_query(m.POOL_WAITING, "pool"),
        legend="{{integration}} {{tenant}} {{pool}}",
    ),
    Panel(
        "Supabase: Mean time of statements",
        "Over the ten minutes that ended at the last probe.",
        panel_query(SUPABASE.query_mean),
        unit="s",
        family=QUERY_TIME,
    ),
    Panel(
        "Supabase: Transactions per second, by outcome",
        "Over the ten minutes that ended at the last probe.",
        SUPABASE.per_second(MATCHERS),
        unit="ops",
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "Supabase: Deadlocks",
        "In the ten minutes that ended at the last probe.",
        panel_query(SUPABASE.deadlocks),
        family=DEADLOCKS,
    ),
    Panel(
        "Supabase: Replication lag",
        "How far the standby is behind, where the project is one.",
        panel_query(SUPABASE.lag),
        unit="s",
        family=LAG,
    ),
    Panel(
        "Supabase: Metrics not given",
        "Whether the project gives no metrics, so that its database is not watched.",
        panel_query(m.READING_REFUSED, "reading"),
        kind="states",
        words={0: ("Given", Tone.GOOD), 1: ("Not given", Tone.WARNING)},
        legend="{{integration}} {{tenant}} {{reading}}",
    ),
)
