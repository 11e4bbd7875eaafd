"""Every route in one table: how it is asked, who may, and what it answers."""

from dataclasses import dataclass, replace
from typing import Any

from aiohttp.typedefs import Handler

from exporter.core.listing import Listing
from exporter.registry import lists
from exporter.server.access import AccessRule, Effect
from exporter.server.aliases import ALIASES, Alias
from exporter.server.handlers import (
    alert_tests,
    alerts,
    api_health,
    audit,
    beacon,
    board,
    checks,
    cost_summary,
    dashboard,
    deliveries,
    discovery,
    endpoints,
    event_summaries,
    events,
    maintenance,
    noise,
    notices,
    openapi,
    plain,
    probe,
    ratelimit_summary,
    ratelimits,
    retries,
    runbook,
    session,
    sms,
    sources,
    stats,
    stream,
    tenants,
    timeline,
    tokens,
    webhook_health,
    webhooks,
)
from exporter.server.handlers.lists import list_handler
from exporter.server.pages import tabs
from exporter.server.pages._frame import asset, page_handler
from exporter.server.web_config.settings import Role


@dataclass(frozen=True)
class Route:
    """One line of the table; GET routes answer HEAD too unless they spend something.

    Methods that no route has need the role of a page; those in `refused` reach the handler, for its 405.
    """

    methods: tuple[str, ...]
    path: str
    handler: Handler
    rule: AccessRule
    description: str
    refused: tuple[str, ...] = ()


_GET, _POST = ("GET", "HEAD"), ("POST",)
_VIEW = AccessRule(Role.VIEWER, narrow=True)
_CHANGE = AccessRule(Role.ADMIN, Effect.CHANGE)
# A form cannot send the custom header; its origin is judged, and the token is what it needs.
_SIGN = AccessRule(Role.VIEWER, Effect.SPEND, narrow=True)
_AUDIT = AccessRule(Role.ADMIN)
_TOKENS = AccessRule(Role.ADMIN, narrow=True)
# The app of a tenant, whose token is bound to it, manages the tenant's own endpoints.
_ENDPOINTS = AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True, of_tenant=Role.INGEST)
_ANSWER = AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True)
_READ_RETRIES = AccessRule(Role.ADMIN, narrow=True, of_tenant=Role.INGEST)
# Apps hand webhooks in, as they hand in events.
_APPS = AccessRule(Role.INGEST, Effect.CHANGE, narrow=True, others=frozenset({Role.ADMIN}))
_READ_ENDPOINTS = AccessRule(Role.VIEWER, narrow=True, of_tenant=Role.INGEST)


def _list_route(listing: Listing[Any]) -> Route:
    rule = AccessRule(Role(listing.role), narrow=listing.narrow)
    text = f"{listing.title[0].upper()}{listing.title[1:]}, newest first, in pages, as CSV or NDJSON."
    return Route(_GET, listing.path, list_handler(listing), rule, text)


