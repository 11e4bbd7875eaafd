"""Do widgets load, render and work in customers' pages, and fast enough?"""

from exporter.core.alert import Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _widget_cases as cases
from exporter.events import _widget_series as m
from exporter.events._shares import PLACE, Share, increase, record

DASHBOARD = "integration-widgets"

FAILURES = ThresholdFamily(
    "widget_failure_ratio",
    "Share of the loads of a widget that fail in one way, above which too many do.",
    {Severity.MEDIUM: 0.05, Severity.HIGH: 0.10},
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
SLOW = ThresholdFamily(
    "widget_load_seconds",
    "95th percentile of the time a widget takes to load, above which it counts as slow.",
    {Severity.MEDIUM: 5},
    unit="seconds",
    scope=Scope.TENANT,
)
FACTOR = ThresholdFamily(
    "widget_failure_share_factor",
    "How many times its share of the loads a widget's release, or a tenant, has of the failures in an hour,"
    " above which failures gather there.",
    {Severity.MEDIUM: 3},
    minimum=1,
    scope=Scope.TENANT,
)
LEAST_LOADS, LEAST_FAILURES = 50, 10
SUBJECT, PACE = "widgets", "1m"

_BY = ("tenant", "widget", "release")
_WIDGET = "{{ $labels.widget }}{{ if $labels.release }} in release {{ $labels.release }}{{ end }}" + PLACE
_HOW_MUCH = (
    f"`widget_failure_ratio` of the loads within 15 minutes. It needs {LEAST_LOADS} loads of one widget in "
    "one release, for one tenant."
)
_WHERE = (
    "1. One release, one widget or one tenant? `sum by (release) (increase("
    "integration_widget_failures_total[15m]))`, then by `widget` and by `tenant`; "
    "IntegrationWidgetFailuresGathered says so too.\n"
    "2. `integration-exporter list widgets` shows the names of the errors and the routes.\n"
)


def _share(way: str, reasons: str) -> Share:
    sign = "=~" if "|" in reasons else "="
    return Share(
        m.LOADED, m.FAILURES, _BY, "15m", LEAST_LOADS, ("", f'reason{sign}"{reasons}"'), ("", f"{way}_")
    )


_LOAD, _RENDER, _SCRIPT = (
    _share("load_error", "load_error|timeout"),
    _share("render_failure", "render_failure"),
    _share("script_error", "script_error"),
)
_BEYOND = f"tenant_widget_release:{FAILURES.metric}:beyond"

LOADS_FAIL = Alert(
    name="IntegrationWidgetLoadErrorsHigh",
    summary="A widget does not load.",
    description=f"{{{{ $value | humanizePercentage }}}} of the loads of {_WIDGET} failed or took too long.",
    observed=_LOAD.expression,
    by=_BY,
    family=FAILURES,
    suspects=f"{_BEYOND}_by_load_errors",
    records=_LOAD.records,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.LOADS_FAIL,
    runbook=Runbook(
        meaning=f"Loads that failed (`load_error`) or were given up (`timeout`) are more than {_HOW_MUCH}",
        impact="Visitors see an empty place where the widget should be.",
        diagnosis=(
            f"{_WHERE}"
            "3. Does the widget's file answer from outside, with its content type and CORS headers? Is the "
            "certificate of its host valid?"
        ),
        mitigation=(
            "Roll the release back, or fix the host or CDN that serves the file. Where one tenant alone is "
            "concerned, look at the content security policy of their page."
        ),
    ),
)

RENDERS_FAIL = Alert(
    name="IntegrationWidgetRenderFailuresHigh",
    summary="A widget loads but does not render.",
    description=f"{{{{ $value | humanizePercentage }}}} of the loads of {_WIDGET} could not be rendered.",
    observed=_RENDER.expression,
    by=_BY,
    family=FAILURES,
    suspects=f"{_BEYOND}_by_render_failures",
    records=_RENDER.records,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.RENDERS_FAIL,
    runbook=Runbook(
        meaning=f"Failures to render (`render_failure`) are more than {_HOW_MUCH}",
        impact="Visitors see a broken widget, or none.",
        diagnosis=f"{_WHERE}3. Does the data that it shows come in the shape that this release expects?",
        mitigation="Roll the release back, or correct the data or settings of the tenant.",
    ),
)

SCRIPTS_FAIL = Alert(
    name="IntegrationWidgetScriptErrorsHigh",
    summary="The script of a widget fails.",
    description=f"Scripts of {_WIDGET} failed at {{{{ $value | humanizePercentage }}}} of the loads.",
    observed=_SCRIPT.expression,
    by=_BY,
    family=FAILURES,
    suspects=f"{_BEYOND}_by_script_errors",
    records=_SCRIPT.records,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.SCRIPTS_FAIL,
    runbook=Runbook(
        meaning=(
            f"Errors of the script (`script_error`) are more than {_HOW_MUCH} One load may have several "
            "errors, so that the share may be above 100 %."
        ),
        impact="The widget is there, but what visitors do with it may not work.",
        diagnosis=(
            f"{_WHERE}3. One browser or all? In one alone it is a feature that it lacks, or an extension."
        ),
        mitigation="Roll the release back, or fix the script.",
    ),
)

_ONE = ("widget",)

LOADS_SLOW = Alert(
    name="IntegrationWidgetLoadsSlow",
    summary="A widget loads slowly.",
    description="One of twenty loads of {{ $labels.widget }} takes {{ $value | humanizeDuration }} or more.",
    observed=(
        f"max by (widget) (histogram_quantile(0.95, sum by (widget, le) (rate({m.DURATION}_bucket[15m]))))\n"
        f"and on (widget)\n  {increase(m.LOADED, _ONE, '15m')} >= {LEAST_LOADS}"
    ),
    by=_ONE,
    family=SLOW,
    every=PACE,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.LOADS_SLOW,
    runbook=Runbook(
        meaning=(
            "The 95th percentile of the time that a widget takes to load was above `widget_load_seconds` "
            f"(5 s) over 15 minutes. It needs {LEAST_LOADS} loads. Durations are not kept by tenant, so a "
            "number for a single tenant changes nothing here."
        ),
        impact="Visitors leave before the widget is there.",
        diagnosis=(
            "1. Did the file grow with the last release? Compare its size.\n"
            "2. Is it the host or CDN? Load it from outside: `curl -w '%{time_total}' -o /dev/null URL`.\n"
            "3. `integration-exporter list widgets` shows which routes are slow."
        ),
        mitigation="Roll the release back, serve the file compressed and cached, or load less at the start.",
    ),
)

_RELEASE, _TENANT = ("widget", "release"), ("tenant",)


def _hour(by: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Return how many times its share of the loads a place has of the failures, and what that records."""
    failed, loaded = record(m.FAILURES, by, "increase1h"), record(m.LOADED, by, "increase1h")
    labels = ", ".join(by)
    expression = (
        f"  ({failed} >= {LEAST_FAILURES}) / on () group_left () sum by () ({failed})\n"
        f"/ on ({labels})\n"
        f"  clamp_min({loaded} / on () group_left () (sum by () ({loaded}) > 0), 0.001)"
    )
    return expression, {failed: increase(m.FAILURES, by, "1h"), loaded: increase(m.LOADED, by, "1h")}


_SHARE_OF_RELEASE, _RECORDS_OF_RELEASE = _hour(_RELEASE)
_SHARE_OF_TENANT, _RECORDS_OF_TENANT = _hour(_TENANT)

GATHERED = Alert(
    name="IntegrationWidgetFailuresGathered",
    summary="Failures of widgets gather in one release.",
    description=(
        "{{ $labels.widget }}{{ if $labels.release }} in release {{ $labels.release }}{{ end }} has "
        "{{ $value | humanize }} times as many of the failures as of the loads."
    ),
    observed=_SHARE_OF_RELEASE,
    by=_RELEASE,
    family=FACTOR,
    records=_RECORDS_OF_RELEASE,
    every="4m",
    subject="widgets-gathered",
    dashboard=DASHBOARD,
    cases=cases.GATHERED,
    runbook=Runbook(
        meaning=(
            f"Within an hour one widget in one release has at least {LEAST_FAILURES} failures, and its share "
            "of all failures is more than `widget_failure_share_factor` (3) times its share of the loads. A "
            "release is new when it breaks, so loads say what is usual, and not the week before."
        ),
        impact="Everybody who gets this release meets the failures; more of them do as it is rolled out.",
        diagnosis=(
            "1. In which way? `sum by (reason) (increase(integration_widget_failures_total[1h]))` of it.\n"
            "2. `integration-exporter list widgets` shows the names of the errors."
        ),
        mitigation="Stop the roll-out, and roll the release back.",
    ),
)

TENANT_GATHERED = Alert(
    name="IntegrationWidgetFailuresOfTenant",
    summary="Failures of widgets gather at one tenant.",
    description=(
        "{{ $labels.tenant }} has {{ $value | humanize }} times as many of the failures of widgets as of the "
        "loads."
    ),
    observed=_SHARE_OF_TENANT,
    by=_TENANT,
    family=FACTOR,
    suspects=f"tenant:{FACTOR.metric}:beyond_of_tenant",
    records=_RECORDS_OF_TENANT,
    every="4m",
    subject="widgets-gathered",
    dashboard=DASHBOARD,
    cases=cases.TENANT_GATHERED,
    runbook=Runbook(
        meaning=(
            f"Within an hour widgets have at least {LEAST_FAILURES} failures in the pages of one tenant, and "
            "its share of all failures is more than `widget_failure_share_factor` (3) times its share of the "
            "loads."
        ),
        impact="Widgets do not work in this tenant's pages, and work elsewhere.",
        diagnosis=(
            "1. Did the tenant change their page, its content security policy or their domain?\n"
            "2. In which way? `sum by (reason) (increase(integration_widget_failures_total[1h]))` of it."
        ),
        mitigation="Tell the tenant what their visitors meet, and which line of their page is at fault.",
    ),
)

ALERTS = (LOADS_FAIL, RENDERS_FAIL, SCRIPTS_FAIL, LOADS_SLOW, GATHERED, TENANT_GATHERED)
