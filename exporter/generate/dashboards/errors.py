"""What fails, for whom and why: counters of Prometheus, and the log of failures from the store."""

from typing import Any

from exporter.core import common_metrics as m
from exporter.core.alert import BY
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _sql as sql
from exporter.generate.dashboards import _status as status
from exporter.generate.dashboards import _store_panels as store
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import ERRORS, integration_column, tenant_column
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._variables import TARGET

SUCCESS = ask.each(m.SUCCESS)
NO_TROUBLE = f"sum({ask.series(m.PROBES)}) * 0"
"""0 where probes run: trouble has no series before it happens for the first time."""

INTEGRATION = integration_column(ERRORS)
TENANT = tenant_column(ERRORS)
# Without its meaning, which would make every row of a log higher; the detail says more.
REASON = TableColumn("reason", "Reason", width=115)
DETAIL = TableColumn("detail", "Detail", wrap=True)


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=ERRORS,
        title="Integrations / Errors",
        description="What fails for which tenant and why, how often, and the failures one by one.",
        sections=(
            Section("", (*_counts(), *_rates(), _tenants(), _longest())),
            Section("From the store", _log()),
        ),
    )


def _counts() -> tuple[Any, ...]:
    return (
        show.number(
            "Failing targets",
            "Integrations of a tenant whose last probe failed.",
            f"sum({SUCCESS} == bool 0)",
            bad=show.BAD,
            size=(6, 4),
        ),
        show.number(
            "Tenants affected",
            "Tenants with at least one failing integration. Integrations without tenants count as one.",
            f"sum(max by (tenant) ({SUCCESS} == bool 0))",
            bad=show.BAD,
            size=(6, 4),
        ),
        show.number(
            "Failed probes, 1 h",
            "Probes that failed in the last hour, as one replica counts them.",
            f"round(sum({status.failed('reason', '1h')})) or {NO_TROUBLE}",
            bad=show.WARNING,
            size=(6, 4),
        ),
        show.number(
            "Unknown answers, 1 h",
            "Fields of answers in the last hour that were missing or of another type than documented.",
            f"round(sum(max by (integration, provider) (increase({ask.series(m.SCHEMA_DRIFT)}[1h])))) or "
            f"{NO_TROUBLE}",
            bad=show.WARNING,
            size=(6, 4),
        ),
    )


def _rates() -> tuple[Any, ...]:
    return (
        show.stacked(
            "Failed probes per minute, by reason",
            "What the failures have in common: many reasons at once point at the network, one at a vendor.",
            PanelQuery(status.failure_pace("reason"), "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ).no_value("No failure is known"),
        show.stacked(
            "Failed probes per minute, by integration",
            f"Where they fail, for the {ask.MOST} integrations that fail most.",
            PanelQuery(ask.top(f"{status.failure_pace('integration')} > 0"), "{{integration}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ).no_value("No failure is known"),
    )


def _tenants() -> Any:
    failing = f"sum by (tenant) ({SUCCESS} == bool 0) > 0"
    worst = f"max by (tenant) ({ask.each(m.CONSECUTIVE_FAILURES)})"
    most = ask.top(failing)
    return show.rows(
        "Tenants with most failures",
        f"The {ask.MOST} tenants for whom most integrations fail now, and the longest row of failures.",
        (most, f"{worst} and on (tenant) {most}"),
        (
            TENANT,
            TableColumn("A", "Integrations failing", bar=True),
            TableColumn("B", "Most in a row", width=120),
        ),
        size=(10, 9),
        sort=(("Integrations failing", True),),
        empty="No target reports a failure",
    )


def _longest() -> Any:
    reason = f"topk by ({BY}) (1, {ask.each(m.FAILURE_INFO, 'reason')})"
    failing = f"({reason} and on ({BY}) ({SUCCESS} == 0))"
    # Milliseconds, as Grafana counts time; 0 stands for "never".
    since = f"{failing} * on ({BY}) group_left () {ask.each(m.LAST_SUCCESS)} * 1000 or {failing} * 0"
    longest = f"bottomk({ask.MOST}, {since})"
    return show.rows(
        "Failing longest",
        f"The {ask.MOST} targets that have not worked for longest, with the reason of the last probe.",
        (longest, f"{ask.each(m.CONSECUTIVE_FAILURES)} and on ({BY}) {longest}"),
        (
            INTEGRATION,
            TENANT,
            TableColumn("reason", "Reason"),
            TableColumn(
                "A", "Since", unit="dateTimeFromNow", width=132, words={"0": ("Never worked", show.PLAIN)}
            ),
            TableColumn("B", "In a row", width=80),
        ),
        size=(14, 9),
        sort=(("Since", False),),
        empty="No target reports a failure",
    )


def _log() -> tuple[Any, ...]:
    return (
        store.log(
            "Log of failures",
            f"The newest {sql.MOST_ROWS} failed probes in the time range, as each replica saw them. The "
            "steps of each are on the exporter's page, by its trace id.",
            sql.newest(
                "errors",
                ("time", "integration", "tenant", "reason", "detail", "http_status", "took", "trace_id"),
                variables=TARGET,
            ),
            (
                store.time_column(),
                INTEGRATION,
                TENANT,
                REASON,
                DETAIL,
                TableColumn("http_status", "HTTP", width=70),
                TableColumn("took", "Took", unit="s", width=90),
                TableColumn("trace_id", "Trace", width=260),
            ),
            size=(24, 12),
            sort=(("Time", True),),
            empty="No failure in the time range",
        ),
        _frequent(),
        _changes(),
    )


def _frequent() -> Any:
    query = (
        "SELECT reason, detail, count(*) AS failures, count(DISTINCT tenant) AS tenants, max(time) AS last\n"
        f"FROM {sql.view('errors')}\nWHERE {sql.where(variables=TARGET)}\n"
        f"GROUP BY reason, detail\nORDER BY failures DESC\nLIMIT {ask.MOST}"
    )
    return store.log(
        "Most frequent failures",
        f"The {ask.MOST} most frequent pairs of reason and detail: one cause may have many tenants.",
        query,
        (
            REASON,
            DETAIL,
            TableColumn("failures", "Failures", width=110),
            TableColumn("tenants", "Tenants", width=80),
            store.time_column("last", "Last"),
        ),
        size=(24, 9),
        sort=(("Failures", True),),
        empty="No failure in the time range",
    )


def _changes() -> Any:
    return store.log(
        "Changes of state",
        f"The newest {sql.MOST_ROWS} times that a target began to fail, worked again or failed otherwise.",
        sql.newest(
            "changes",
            ("time", "integration", "tenant", "before", "status", "reason", "detail"),
            variables=TARGET,
        ),
        (
            store.time_column(),
            INTEGRATION,
            TENANT,
            TableColumn("before", "Before", width=130),
            TableColumn("status", "Then", width=130),
            REASON,
            DETAIL,
        ),
        size=(24, 9),
        sort=(("Time", True),),
        empty="No change in the time range",
    )
