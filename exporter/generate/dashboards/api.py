"""Do the app's own requests, its calls to vendors and to AI services succeed, how fast, and which do not?"""

from typing import Any

from exporter.core.metric import Metric, Scope
from exporter.events import _ai_usage_series as ai
from exporter.events import _api_request_series as m
from exporter.events._ai_usage_alerts import AI_CALLS_FAIL, AI_ERRORS
from exporter.events._api_request_alerts import (
    CALL_ERRORS,
    CALLS_FAIL,
    ENDPOINT_ERRORS,
    ENDPOINT_FAILS,
    ENDPOINT_LATENCY,
    ENDPOINT_SLOW,
)
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import failures_link, integration_column, tenant_column
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._reported import OF_INTEGRATION, QUARTER, say_nothing
from exporter.generate.dashboards._variables import Choice

SERVER = 'reason=~"server|timeout"'
"""Failures that are the app's own: a wrong request (4xx) is the client's."""
ROUTE = "route, method"
ENDPOINT = "{{method}} {{route}}"

UID = "integration-api"
PICKED = tuple(
    Choice(name, m.REQUESTS, () if name == "tenant" else (OF_INTEGRATION,)) for name in Scope.TARGET.value
)
"""Integrations that apps call, and tenants that they have: more, or fewer, than are probed."""

ROUTE_COLUMN = TableColumn("route", "Route", wrap=True)
METHOD = TableColumn("method", "Method", width=90)
TENANT = tenant_column(UID, failures_link("tenant"))
INTEGRATION = integration_column(UID, failures_link("integration"))
COLOURS = {
    "succeeded": show.GOOD,
    "client": show.QUIET,
    "server": show.BAD,
    "timeout": show.WARNING,
    "error": show.BAD,
    "rate_limited": show.QUIET,
}
"""Colours of outcomes: what lies with the caller, with who answers, and with the way."""


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / API performance",
        description="Requests that apps answer and calls that they make: how many, how many fail, how slow.",
        sections=(
            Section("", _counts()),
            Section(
                "Requests that the app answers",
                say_nothing("No request is reported", (*_requests(), _slowest(), _worst_tenants())),
            ),
            Section("Calls to integrations", say_nothing("No call is reported", (*_calls(), _call_table()))),
            Section("AI services", say_nothing("No call to an AI service is reported", _ai_services())),
        ),
        variables=PICKED,
    )


def _counts() -> tuple[Any, ...]:
    requests, failures = reported.own(m.REQUESTS), reported.own(m.FAILURES, SERVER)
    return (
        show.figure(
            "Requests",
            "Requests per minute that apps answered, on average of 5 minutes.",
            PanelQuery(reported.pace_now(requests)),
            size=(4, 4),
            unit="cpm",
        ).no_value("None reported"),
        show.figure(
            "Failing requests",
            "Share of the requests of 15 minutes that the app answered with a 5xx or too late.",
            PanelQuery(reported.share(failures, requests, window=QUARTER)),
            size=(4, 4),
            unit="percentunit",
        ).no_value("None reported"),
        show.figure(
            "95th percentile",
            "One of twenty requests of 15 minutes took so long or longer.",
            PanelQuery(reported.percentile("0.95", reported.own(m.DURATION), window=QUARTER)),
            size=(4, 4),
            unit="s",
        ).no_value("None reported"),
        numbers.alerts(
            "Endpoint alerts",
            "Routes of the app that fail or are slow, by the alerts on them. No data means that no rules are "
            "evaluated.",
            reported.firing((ENDPOINT_FAILS, ENDPOINT_SLOW)),
            bad=show.BAD,
        ),
        numbers.alerts(
            "Failing calls",
            "Integrations whose calls fail too often, for a tenant, by the alert on them.",
            reported.firing((CALLS_FAIL,)),
            bad=show.BAD,
        ),
        numbers.alerts(
            "Failing AI calls",
            "Endpoints of AI services that fail too often, for a tenant, by the alert on them.",
            reported.firing((AI_CALLS_FAIL,)),
            bad=show.BAD,
        ),
    )


