"""Tenants as the API shows them: each with its integrations and the worst of their states."""

from collections.abc import Iterable
from typing import Any

from exporter.core.clock import iso
from exporter.engine.board import TargetState
from exporter.server.rows import STATUSES

COLUMNS = ("tenant", "status", "since", "failing", "targets", "statuses")


def by_tenant(states: Iterable[TargetState], since: float | None = None) -> list[dict[str, Any]]:
    """Return a row for each tenant, the worst first; with `since` those where something changed after it.

    Targets without a tenant belong to none. `status` is the worst one, `since` (RFC 3339 in UTC) when the
    first of its targets came into it, `statuses` are by integration.
    """
    found: dict[str, list[TargetState]] = {}
    for state in states:
        if state.target.tenant:
            found.setdefault(state.target.tenant, []).append(state)
    if since is not None:
        found = {
            tenant: theirs
            for tenant, theirs in found.items()
            if any(state.since is not None and state.since >= since for state in theirs)
        }
    rows = [_row(tenant, theirs) for tenant, theirs in found.items()]
    return sorted(rows, key=lambda row: (STATUSES.index(row["status"]), -row["failing"], row["tenant"]))


def _row(tenant: str, states: list[TargetState]) -> dict[str, Any]:
    worst = min((state.status for state in states), key=STATUSES.index)
    began = [state.since for state in states if state.status == worst and state.since is not None]
    return {
        "tenant": tenant,
        "status": worst,
        "since": iso(min(began, default=None)),
        "failing": sum(state.status == "error" for state in states),
        "targets": len(states),
        "statuses": {state.target.integration: state.status for state in states},
    }
