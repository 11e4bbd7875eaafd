"""Tenants as the API shows them: each with its integrations and the worst of their states."""

from collections.abc import Iterable, Iterator
from typing import Any

from exporter.core.clock import iso
from exporter.engine.board import TargetState
from exporter.server.rows import STATUSES

COLUMNS = ("tenant", "status", "since", "failing", "targets", "statuses")


_RANK = {status: rank for rank, status in enumerate(STATUSES)}


class TenantRows:
    """Targets by tenant, the worst tenant first; those without a tenant belong to none.

    With `since` they are those where something changed after it.
    """

    def __init__(self, since: float | None = None) -> None:
        """Start with no target."""
        self._since = since
        self._states: dict[str, list[TargetState]] = {}
        self._changed: set[str] = set()

    def add(self, states: Iterable[TargetState]) -> None:
        """Count `states`."""
        since = self._since
        for state in states:
            tenant = state.target.tenant
            if tenant:
                self._states.setdefault(tenant, []).append(state)
                if since is not None and state.since is not None and state.since >= since:
                    self._changed.add(tenant)

    def names(self) -> list[str]:
        """Return the tenants, sorted: by their worst status, then by how many targets fail."""
        wanted = self._states if self._since is None else self._changed
        return sorted(wanted, key=self._urgency)

    def rows(self, names: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the row of each of `names`."""
        return (_row(name, self._states[name]) for name in names)

    def _urgency(self, tenant: str) -> tuple[int, int, str]:
        ranks = [_RANK[state.status] for state in self._states[tenant]]
        return min(ranks), -ranks.count(0), tenant


def _row(tenant: str, states: list[TargetState]) -> dict[str, Any]:
    """Return a row: `status` is the worst, `since` (RFC 3339) when the first target came into it."""
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
