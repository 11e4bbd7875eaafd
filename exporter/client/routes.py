"""The template of the route that a framework chose, such as /orders/{id}: what may become a label."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any


def asgi_route(scope: Mapping[str, Any]) -> str:
    """Return the template that FastAPI or Starlette left in `scope`, the path where there is none."""
    root = scope.get("root_path", "")
    template = getattr(scope.get("route"), "path", None) or _template_of_endpoint(scope)
    if template is None:
        return str(scope.get("path", "")) or "/"
    # Of a mounted app the route knows only its own part.
    mount = scope.get("app_root_path", "")
    return str(root).removeprefix(str(mount)) + str(template) or "/"


def _template_of_endpoint(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the endpoint that Starlette chose: it names the endpoint, not the route."""
    endpoint, router = scope.get("endpoint"), scope.get("router")
    if endpoint is None or router is None:
        return None
    routes: Iterable[Any] = getattr(router, "routes", ())
    for route in routes:
        if getattr(route, "endpoint", None) is endpoint:
            path = getattr(route, "path", None)
            return str(path) if path is not None else None
    return None


def wsgi_route(environ: MutableMapping[str, Any]) -> str:
    """Return the template that Flask left in `environ`, the path where there is none."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return str(getattr(rule, "rule", None) or path or "/")


def trace_id(traceparent: str) -> str | None:
    """Return the trace id of a `traceparent` header (w3.org/TR/trace-context), None where it is none."""
    parts = traceparent.split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or parts[1] == "0" * 32:
        return None
    return parts[1] if all(letter in "0123456789abcdef" for letter in parts[1]) else None
