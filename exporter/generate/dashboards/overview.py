"""Is anyone broken? Who, why, since when, and what is about to break."""

from typing import Any

from exporter.core.alert import BY
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _status as status
from exporter.generate.dashboards._alert_tables import firing_alerts
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import (
    ERRORS,
    detail_link,
    integration_column,
    provider_link,
    tenant_column,
)
from exporter.generate.dashboards._links import DataLink, label, link_to
from exporter.generate.dashboards._marks import LOUD
from exporter.generate.dashboards._scale import RULES_WORK

UID = "integration-overview"
FOLLOW = (
    DataLink("Show only this integration", link_to(UID, integration=label("integration"))),
    DataLink("Log of its failures", link_to(ERRORS, integration=label("integration"))),
    provider_link(),
)
"""What a click on the bar of an integration offers."""
COLUMNS = (integration_column(UID, detail_link()), tenant_column(UID, detail_link()))


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Overview",
        description="Is any integration broken for any tenant: which, why, since when, and what breaks next.",
        sections=(
            Section("", (*_counts(), status.grid(FOLLOW))),
            Section("Now", (status.failing(COLUMNS), firing_alerts(COLUMNS, status.NOW))),
            Section("Latency", _latency()),
            Section("Certificates and failures", (status.certificates(COLUMNS), status.failures())),
        ),
    )


def _counts() -> tuple[Any, ...]:
    failing, tenants, integrations, *rest = status.counts()
    alerts = show.number(
        "Critical and high",
        "Alerts of severity critical or high that fire now. No data means that no rules are evaluated.",
        # Zero is claimed only while rules are evaluated at all.
        f"count(max by (alertname, {BY}) ({ask.firing(LOUD)})) or {RULES_WORK}",
        bad=show.BAD,
    )
    return (failing, tenants, integrations, alerts, *rest)


def _latency() -> tuple[Any, ...]:
    return (status.latency(), status.slowest(COLUMNS), status.phases())
