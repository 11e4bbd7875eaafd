"""Do widgets load, render and work; do as many people come as usual, and from where they usually do?"""

from typing import Any

from exporter.core.alert import Alert
from exporter.core.threshold import ThresholdFamily
from exporter.events import _traffic_alerts as traffic
from exporter.events import _traffic_series as t
from exporter.events import _widget_alerts as alerts
from exporter.events import _widget_series as m
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import failures_link, tenant_column
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._promql import NOT_ALL
from exporter.generate.dashboards._reported import HOUR, QUARTER, say_nothing
from exporter.generate.dashboards._variables import Choice

LOADS, FAILURES = reported.of_tenant(m.LOADED), reported.of_tenant(m.FAILURES)
VIEWS, COUNTRIES = reported.of_tenant(t.VIEWS), reported.of_tenant(t.COUNTRIES)
PLACE = "widget, release"
MINUTES = 15
"""Of the window in which page views are compared with what is usual."""
DROP, AS_USUAL, SPIKE = "-1", "0", "1"

UID = "integration-widgets"
PICKED = (Choice("tenant", t.VIEWS),)

WIDGET = TableColumn("widget", "Widget", wrap=True)
RELEASE = TableColumn("release", "Release", width=110, wrap=True)
TENANT = tenant_column(UID, failures_link("tenant", carry=()), carry=("tenant",))
CLIENTS = {"human": show.GOOD, "bot": show.QUIET, "suspicious": show.WARNING}


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Widgets and traffic",
        description="Do widgets work in customers' pages, and do as many people come as usual?",
        sections=(
            Section("", _counts()),
            Section(
                "Widgets", say_nothing("No widget is reported", (*_widgets(), _by_release(), _by_tenant()))
            ),
            Section(
                "Traffic", say_nothing("No page view is reported", (*_traffic(), _tenants(), _countries()))
            ),
        ),
        variables=PICKED,
    )


def _counts() -> tuple[Any, ...]:
    broken = (alerts.LOADS_FAIL, alerts.RENDERS_FAIL, alerts.SCRIPTS_FAIL)
    gathered = (alerts.GATHERED, alerts.TENANT_GATHERED)
    return (
        numbers.alerts(
            "Widgets that fail",
            "Widgets in one release, for one tenant, that do not load, do not render or whose script fails, "
            "by the alerts on them. No data means that no rules are evaluated.",
            reported.firing(broken),
            bad=show.BAD,
            carry=("tenant",),
        ),
        numbers.alerts(
            "Slow widgets",
            "Widgets that take long to load, by the alert on them.",
            reported.firing((alerts.LOADS_SLOW,)),
            bad=show.WARNING,
            carry=("tenant",),
        ),
        numbers.alerts(
            "Failures gather",
            "Releases and tenants with far more of the failures than of the loads, by the alerts on them.",
            reported.firing(gathered),
            bad=show.WARNING,
            carry=("tenant",),
        ),
        numbers.alerts(
            "Traffic drops",
            "Tenants with far fewer page views than usual at this hour, by the alert on them.",
            reported.firing((traffic.TRAFFIC_DROP,)),
            bad=show.BAD,
            carry=("tenant",),
        ),
        numbers.alerts(
            "Traffic spikes",
            "Tenants with far more page views than usual at this hour, by the alert on them.",
            reported.firing((traffic.TRAFFIC_SPIKE,)),
            bad=show.WARNING,
            carry=("tenant",),
        ),
        numbers.alerts(
            "Bots, countries",
            "Tenants with mostly bots, or with unusually many page views from one country, by the alerts.",
            reported.firing((traffic.BOTS_HIGH, traffic.COUNTRY_UNUSUAL)),
            bad=show.WARNING,
            carry=("tenant",),
        ),
    )


