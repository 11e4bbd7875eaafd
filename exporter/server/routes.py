"""Every route in one table: how it is asked, who may, and what it answers."""

from dataclasses import dataclass

from aiohttp.typedefs import Handler

from exporter.server.access import AccessRule, Effect
from exporter.server.handlers import (
    board,
    checks,
    discovery,
    lists,
    plain,
    probe,
    runbook,
    session,
    stats,
    tokens,
)
from exporter.server.pages import tabs
from exporter.server.pages._frame import asset, handler_of
from exporter.server.web_config.settings import Role


@dataclass(frozen=True)
class Route:
    """One line of the table; GET routes answer HEAD too unless they spend something."""

    methods: tuple[str, ...]
    path: str
    handler: Handler
    rule: AccessRule
    says: str


_GET, _POST = ("GET", "HEAD"), ("POST",)
_VIEW = AccessRule(Role.VIEWER, narrow=True)
_CHANGE = AccessRule(Role.ADMIN, Effect.CHANGE)
# A form cannot send the custom header; its origin is judged, and the token is what it needs.
_SIGN = AccessRule(Role.VIEWER, Effect.SPEND, narrow=True)
_TOKENS = AccessRule(Role.ADMIN, narrow=True)

ROUTES = (
    *(Route(_GET, tab.path, handler_of(tab), tab.rule, tab.description) for tab in tabs()),
    Route(_GET, "/assets/{name}", asset, _VIEW, "Style, script and icon of the page."),
    Route(_POST, "/sign-in", session.sign_in, _SIGN, "Begins a session on the page by the admin token."),
    Route(_POST, "/sign-out", session.sign_out, _SIGN, "Ends the session."),
    Route(_GET, "/metrics", plain.metrics, AccessRule(Role.VIEWER, open=True), "What Prometheus scrapes."),
    Route(
        ("GET",),
        "/probe",
        probe.probe,
        AccessRule(Role.ADMIN, Effect.SPEND, narrow=True),
        "Probes a configured target now, and explains it with `debug=true`.",
    ),
    Route(_GET, "/-/healthy", plain.healthy, AccessRule(None), "Whether the process answers."),
    Route(_GET, "/-/ready", plain.ready, AccessRule(None), "Whether every part runs."),
    Route(("POST", "PUT"), "/-/reload", plain.reload, _CHANGE, "Loads the configuration anew."),
    Route(_GET, "/runbooks/{name}", runbook.runbook, AccessRule(None), "What to do about an alert."),
    Route(
        _GET,
        "/config",
        plain.configuration,
        AccessRule(Role.VIEWER, inner=True),
        "The configuration, with stars.",
    ),
    Route(_GET, "/api/v1/status", board.status, _VIEW, "Every integration, and all in one word."),
    Route(_GET, "/api/v1/targets", board.targets, _VIEW, "Targets, failing first, in pages."),
    Route(_GET, "/api/v1/history", board.history, _VIEW, "The newest state changes and failures."),
    Route(_GET, "/api/v1/errors", lists.errors, _VIEW, "Failed checks, in pages, as CSV or NDJSON."),
    Route(_GET, "/api/v1/changes", lists.changes, _VIEW, "Changes of state, in the same forms."),
    Route(_GET, "/api/v1/tenants", lists.tenants, _VIEW, "Tenants with their integrations, failing first."),
    Route(_GET, "/api/v1/stats", stats.stats, _VIEW, "Uptime, latency and errors beside the time before."),
    Route(
        _GET,
        "/api/v1/sd",
        discovery.discover,
        AccessRule(Role.VIEWER),
        "Every shard and replica, for Prometheus' HTTP service discovery.",
    ),
    Route(
        _POST,
        "/api/v1/checks",
        checks.start,
        AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True),
        "Checks all targets, an integration, a tenant or one target now.",
    ),
    Route(
        _GET,
        "/api/v1/checks/{id}",
        checks.read,
        AccessRule(Role.ADMIN, narrow=True),
        "How far a job of many checks is.",
    ),
    Route(_GET, "/api/v1/tokens", tokens.read, _TOKENS, "Tokens and their states, worst first."),
    Route(_GET, "/api/v1/tokens/log", tokens.log, _TOKENS, "What was done with tokens, and by whom."),
    Route(
        _POST,
        "/api/v1/tokens/refresh",
        tokens.refresh,
        AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True),
        "Refreshes the tokens of an integration, a tenant, those that expire soon, or all.",
    ),
    Route(_GET, "/api/v1/tokens/refresh/{id}", tokens.job, _TOKENS, "How far a job of many refreshes is."),
)
