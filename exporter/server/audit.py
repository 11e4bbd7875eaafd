"""What a request leaves in the audit: who asked for what, from where."""

from typing import Any

from aiohttp import web

from exporter.core.audit import AuditEntry
from exporter.server.access import IDENTITY, NOBODY
from exporter.server.local import peer_of
from exporter.server.services import SERVICES


def audit(
    request: web.Request,
    action: str,
    resource: str,
    *,
    tenant: str = "",
    outcome: str = "success",
    **details: Any,
) -> None:
    """Keep that the caller did `action` to `resource`; `details` hold no secret."""
    entry = entry_of(request, action, resource, tenant=tenant, outcome=outcome, **details)
    request.app[SERVICES].audit(entry)


def audit_refusal(request: web.Request, status: int) -> None:
    """Keep that a request was refused by `status`, and who made it, as far as that is known."""
    resource = request.match_info.route.resource
    # The template of the path: a path itself may hold what a caller made up.
    path = resource.canonical if resource else "no route"
    audit_repeatable(request, "access.refused", path, outcome="refused", status=status, method=request.method)


def audit_repeatable(
    request: web.Request, action: str, resource: str, *, outcome: str = "success", **details: Any
) -> None:
    """Keep what anybody can cause as often as they like: of those that are alike one entry a minute."""
    trail = request.app[SERVICES].audit_trail
    if trail is not None:
        trail.add_repeatable(entry_of(request, action, resource, outcome=outcome, **details))


def entry_of(
    request: web.Request,
    action: str,
    resource: str = "",
    *,
    tenant: str = "",
    outcome: str = "success",
    **details: Any,
) -> AuditEntry:
    """Return the entry that says that the caller did `action`; `details` hold no secret."""
    peer = peer_of(request)
    return AuditEntry(
        request.app[SERVICES].now(),
        request.get(IDENTITY, NOBODY).name,
        action,
        resource,
        outcome,
        tenant=tenant,
        address=str(peer) if peer else "",
        user_agent=request.headers.get("User-Agent", ""),
        details=details,
    )