def _widgets() -> tuple[Any, ...]:
    # A widget's failures of one kind among all its loads: the labels differ, so that no ratio of two is it.
    by_reason = (
        f"{reported.per_minute(FAILURES, 'widget, reason')} / on (widget) group_left ()"
        f" ({reported.per_minute(LOADS, 'widget')} > 0)"
    )
    return (
        show.lines(
            "Loads per minute, by widget",
            f"Attempts to load the {ask.MOST} widgets that are used most, those that failed included.",
            (PanelQuery(ask.top(reported.per_minute(LOADS, "widget")), "{{widget}}"),),
            size=(12, 8),
            unit="cpm",
        ),
        show.stacked(
            "Failures per minute, by reason",
            "Load_error and timeout: it never came. Render_failure: it came and is broken. Script_error: it "
            "is there and does not work.",
            PanelQuery(reported.per_minute(FAILURES, "reason"), "{{reason}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
        ),
        show.lines(
            "Failures per load, by widget and reason",
            f"The {ask.MOST} largest shares; a load may have several script errors. Dashed: the strictest "
            "thresholds.",
            (PanelQuery(ask.top(by_reason), "{{widget}} {{reason}}"),),
            size=(12, 8),
            unit="percentunit",
            limits=show.limits_of(alerts.FAILURES),
            steps=show.FEW_STEPS,
        ),
        show.lines(
            "Load time, 95th percentile by widget",
            f"The {ask.MOST} slowest widgets, where they loaded. Dashed: the thresholds.",
            (
                PanelQuery(
                    ask.top(reported.percentile("0.95", reported.of_tenant(m.DURATION), "widget")),
                    "{{widget}}",
                ),
            ),
            size=(12, 8),
            unit="s",
            limits=show.limits_of(alerts.SLOW),
        ),
    )


def _by_release() -> Any:
    worst = ask.top(reported.share(FAILURES, LOADS, PLACE, HOUR))
    of_them = f"and on ({PLACE}) {worst}"

    def share(reasons: str) -> str:
        part = reported.of_tenant(m.FAILURES, f'reason=~"{reasons}"')
        return f"{reported.share(part, LOADS, PLACE, HOUR)} {of_them}"

    return show.rows(
        "Widgets by release in an hour",
        f"The {ask.MOST} releases with the most failures per load, and in which way they fail.",
        (
            worst,
            f"{reported.rise(LOADS, PLACE)} {of_them}",
            share("load_error|timeout"),
            share("render_failure"),
            share("script_error"),
        ),
        (
            WIDGET,
            RELEASE,
            TableColumn("B", "Loads", unit="locale", width=80, decimals=0),
            TableColumn("A", "Failures", unit="percentunit", width=90, decimals=1),
            TableColumn("C", "Not loaded", unit="percentunit", width=95, decimals=1),
            TableColumn("D", "Not rendered", unit="percentunit", width=105, decimals=1),
            TableColumn("E", "Script", unit="percentunit", width=80, decimals=1),
        ),
        size=(15, 9),
        sort=(("Failures", True),),
        empty="No widget was reported",
    )


def _by_tenant() -> Any:
    worst = ask.top(reported.share(FAILURES, LOADS, "tenant", HOUR))
    return show.rows(
        "Tenants by failing widgets in an hour",
        f"The {ask.MOST} tenants in whose pages widgets have the most failures per load.",
        (worst, f"{reported.rise(LOADS, 'tenant')} and on (tenant) {worst}"),
        (
            TENANT,
            TableColumn("A", "Failures", unit="percentunit", decimals=1, bar=True),
            TableColumn("B", "Loads", unit="locale", width=80, decimals=0),
        ),
        size=(9, 9),
        sort=(("Failures", True),),
        empty="No widget was reported",
    )


def _traffic() -> tuple[Any, ...]:
    by_client = reported.per_minute(VIEWS, "client")
    return (
        show.lines(
            "Page views of people in 15 minutes, and what is usual",
            "Usual: the median of the same hour in three weeks, the least and the most of 90 minutes around "
            "it; it is drawn once there are three weeks in Prometheus.",
            (
                PanelQuery(f"sum({_recorded(traffic.NOW, '5m')})", "now"),
                PanelQuery(f"sum({_recorded(traffic.USUAL_LOW)})", "usual, at least"),
                PanelQuery(f"sum({_recorded(traffic.USUAL_HIGH)})", "usual, at most"),
            ),
            size=(12, 8),
            unit="short",
        ),
        show.stacked(
            "Page views per minute, by client",
            "People, bots that say so, and clients that the app finds suspicious.",
            PanelQuery(by_client, "{{client}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
            colours=CLIENTS,
        ),
        show.lines(
            "Share of bots, by tenant",
            f"Bots and suspicious clients, for the {ask.MOST} tenants beyond the threshold; once you pick "
            "tenants, for each of them. Dashed: the threshold.",
            (PanelQuery(_bots(), "{{tenant}}"),),
            size=(8, 8),
            unit="percentunit",
            limits=show.limits_of(traffic.BOTS),
            steps=show.FEW_STEPS,
        ).no_value("No tenant is known to be beyond the threshold"),
        show.bars(
            "Page views of an hour, by country",
            f"The {ask.MOST} countries with the most; of views whose country the app knows.",
            PanelQuery(ask.top(f"round({reported.rise(COUNTRIES, 'country')})"), "{{country}}"),
            size=(8, 8),
            unit="short",
        ),
        show.bars(
            "Page views of an hour, by route",
            f"The {ask.MOST} routes with the most, bots included.",
            PanelQuery(ask.top(f"round({reported.rise(VIEWS, 'route')})"), "{{route}}"),
            size=(8, 8),
            unit="short",
        ),
    )


def _bots() -> str:
    """Return the share of bots in page views: of tenants beyond the threshold, and of picked ones."""
    # All of them would take seconds at ten thousand tenants.
    bots, views = (reported.of_tenant(t.VIEWS, *own, NOT_ALL) for own in (('client!="human"',), ()))
    beyond = f"max by (tenant) ({_picked(traffic.BOTS_HIGH.suspects_record)})"
    return f"{ask.top(beyond)} or {ask.top(reported.share(bots, views, 'tenant'))}"


def _tenants() -> Any:
    ratio, views = _usual(traffic.TIMES_USUAL, "5m"), _usual(traffic.NOW, "5m")
    odd = ask.top(f"(abs(ln(clamp_min({ratio}, 0.01))) or on (tenant) {views} * 0)")
    # Counters begin with the process: without a view since then there is no series, which is no view at all.
    now = f"({views} or on (tenant) {ratio} * 0)"
    of_them = f"and on (tenant) {odd}"
    state = (
        f"({_beyond(traffic.TRAFFIC_DROP, traffic.DROP)} > 0) * 0 {DROP}"
        f" or ({_beyond(traffic.TRAFFIC_SPIKE, traffic.SPIKE)} > 0) * 0 + {SPIKE} or {ratio} * 0"
    )
    return show.rows(
        "Tenants against what is usual",
        f"The {ask.MOST} tenants furthest from the same hour of three weeks. 1 is as usual; a dash: not yet "
        "known.",
        (f"{now} {of_them}", f"{ratio} {of_them}", f"({state}) {of_them}"),
        (
            TENANT,
            TableColumn("A", "Views in 15 min", unit="locale", decimals=0, bar=True),
            TableColumn("B", "Times usual", width=110, decimals=2),
            TableColumn(
                "C",
                "State",
                width=100,
                words={
                    DROP: ("Drop", show.BAD),
                    AS_USUAL: ("As usual", show.GOOD),
                    SPIKE: ("Spike", show.WARNING),
                },
            ),
        ),
        size=(12, 9),
        sort=(("State", False), ("Views in 15 min", True)),
        empty="No page view was reported",
    )


def _countries() -> Any:
    by = "tenant, country"
    now, whole = reported.rise(COUNTRIES, by, QUARTER), reported.rise(COUNTRIES, "tenant", QUARTER)
    share = f"({now} / on (tenant) group_left () ({whole} > 0))"
    most = ask.top(share)
    usual = f"max by ({by}) (last_over_time({_picked(traffic.USUAL_SHARE)}[65m]))"
    return show.rows(
        "Countries by tenant",
        f"The {ask.MOST} largest shares of a tenant's page views of 15 minutes, and how many times the share "
        "of the week before that is; a dash: not yet known.",
        (most, f"({share} / on ({by}) ({usual} > 0)) and on ({by}) {most}"),
        (
            TENANT,
            TableColumn("country", "Country", width=90),
            TableColumn("A", "Share", unit="percentunit", decimals=1, bar=True),
            TableColumn("B", "Times usual", width=135, decimals=2),
        ),
        size=(12, 9),
        sort=(("Times usual", True), ("Share", True)),
        empty="No country was reported",
    )


def _picked(record: str) -> str:
    return f'{record}{{tenant=~"$tenant"}}'


def _recorded(record: str, window: str = "35m") -> str:
    # Beyond two evaluations of the slow group, so that a late one leaves no hole.
    return f"last_over_time({_picked(record)}[{window}])"


def _beyond(alert: Alert, family: ThresholdFamily) -> str:
    """Return the level of each tenant that is beyond the loosest threshold of `alert`."""
    return f"({ask.level(f'max by (tenant) ({_picked(alert.suspects_record)})', family)})"


def _usual(record: str, window: str = "35m") -> str:
    return f"max by (tenant) ({_recorded(record, window)})"
