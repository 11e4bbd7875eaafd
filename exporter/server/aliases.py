"""Paths of the systems that this one replaces: each is answered as the route that took its place."""

from typing import NamedTuple


class Alias(NamedTuple):
    """A method and a path of before, and the path of the route that answers them now."""

    method: str
    path: str
    route: str


ALIASES = (
    Alias("GET", "/api/monitoring/health", "/api/v1/status"),
    Alias("POST", "/api/monitoring/health", "/api/v1/checks"),
    Alias("GET", "/api/monitoring/alerts", "/api/v1/alerts"),
    Alias("POST", "/api/monitoring/alerts", "/api/v1/alerts"),
    Alias("GET", "/api/monitoring/dashboard", "/api/v1/dashboard"),
    Alias("GET", "/api/integrations/status", "/api/v1/status"),
    Alias("GET", "/api/admin/enterprise/webhook-health", "/api/v1/webhook-health"),
    Alias("GET", "/api/admin/enterprise/audit-summary", "/api/v1/audit-summary"),
    Alias("GET", "/api/admin/enterprise/api-health", "/api/v1/api-health"),
    Alias("GET", "/api/admin/enterprise/rate-limit-summary", "/api/v1/rate-limit-summary"),
)
"""docs/migrating.md has a row for each."""
