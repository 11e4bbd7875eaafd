"""What a dashboard shows of Supabase projects."""

from exporter.core.panel import Panel
from exporter.probes._database import SUPABASE
from exporter.probes._panels import MATCHERS, panel_query
from exporter.probes.supabase import metrics as m

PANELS = (
    Panel(
        "Supabase: Services",
        "1 while it works: auth, rest and storage as they answer, database as the project's own metrics say.",
        panel_query(m.SERVICE_UP, "service"),
        legend="{{integration}} {{tenant}} {{service}}",
    ),
    Panel(
        "Supabase: Connections in use",
        "Share of the connections that clients may have.",
        "max by (integration, tenant) ("
        f"{SUPABASE.connections_used}{{{MATCHERS}}} / {SUPABASE.connections_limit})",
        unit="percentunit",
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
    ),
    Panel(
        "Supabase: Transactions by outcome",
        "In the ten minutes that ended at the last probe.",
        panel_query(SUPABASE.transactions, "outcome"),
        legend="{{integration}} {{tenant}} {{outcome}}",
    ),
    Panel(
        "Supabase: Metrics not given",
        "1 where the project gives no metrics, so that its database is not watched.",
        panel_query(m.READING_REFUSED, "reading"),
        kind="stat",
        legend="{{integration}} {{tenant}}",
    ),
)
