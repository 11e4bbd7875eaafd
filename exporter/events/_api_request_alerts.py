"""Do calls to vendors succeed, and does the app answer, and in time?"""

from exporter.core.alert import Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _api_request_cases as cases
from exporter.events import _api_request_series as m
from exporter.events._shares import PLACE, Share, increase

DASHBOARD = "integration-api"

CALL_ERRORS = ThresholdFamily(
    "call_error_ratio",
    "Share of the calls to an integration, as apps report them, that fail, above which too many do.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
ENDPOINT_ERRORS = ThresholdFamily(
    "endpoint_error_ratio",
    "Share of an endpoint's requests that the app answers with a 5xx or too late, above which too many are.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
ENDPOINT_LATENCY = ThresholdFamily(
    "endpoint_latency_seconds",
    "95th percentile of the time an endpoint takes to answer, above which it counts as slow.",
    {Severity.MEDIUM: 3},
    unit="seconds",
    scope=Scope.TENANT,
)
LEAST = 50
"""Requests in the window below which a share or a percentile says nothing."""

SUBJECT, PACE = "reported-requests", "1m"

_CALLS = Share(m.REQUESTS, m.FAILURES, Scope.TARGET.value, "15m", LEAST, ('integration!=""',) * 2)

CALLS_FAIL = Alert(
    name="IntegrationCallErrorsHigh",
    summary="Calls of the app to the integration fail.",
    description=(
        "{{ $value | humanizePercentage }} of the calls that the app made to {{ $labels.integration }}"
        f"{PLACE} within 15 minutes failed."
    ),
    observed=_CALLS.expression,
    family=CALL_ERRORS,
    records=_CALLS.records,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.CALLS_FAIL,
    runbook=Runbook(
        meaning=(
            "Of the calls to an integration that apps reported (events of the kind `api_request` with "
            "`integration`) more than `call_error_ratio` failed within 15 minutes: a 4xx, a 5xx, or no "
            f"answer in time. It needs {LEAST} calls."
        ),
        impact="Customers meet these failures, also while the probes of the same integration succeed.",
        diagnosis=(
            "1. Who is at fault? `sum by (route, reason) (increase("
            "integration_api_request_failures_total[15m]))`: `client` is our request or credential, `server` "
            "the vendor, `timeout` the way or a slow vendor.\n"
            "2. Do probes fail too? Then the vendor or the credential is at fault, else what the app sends.\n"
            "3. `integration-exporter list requests` shows single calls with their trace ids."
        ),
        mitigation=(
            "Roll back what sends wrong requests; renew the credential for 401 and 403; slow down for 429. "
            "For `server` and `timeout` follow the vendor's status page and repeat what may be repeated."
        ),
    ),
)

_OWN = 'integration=""'
_ENDPOINT = ("tenant", "route", "method")
_ANSWERS = Share(m.REQUESTS, m.FAILURES, _ENDPOINT, "10m", LEAST, (_OWN, f'{_OWN},reason=~"server|timeout"'))

ENDPOINT_FAILS = Alert(
    name="IntegrationEndpointErrorsHigh",
    summary="An endpoint of the app fails.",
    description=(
        "{{ $value | humanizePercentage }} of the requests to {{ $labels.method }} {{ $labels.route }}"
        f"{PLACE} within ten minutes were answered by an error of the server."
    ),
    observed=_ANSWERS.expression,
    by=_ENDPOINT,
    family=ENDPOINT_ERRORS,
    records=_ANSWERS.records,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.ENDPOINT_FAILS,
    runbook=Runbook(
        meaning=(
            "Of the requests to one route of the app, for one tenant where it has tenants, more than "
            "`endpoint_error_ratio` ended in a 5xx or without an answer in time within ten minutes. It needs "
            f"{LEAST} requests."
        ),
        impact="What customers do by this route fails.",
        diagnosis=(
            "1. One tenant or all? `sum by (tenant) (increase(integration_api_request_failures_total"
            '{reason="server"}[10m]))`.\n'
            "2. `integration-exporter list requests` has the trace ids of failed ones: look them up in the "
            "app's log.\n"
            "3. Was the app deployed just before? Does an integration that it needs fail?"
        ),
        mitigation="Roll the deployment back, or fix what the route needs. It resolves within ten minutes.",
    ),
)

_ROUTE = ("route", "method")
_BY_ROUTE = ", ".join(_ROUTE)

ENDPOINT_SLOW = Alert(
    name="IntegrationEndpointSlow",
    summary="An endpoint of the app is slow.",
    description=(
        "One of twenty requests to {{ $labels.method }} {{ $labels.route }} takes "
        "{{ $value | humanizeDuration }} or longer."
    ),
    observed=(
        f"max by ({_BY_ROUTE}) (histogram_quantile(0.95, sum by ({_BY_ROUTE}, le) "
        f"(rate({m.DURATION}_bucket{{{_OWN}}}[10m]))))\n"
        f"and on ({_BY_ROUTE})\n  {increase(m.REQUESTS, _ROUTE, '10m', _OWN)} >= {LEAST}"
    ),
    by=_ROUTE,
    family=ENDPOINT_LATENCY,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.ENDPOINT_SLOW,
    runbook=Runbook(
        meaning=(
            "The 95th percentile of the time that one route of the app takes to answer was above "
            f"`endpoint_latency_seconds` (3 s) over ten minutes. It needs {LEAST} requests. Durations are "
            "not kept by tenant, so a number for a single tenant changes nothing here."
        ),
        impact="Customers wait, give up, or try again, which makes it slower.",
        diagnosis=(
            "1. A trace id of a slow request: exemplars of "
            "`integration_api_request_duration_seconds_bucket`, or `integration-exporter list requests`.\n"
            "2. Is an integration slow that the route calls? See IntegrationLatencyHigh.\n"
            "3. Is the database? See its connections and the time of its queries."
        ),
        mitigation=(
            "Roll back, add capacity, or put a shorter time limit on what the route waits for. Raise "
            "`endpoint_latency_seconds` if the route has always been like that."
        ),
    ),
)

ALERTS = (CALLS_FAIL, ENDPOINT_FAILS, ENDPOINT_SLOW)
