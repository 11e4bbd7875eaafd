"""What a request leaves in the audit: who asked for what, from where."""

from typing import Any

from aiohttp import web

from exporter.core.audit import AuditEntry
from exporter.server.access import IDENTITY
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
    services = request.app[SERVICES]
    peer = peer_of(request)
    services.audit(
        AuditEntry(
            services.now(),
            request[IDENTITY].name,
            action,
            resource,
            outcome,
            tenant=tenant,
            address=str(peer) if peer else "",
            user_agent=request.headers.get("User-Agent", ""),
            details=details,
        )
    )
