"""Is anyone broken? Who, why, since when, and what is about to break."""

from typing import Any

from exporter.alerts.measures import CERTIFICATE, LATENCY
from exporter.core import common_metrics
from exporter.core.alert import BY
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._alert_tables import firing_alerts
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import (
    ERRORS,
    REASONS,
    errors_link,
    integration_column,
    tenant_column,
)
from exporter.generate.dashboards._links import DataLink, label, link_to
from exporter.generate.dashboards._marks import LOUD
from exporter.generate.dashboards._panels import PanelQuery, TableColumn

UID = "integration-overview"
LATE = 300
"""Seconds past its due time after which a probe is overdue, as in the alert on stale probes."""

CONNECTED = ("Connected", show.GOOD)
SOME_FAILING = ("Some failing", show.WARNING)
ALL_FAILING = ("Failing", show.BAD)
UNCONFIGURED = ("Not configured", show.QUIET)

FOLLOW = (
    DataLink("Show only this integration", link_to(UID, integration=label("integration"))),
    DataLink("Log of its failures", link_to(ERRORS, integration=label("integration"))),
)
"""What a click on the bar of an integration offers."""
INTEGRATION = integration_column(UID)
TENANT = tenant_column(UID)

SUCCESS = ask.each(common_metrics.SUCCESS)
FAILING = f"({SUCCESS} == 0)"
DURATION = ask.each(common_metrics.DURATION)


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Overview",
        description="Is any integration broken for any tenant: which, why, since when, and what breaks next.",
        sections=(
            Section("", (*_counts(), _grid())),
            Section("Now", (_failing(), firing_alerts(UID, (12, 10)))),
            Section("Latency", _latency()),
            Section("Certificates and failures", (_certificates(), _failures())),
        ),
    )


def _counts() -> tuple[Any, ...]:
    loud = ask.firing(LOUD)
    # Zero is claimed only while the Watchdog fires: it proves that rules are evaluated at all.
    alive = 'max(ALERTS{alertname="Watchdog", alertstate="firing"}) * 0'
    alerts = f"count(max by (alertname, {BY}) ({loud})) or {alive}"
    late = f"sum(time() > bool ({ask.each(common_metrics.NEXT_RUN)} + {LATE}))"
    return (
        show.number(
            "Failing targets",
            "Integrations of a tenant whose last probe failed. A target is one integration of one tenant.",
            f"sum({SUCCESS} == bool 0)",
            bad=show.BAD,
        ),
        show.number(
            "Tenants affected",
            "Tenants with at least one failing integration. Integrations without tenants count as one.",
            f"sum(max by (tenant) ({SUCCESS} == bool 0))",
            bad=show.BAD,
        ),
        show.number(
            "Integrations affected",
            "Integrations that fail for at least one tenant.",
            f"sum(max by (integration) ({SUCCESS} == bool 0))",
            bad=show.BAD,
        ),
        show.number(
            "Critical and high alerts",
            "Alerts of severity critical or high that fire now. No data means that no rules are evaluated.",
            alerts,
            bad=show.BAD,
        ),
        show.number(
            "Not configured",
            "Targets that are never probed because a credential or an account id is missing.",
            f"sum({ask.each(common_metrics.CONFIGURED)} == bool 0)",
            bad=show.QUIET,
        ),
        show.number(
            "Overdue probes",
            "Targets whose next probe should have started more than five minutes ago: what is shown is old.",
            late,
            bad=show.WARNING,
        ),
    )


def _grid() -> Any:
    by = "integration, provider"
    # 1 when all are connected, 0 when all fail, else 0.5; 2 where nothing is ever probed.
    # The largest needs no collapsing of replicas first, which is what costs time over a range.
    state = f"(min by ({by}) ({SUCCESS}) + max by ({by}) ({ask.series(common_metrics.SUCCESS)})) / 2"
    unconfigured = f"max by ({by}) ({ask.series(common_metrics.CONFIGURED)} == 0) + 2"
    return show.states(
        "Status by integration",
        "Over all tenants: connected, failing for some, failing for all, or not configured. Click a bar to "
        "see one integration, or its failures.",
        PanelQuery(f"{state} or {unconfigured}", "{{integration}}"),
        {"1": CONNECTED, "0.5": SOME_FAILING, "0": ALL_FAILING, "2": UNCONFIGURED},
        size=(24, 11),
        step="1m",
        links=FOLLOW,
    )