_ROUTES = (
    *(Route(_GET, tab.path, page_handler(tab), tab.rule, tab.description) for tab in tabs()),
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
    Route(("POST", "PUT"), "/-/reload", plain.reload, _CHANGE, "Loads the configuration again."),
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
    *(_list_route(listing) for listing in lists().values()),
    Route(_GET, "/api/v1/tenants", tenants.tenants, _VIEW, "Tenants with their integrations, failing first."),
    Route(("GET",), "/api/v1/stream", stream.stream, stream.RULE, "What changes, as server-sent events."),
    Route(_GET, "/api/v1/openapi.json", openapi.describe, _VIEW, "This API, described in OpenAPI 3.1."),
    Route(_GET, "/api/v1/dashboard", dashboard.dashboard, _VIEW, "The overview in one answer."),
    Route(_GET, "/api/v1/stats", stats.stats, _VIEW, "Uptime, latency and errors beside the time before."),
    Route(_GET, "/api/v1/timeline", timeline.timeline, _VIEW, "Uptime and latency by the hour or day."),
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
    Route(
        ("GET", "POST"),
        "/webhooks/{source}",
        webhooks.webhook,
        AccessRule(None, unlimited=True),
        "Takes a webhook of a configured source: its signature is the access.",
        refused=("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"),
    ),
    Route(
        _POST,
        "/api/v1/events",
        events.report,
        AccessRule(Role.INGEST, Effect.CHANGE, narrow=True, unlimited=True, others=frozenset({Role.ADMIN})),
        "Takes events that apps report.",
    ),
    Route(
        _POST,
        "/api/v1/notices",
        notices.receive,
        AccessRule(Role.NOTIFY, Effect.CHANGE, unlimited=True, others=frozenset({Role.ADMIN})),
        "Takes what Alertmanager sends: every alert that fires or is resolved.",
    ),
    Route(
        _POST,
        "/api/v1/sms",
        sms.receive,
        AccessRule(Role.NOTIFY, Effect.CHANGE, unlimited=True, others=frozenset({Role.ADMIN})),
        "Takes what Alertmanager sends for phones, and brings it there by Twilio.",
    ),
    Route(
        _GET,
        "/api/v1/alerts",
        alerts.read,
        AccessRule(Role.ADMIN, narrow=True),
        "Alerts that Alertmanager has now, and who is at them.",
    ),
    Route(_POST, "/api/v1/alerts", alerts.fire, _ANSWER, "Fires an alert by hand."),
    Route(
        _POST,
        "/api/v1/alerts/test",
        alert_tests.start,
        _CHANGE,
        "Sends test alerts the whole way, and reports where they lead.",
    ),
    Route(
        _GET,
        "/api/v1/alerts/test",
        alert_tests.read_all,
        AccessRule(Role.ADMIN),
        "The last tests of the notifications, the newest first.",
    ),
    Route(
        _GET,
        "/api/v1/alerts/test/{id}",
        alert_tests.read,
        AccessRule(Role.ADMIN),
        "What a test of the notifications sent, and what failed.",
    ),
    Route(
        ("PATCH",),
        "/api/v1/alerts/{id}",
        alerts.change,
        _ANSWER,
        "Acknowledges, assigns or resolves an alert.",
    ),
    Route(
        ("PATCH",),
        "/api/monitoring/alerts",
        alerts.change_named,
        _ANSWER,
        "Acknowledges, assigns or resolves the alert that the body names.",
    ),
    Route(
        _GET,
        "/api/v1/alert-noise",
        noise.noise,
        AccessRule(Role.ADMIN, narrow=True),
        "How often each alert fired, for how long, and whether it flaps.",
    ),
    Route(_GET, "/api/v1/maintenance", maintenance.read, _TOKENS, "Maintenance windows, by name."),
    Route(
        _POST,
        "/api/v1/maintenance",
        maintenance.create,
        AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True),
        "Makes a maintenance window: alerts of what is worked on notify nobody.",
    ),
    Route(
        ("DELETE",),
        "/api/v1/maintenance/{id}",
        maintenance.remove,
        AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True),
        "Removes a maintenance window that was made by API.",
    ),
    Route(_POST, "/api/v1/audit/{id}/review", audit.review, _CHANGE, "Reviews a flagged entry, with a note."),
    Route(
        _POST, "/api/v1/audit/erase", audit.erase, _CHANGE, "Makes what is personal of an actor unreadable."
    ),
    Route(_GET, "/api/v1/audit-verification", audit.verify, _AUDIT, "Checks a portion of the audit's chain."),
    Route(_GET, "/api/v1/audit-report", audit.report, _AUDIT, "What an auditor asks for, as HTML or CSV."),
    Route(
        _GET,
        "/api/v1/audit-summary",
        audit.summary,
        AccessRule(Role.ADMIN, narrow=True),
        "The audit in figures: classes, outcomes, actors, flags, and what waits for a review.",
    ),
    Route(
        _GET,
        "/app/w.js",
        beacon.script,
        AccessRule(None, unlimited=True),
        "The script by which pages of configured sites report.",
    ),
    Route(
        ("POST", "OPTIONS"),
        "/app/w",
        beacon.report,
        AccessRule(None, unlimited=True),
        "Takes what pages of configured sites report: bounded by site and by address.",
    ),
    Route(_GET, "/api/v1/tokens", tokens.read, _TOKENS, "Tokens and their states, worst first."),
    Route(
        _POST,
        "/api/v1/tokens/refresh",
        tokens.refresh,
        AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True),
        "Refreshes the tokens of an integration, a tenant, those that expire soon, or all.",
    ),
    Route(_GET, "/api/v1/tokens/refresh/{id}", tokens.job, _TOKENS, "How far a job of many refreshes is."),
    Route(_GET, "/api/v1/endpoints", endpoints.read, _READ_ENDPOINTS, "Receivers of webhooks, by name."),
    Route(_POST, "/api/v1/endpoints", endpoints.create, _ENDPOINTS, "Makes a receiver of webhooks."),
    Route(_GET, "/api/v1/endpoints/{name}", endpoints.read_one, _READ_ENDPOINTS, "One receiver."),
    Route(
        ("PATCH",),
        "/api/v1/endpoints/{name}",
        endpoints.change,
        _ENDPOINTS,
        "Changes a receiver, or pauses, drains, disables or activates it.",
    ),
    Route(("DELETE",), "/api/v1/endpoints/{name}", endpoints.remove, _ENDPOINTS, "Deletes a receiver."),
    Route(
        _POST,
        "/api/v1/endpoints/{name}/rotate",
        endpoints.rotate_secret,
        _ENDPOINTS,
        "Gives a receiver a new secret; the old one signs beside it for a while.",
    ),
    Route(
        _POST,
        "/api/v1/endpoints/{name}/ping",
        deliveries.ping,
        _ENDPOINTS,
        "Sends a test delivery to a receiver.",
    ),
    Route(
        _POST,
        "/api/v1/deliveries",
        deliveries.create,
        _APPS,
        "Delivers a webhook to every receiver of a tenant that wants its type.",
    ),
    Route(
        _POST,
        "/api/v1/deliveries/retry",
        retries.retry,
        _ENDPOINTS,
        "Tries deliveries again: by ids, by filter, or all that are dead.",
    ),
    Route(_GET, "/api/v1/deliveries/retry/{id}", retries.read, _READ_RETRIES, "How far a retry is."),
    Route(_GET, "/api/v1/deliveries/{id:.+}", deliveries.read_one, _VIEW, "A delivery with every attempt."),
    Route(_GET, "/api/v1/webhook-health", webhook_health.health, _VIEW, "How webhooks do, both ways."),
    Route(_GET, "/api/v1/api-health", api_health.health, _VIEW, "How requests do that apps report."),
    Route(
        _GET,
        "/api/v1/cost-summary",
        cost_summary.costs,
        _VIEW,
        "What AI services cost, by endpoint, day or month, with a forecast.",
    ),
    Route(
        _GET,
        "/api/v1/payment-summary",
        event_summaries.payments,
        _VIEW,
        "What became of payments: declines by family, volume by currency.",
    ),
    Route(
        _GET,
        "/api/v1/traffic-summary",
        event_summaries.traffic,
        _VIEW,
        "Page views by client, country and route.",
    ),
    Route(
        _GET,
        "/api/v1/widget-summary",
        event_summaries.widgets,
        _VIEW,
        "How widgets load and fail, by release.",
    ),
    Route(
        _GET,
        "/api/v1/sign-in-summary",
        event_summaries.sign_ins,
        AccessRule(Role.ADMIN, narrow=True),
        "Sign-ins by method and country.",
    ),
    Route(
        _POST,
        "/api/v1/ratelimits/check",
        ratelimits.check,
        AccessRule(Role.INGEST, Effect.CHANGE, narrow=True, unlimited=True, others=frozenset({Role.ADMIN})),
        "Answers to apps whether somebody may ask for an endpoint, and counts it.",
    ),
    Route(
        _GET,
        "/api/v1/ratelimits/blocks",
        ratelimits.read_blocks,
        AccessRule(Role.ADMIN, narrow=True),
        "Who is blocked by rate limits, the newest first.",
    ),
    Route(
        _POST,
        "/api/v1/ratelimits/blocks",
        ratelimits.block,
        AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True),
        "Blocks an identifier.",
    ),
    Route(
        ("DELETE",),
        "/api/v1/ratelimits/blocks",
        ratelimits.unblock,
        AccessRule(Role.ADMIN, Effect.CHANGE, narrow=True),
        "Unblocks an identifier.",
    ),
    Route(
        _GET,
        "/api/v1/rate-limit-summary",
        ratelimit_summary.summary,
        _VIEW,
        "How much rate limits allow and block, by endpoint and identifier.",
    ),
    Route(_GET, "/api/v1/sources", sources.read, AccessRule(Role.VIEWER), "Who sends webhooks here."),
)


def _alias_route(alias: Alias) -> Route:
    """Return the route of an alias: the handler and the access of the one that answers it now."""
    route = next(one for one in _ROUTES if one.path == alias.route and alias.method in one.methods)
    return replace(
        route,
        path=alias.path,
        refused=(),
        description=f"The same as {alias.route}, under its name of before.",
    )


ROUTES = (*_ROUTES, *map(_alias_route, ALIASES))
