"""Columns that tables of several dashboards have: who it is about, with what a click on it offers."""

from exporter.core.reason import Reason
from exporter.generate.dashboards._links import VALUE, DataLink, cell, label, link_to
from exporter.generate.dashboards._looks import ValueWord
from exporter.generate.dashboards._panels import PLAIN, TableColumn
from exporter.generate.dashboards._variables import TARGET

DETAIL = "integration-detail"
"""The dashboard of one integration of one tenant."""

ERRORS = "integration-errors"
"""The dashboard that has the log of failures."""

REASONS: dict[str, ValueWord] = {reason.value: (f"{reason}: {reason.meaning}", PLAIN) for reason in Reason}
"""What each reason of a failed probe means."""


def integration_column(uid: str, *links: DataLink, carry: tuple[str, ...] = TARGET) -> TableColumn:
    """Return the column of integrations; a click shows one on the dashboard `uid`, or follows `links`.

    `carry` are the variables of the dashboard that has the column.
    """
    own = DataLink("Show only this integration", link_to(uid, carry=carry, integration=VALUE))
    return TableColumn("integration", "Integration", width=125, links=(own, *links), wrap=True)


def tenant_column(uid: str, *links: DataLink, carry: tuple[str, ...] = TARGET) -> TableColumn:
    """Return the column of tenants; a click shows one of them on the dashboard `uid`, or follows `links`."""
    own = DataLink("Show only this tenant", link_to(uid, carry=carry, tenant=VALUE))
    return TableColumn("tenant", "Tenant", width=100, links=(own, *links), wrap=True)


def detail_link() -> DataLink:
    """Return the link of a row, whose table has both columns, to all that is known of its target."""
    url = link_to(DETAIL, carry=(), integration=cell("integration"), tenant=cell("tenant"))
    return DataLink("This target in detail", url)


def failures_link(name: str, carry: tuple[str, ...] = TARGET) -> DataLink:
    """Return the link of a column of integrations or tenants, called `name`, to the log of their failures."""
    return DataLink(f"Failed probes of this {name}", link_to(ERRORS, carry=carry, **{name: VALUE}))


def provider_link(carry: tuple[str, ...] = TARGET) -> DataLink:
    """Return the link of a bar of an integration to the dashboard of its provider."""
    tenant = tuple(name for name in carry if name == "tenant")
    uid = f"integration-{label('provider')}"
    return DataLink("Dashboard of its provider", link_to(uid, carry=tenant, integration=label("integration")))


def errors_link(carry: tuple[str, ...] = TARGET) -> DataLink:
    """Return the link of a row, whose table has both columns, to the log of failures of its target."""
    url = link_to(ERRORS, carry=carry, integration=cell("integration"), tenant=cell("tenant"))
    return DataLink("Log of failures of this target", url)