def _failing() -> Any:
    reason = f"topk by ({BY}) (1, {ask.each(common_metrics.FAILURE_INFO, 'reason')})"
    reason = f"({reason} and on ({BY}) {FAILING})"
    success = ask.each(common_metrics.LAST_SUCCESS)
    # Milliseconds, as Grafana counts time; 0 stands for "never".
    since = ask.top(f"{reason} * on ({BY}) group_left () {success} * 1000 or {reason} * 0")
    failures = f"{ask.each(common_metrics.CONSECUTIVE_FAILURES)} and on ({BY}) {since}"
    return show.rows(
        "Failing now",
        f"The {ask.MOST} targets that failed most recently, with the reason of the last probe. Since: when a "
        "probe last succeeded; the failure began at most one interval after that.",
        (since, failures),
        (
            INTEGRATION,
            TENANT,
            TableColumn("reason", "Reason", words=REASONS, links=(errors_link(),), wrap=True),
            TableColumn(
                "A", "Since", unit="dateTimeFromNow", width=125, words={"0": ("Never worked", show.PLAIN)}
            ),
            TableColumn("B", "In a row", width=80),
        ),
        size=(12, 10),
        sort=(("Since", True),),
        empty="No target reports a failure",
    )


def _latency() -> tuple[Any, ...]:
    # Replicas do not shift a quantile, and collapsing them would cost most of the query's time.
    p95 = ask.top(f"quantile by (integration) (0.95, {ask.series(common_metrics.DURATION)})")
    return (
        show.lines(
            "Probe duration, 95th percentile over tenants",
            f"How long the last probe took, for the {ask.MOST} slowest integrations. Dashed: the strictest "
            "thresholds.",
            (PanelQuery(p95, "{{integration}}"),),
            size=(11, 9),
            unit="s",
            limits=show.limits_of(LATENCY),
        ),
        show.rows(
            "Slowest now",
            f"The {ask.MOST} targets whose last probe took longest.",
            (ask.top(DURATION),),
            (
                INTEGRATION,
                TENANT,
                TableColumn("A", "Duration", unit="s", bar=True),
            ),
            size=(7, 9),
            sort=(("Duration", True),),
            empty="No probe has run",
        ),
        show.bars(
            "Where the time goes",
            "Mean time of each phase of the last probes. A phase that did not happen does not count.",
            PanelQuery(
                f"sort_desc(avg by (phase) ({ask.each(common_metrics.PHASE_DURATION, 'phase')}))", "{{phase}}"
            ),
            size=(6, 9),
            unit="s",
        ),
    )


def _certificates() -> Any:
    own, chain = ask.each(common_metrics.CERTIFICATE_EXPIRY), ask.each(common_metrics.CHAIN_EXPIRY)
    left = f"(({chain} < {own} or {own}) - time())"
    # One row per integration: thousands of tenants often share one server and its certificate.
    first = f"bottomk({ask.MOST}, bottomk by (integration, provider) (1, {left}))"
    level = ask.level(first, CERTIFICATE)
    return show.rows(
        "Certificates by time left",
        "For each integration the certificate that expires first, of the server or of its chain, judged by "
        "the thresholds in force.",
        (level, f"{first} / 86400"),
        (
            TableColumn("A", "State", width=100, words=show.severity_words(("Fine", show.GOOD))),
            INTEGRATION,
            TENANT,
            TableColumn("B", "Time left", unit="suffix: days", decimals=1),
        ),
        size=(12, 9),
        sort=(("Time left", False),),
        empty="No certificate was seen",
    )


def _failures() -> Any:
    by = "integration, provider, reason"
    rate = f"max by ({by}) (rate({ask.series(common_metrics.PROBE_FAILURES)}[$__rate_interval]))"
    return show.stacked(
        "Failed probes per minute, by reason",
        "What the failures have in common: many reasons at once point at the network, one at a vendor.",
        PanelQuery(f"sum by (reason) ({rate}) * 60", "{{reason}}"),
        size=(12, 9),
        unit="cpm",
        step="10m",
    )
