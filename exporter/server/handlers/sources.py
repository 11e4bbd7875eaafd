"""Who sends webhooks here, as configured."""

from typing import Any

from aiohttp import web

from exporter.core.secret import REDACTED
from exporter.core.webhook import WebhookSource
from exporter.net import url as urls
from exporter.server.answers import json_answer
from exporter.server.query import format_of
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions

COLUMNS = (
    "name",
    "scheme",
    "integration",
    "provider",
    "tenant",
    "path",
    "forward",
    "types",
    "silence_seconds",
)


async def read(request: web.Request) -> web.StreamResponse:
    """Answer every source; no secret is in it."""
    services = request.app[SERVICES]
    rows = [
        _row(source, services.paths.link(f"/webhooks/{source.name}"))
        for source in services.configuration().webhooks.sources
    ]
    if format_of(request) != "json":
        return await export_rows(request, COLUMNS, portions(rows))
    return json_answer({"sources": rows})


def _row(source: WebhookSource, path: str) -> dict[str, Any]:
    return {
        "name": source.name,
        "scheme": source.scheme,
        "integration": source.integration,
        "provider": source.provider,
        "tenant": source.tenant,
        "path": path,
        "forward": _redacted(source.forward.url) if source.forward else None,
        "types": list(source.types),
        "tolerance_seconds": source.tolerance,
        "silence_seconds": source.silence or None,
        "secrets": len(source.secrets),
    }


def _redacted(url: str) -> str:
    try:
        return urls.parse(url).redact()
    except ValueError:
        return REDACTED