def _requests() -> tuple[Any, ...]:
    requests, duration = reported.own(m.REQUESTS), reported.own(m.DURATION)
    failures = reported.own(m.FAILURES, SERVER)
    return (
        show.stacked(
            "Requests per minute, by outcome",
            "Succeeded: 2xx and 3xx. Client: 4xx. Server: 5xx. Timeout: 408, 504 and no answer.",
            PanelQuery(reported.outcomes(requests, reported.own(m.FAILURES)), "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
            colours=COLOURS,
        ),
        show.lines(
            "Response time, percentiles",
            "Of all requests that the app answered. The points are single requests: hover "
            "for their trace ids.",
            reported.percentiles(duration),
            size=(12, 8),
            unit="s",
        ),
        show.lines(
            "Requests that fail, by endpoint",
            f"Share that ended in a 5xx or too late, for the {ask.MOST} endpoints with the most. Dashed: the "
            "strictest thresholds.",
            (PanelQuery(ask.top(reported.share(failures, requests, ROUTE)), ENDPOINT),),
            size=(12, 8),
            unit="percentunit",
            limits=show.limits_of(ENDPOINT_ERRORS),
        ),
        show.lines(
            "Response time, 95th percentile by endpoint",
            f"The {ask.MOST} slowest endpoints. Dashed: the thresholds.",
            (PanelQuery(ask.top(reported.percentile("0.95", duration, ROUTE)), ENDPOINT),),
            size=(12, 8),
            unit="s",
            limits=show.limits_of(ENDPOINT_LATENCY),
        ),
    )


def _slowest() -> Any:
    requests, duration = reported.own(m.REQUESTS), reported.own(m.DURATION)
    slowest = ask.top(reported.percentile("0.95", duration, ROUTE, reported.HOUR))
    of_them = f"and on ({ROUTE}) {slowest}"
    return show.rows(
        "Slowest endpoints of an hour",
        f"The {ask.MOST} endpoints with the highest 95th percentile, and how many of their requests fail.",
        (
            slowest,
            f"({reported.percentile('0.5', duration, ROUTE, reported.HOUR)}) {of_them}",
            f"({reported.percentile('0.99', duration, ROUTE, reported.HOUR)}) {of_them}",
            f"{reported.rise(requests, ROUTE)} {of_them}",
            f"{reported.share(reported.own(m.FAILURES, SERVER), requests, ROUTE, reported.HOUR)} {of_them}",
        ),
        (
            METHOD,
            ROUTE_COLUMN,
            TableColumn("A", "p95", unit="s", width=90),
            TableColumn("B", "p50", unit="s", width=90),
            TableColumn("C", "p99", unit="s", width=90),
            TableColumn("D", "Requests", unit="locale", width=90, decimals=0),
            TableColumn("E", "Failing", unit="percentunit", width=90, decimals=1),
        ),
        size=(14, 8),
        sort=(("p95", True),),
        empty="No request was reported",
    )


def _worst_tenants() -> Any:
    requests, failures = reported.own(m.REQUESTS), reported.own(m.FAILURES, SERVER)
    worst = ask.top(reported.share(failures, requests, "tenant", reported.HOUR))
    return show.rows(
        "Tenants whose requests fail in an hour",
        f"The {ask.MOST} tenants with the largest share of a 5xx or no answer in time.",
        (worst, f"{reported.rise(requests, 'tenant')} and on (tenant) {worst}"),
        (
            TENANT,
            TableColumn("A", "Failing", unit="percentunit", decimals=1, bar=True),
            TableColumn("B", "Requests", unit="locale", width=90, decimals=0),
        ),
        size=(10, 8),
        sort=(("Failing", True),),
        empty="No request was reported",
    )


def _calls() -> tuple[Any, ...]:
    calls, failures = _of_integration(m.REQUESTS), _of_integration(m.FAILURES)
    duration = _of_integration(m.DURATION)
    return (
        show.lines(
            "Calls per minute, by integration",
            f"Calls of apps to the {ask.MOST} busiest integrations. Probes are not among them.",
            (PanelQuery(ask.top(reported.per_minute(calls, "integration")), "{{integration}}"),),
            size=(12, 8),
            unit="cpm",
        ),
        show.stacked(
            "Failed calls per minute, by reason",
            "Client: the vendor refused what we sent. Server: the vendor failed. Timeout: no answer in time.",
            PanelQuery(reported.per_minute(failures, "reason"), "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
            colours=COLOURS,
        ),
        show.lines(
            "Calls that fail, by integration",
            f"Share of the calls, for the {ask.MOST} integrations with the most. Dashed: the strictest "
            "thresholds.",
            (PanelQuery(ask.top(reported.share(failures, calls, "integration")), "{{integration}}"),),
            size=(12, 8),
            unit="percentunit",
            limits=show.limits_of(CALL_ERRORS),
            steps=show.FEW_STEPS,
        ),
        show.lines(
            "Duration of calls, 95th percentile by integration",
            "How long vendors take to answer apps. The points are single calls: hover for their trace ids.",
            (
                PanelQuery(
                    ask.top(reported.percentile("0.95", duration, "integration")),
                    "{{integration}}",
                    exemplars=True,
                ),
            ),
            size=(12, 8),
            unit="s",
        ),
    )


def _call_table() -> Any:
    by = f"integration, {ROUTE}"
    calls, failures = _of_integration(m.REQUESTS), _of_integration(m.FAILURES)
    slowest = ask.top(reported.percentile("0.95", _of_integration(m.DURATION), by, reported.HOUR))
    of_them = f"and on ({by}) {slowest}"
    return show.rows(
        "Slowest calls of an hour",
        f"The {ask.MOST} calls to vendors with the highest 95th percentile, and how many of them fail.",
        (
            slowest,
            f"{reported.rise(calls, by)} {of_them}",
            f"{reported.share(failures, calls, by, reported.HOUR)} {of_them}",
        ),
        (
            INTEGRATION,
            METHOD,
            ROUTE_COLUMN,
            TableColumn("A", "p95", unit="s", width=100),
            TableColumn("B", "Calls", unit="locale", width=100, decimals=0),
            TableColumn("C", "Failing", unit="percentunit", width=100, decimals=1),
        ),
        size=(24, 6),
        sort=(("p95", True),),
        empty="No call was reported",
    )


def _ai_services() -> tuple[Any, ...]:
    calls, failures = ask.series(ai.REQUESTS), ask.series(ai.FAILURES)
    return (
        show.lines(
            "AI calls per minute, by endpoint",
            f"The {ask.MOST} busiest endpoints of AI services.",
            (PanelQuery(ask.top(reported.per_minute(calls, "endpoint")), "{{endpoint}}"),),
            size=(8, 8),
            unit="cpm",
        ),
        show.lines(
            "AI calls that fail, by endpoint",
            f"Share of the calls, for the {ask.MOST} endpoints with the most. Dashed: the strictest "
            "thresholds.",
            (PanelQuery(ask.top(reported.share(failures, calls, "endpoint")), "{{endpoint}}"),),
            size=(8, 8),
            unit="percentunit",
            limits=show.limits_of(AI_ERRORS),
            steps=show.FEW_STEPS,
        ),
        show.stacked(
            "Failed AI calls per minute, by reason",
            "Rate_limited: our pace or account. Timeout: a full queue. Error: the request or the service.",
            PanelQuery(reported.per_minute(failures, "reason"), "{{reason}}"),
            size=(8, 8),
            unit="cpm",
            step="1m",
            colours=COLOURS,
        ),
        show.lines(
            "Duration of AI calls, 95th percentile",
            "How long AI services take. The points are single calls: hover for their request ids.",
            (
                PanelQuery(
                    ask.top(reported.percentile("0.95", ask.series(ai.DURATION), "endpoint")),
                    "{{endpoint}}",
                    exemplars=True,
                ),
            ),
            size=(8, 8),
            unit="s",
        ),
        show.lines(
            "Cost of AI calls per hour, by endpoint",
            f"As apps report it, for the {ask.MOST} most expensive endpoints.",
            (
                PanelQuery(
                    ask.top(f"{reported.per_minute(ask.series(ai.COST), 'endpoint')} * 60"), "{{endpoint}}"
                ),
            ),
            size=(8, 8),
            unit="currencyUSD",
        ),
        show.bars(
            "Cost of AI calls in 24 hours, by endpoint",
            f"As apps report it, for the {ask.MOST} most expensive endpoints.",
            PanelQuery(ask.top(reported.rise(ask.series(ai.COST), "endpoint", "24h")), "{{endpoint}}"),
            size=(8, 8),
            unit="currencyUSD",
        ).decimals(2),
    )


def _of_integration(metric: Metric) -> str:
    return ask.series(metric, OF_INTEGRATION)
