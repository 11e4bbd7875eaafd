"""Whom do our limits stop, does their storage answer, and how much is left of the limits of vendors?"""

from typing import Any

from exporter.alerts.call_limits import BUCKET_BY, CALLS_LOW, LEFT_RATIO, RATE_LIMIT_LOW
from exporter.core import common_metrics
from exporter.core.metric import Metric
from exporter.events import _rate_limit_series as m
from exporter.events._rate_limit_alerts import BLOCKS, BLOCKS_HIGH
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards import _sql as sql
from exporter.generate.dashboards import _store_panels as store
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import detail_link, integration_column, tenant_column
from exporter.generate.dashboards._limits import put_off, rate_limit_share_over_time
from exporter.generate.dashboards._panels import PanelQuery, TableColumn
from exporter.generate.dashboards._reported import HOUR, QUARTER, say_nothing
from exporter.generate.dashboards._scale import count_firing

REQUESTS, BLOCKED = reported.of_tenant(m.REQUESTS), reported.of_tenant(m.BLOCKS)
BUCKET = ", ".join(BUCKET_BY)
_OWN = "integration_exporter_ratelimit"

UID = "integration-ratelimits"
TENANT = tenant_column(UID)
COLUMNS = (integration_column(UID, detail_link()), tenant_column(UID, detail_link()))
COLOURS = {"allowed": show.GOOD, "blocked": show.WARNING}
POLICY = TableColumn("policy", "Policy", width=150, wrap=True)


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Rate limiting",
        description="Requests that our limits allow and block, and what is left of the limits of vendors.",
        sections=(
            Section("", _counts()),
            Section(
                "What limits decide",
                say_nothing("No request was judged", (*_decisions(), _places(), _tenants(), _kinds())),
            ),
            Section("Storage of limits", _storage()),
            Section("Limits of vendors", say_nothing("No probe has run", _vendors())),
        ),
    )


def _counts() -> tuple[Any, ...]:
    return (
        show.figure(
            "Requests",
            "Requests per minute that limits judged, ours and those of apps, on average of 5 minutes.",
            PanelQuery(reported.pace_now(REQUESTS)),
            size=(4, 4),
            unit="cpm",
        ).no_value("None judged"),
        show.figure(
            "Share blocked",
            "Share of the requests of 15 minutes that a limit refused.",
            PanelQuery(reported.share(BLOCKED, REQUESTS, window=QUARTER)),
            size=(4, 4),
            unit="percentunit",
        ).no_value("None judged"),
        numbers.alerts(
            "Policy alerts",
            "Policies that block more than they should of an endpoint, for a tenant, by the alert on them. "
            "No data means that no rules are evaluated.",
            reported.firing((BLOCKS_HIGH,)),
            bad=show.WARNING,
            carry=("tenant",),
        ),
        show.number(
            "Blocked now",
            "Addresses, users and keys that are blocked now: `integration-exporter ratelimits list`.",
            f"max({_OWN}_blocks)",
            bad=show.QUIET,
        ),
        show.number(
            "Failing storages",
            "Exporters whose storage of limits did not answer when it was last asked.",
            f"sum({_OWN}_storage_healthy == bool 0)",
            bad=show.BAD,
        ),
        numbers.alerts(
            "Low rate limits",
            "Buckets of vendors of which hardly a call is left, by the alerts on them.",
            count_firing(RATE_LIMIT_LOW, CALLS_LOW),
            bad=show.WARNING,
            carry=("tenant",),
        ),
    )


def _decisions() -> tuple[Any, ...]:
    return (
        show.stacked(
            "Requests per minute, by decision",
            "What limits allowed and what they blocked.",
            PanelQuery(reported.parts(REQUESTS, BLOCKED, "allowed", "blocked"), "{{outcome}}"),
            size=(12, 8),
            unit="cpm",
            step="1m",
            colours=COLOURS,
        ),
        show.lines(
            "Share that is blocked, by policy",
            f"Of the {ask.MOST} policies that block most. Dashed: the threshold.",
            (PanelQuery(ask.top(reported.share(BLOCKED, REQUESTS, "policy")), "{{policy}}"),),
            size=(12, 8),
            unit="percentunit",
            limits=show.limits_of(BLOCKS),
        ),
        show.lines(
            "Requests per minute, by endpoint",
            f"Of the {ask.MOST} endpoints that are asked for most.",
            (PanelQuery(ask.top(reported.per_minute(REQUESTS, "endpoint")), "{{endpoint}}"),),
            size=(12, 8),
            unit="cpm",
        ),
        show.lines(
            "Blocked per minute, by endpoint",
            f"Of the {ask.MOST} endpoints where limits refuse most.",
            (PanelQuery(ask.top(reported.per_minute(BLOCKED, "endpoint")), "{{endpoint}}"),),
            size=(12, 8),
            unit="cpm",
        ),
    )


def _places() -> Any:
    by = "policy, endpoint"
    worst = ask.top(reported.share(BLOCKED, REQUESTS, by, HOUR))
    of_them = f"and on ({by}) {worst}"
    return show.rows(
        "Policies and endpoints of an hour",
        f"The {ask.MOST} places with the largest share of blocked requests.",
        (worst, f"{reported.rise(BLOCKED, by)} {of_them}", f"{reported.rise(REQUESTS, by)} {of_them}"),
        (
            POLICY,
            TableColumn("endpoint", "Endpoint", wrap=True),
            TableColumn("A", "Share", unit="percentunit", decimals=1, bar=True),
            TableColumn("B", "Blocked", unit="locale", width=90, decimals=0),
            TableColumn("C", "Requests", unit="locale", width=110, decimals=0),
        ),
        size=(14, 9),
        sort=(("Share", True), ("Requests", True)),
        empty="No request was judged",
    )


def _tenants() -> Any:
    most = ask.top(reported.rise(BLOCKED, "tenant"))
    return show.rows(
        "Tenants of an hour",
        f"The {ask.MOST} tenants of whose requests most are blocked; those to the exporter itself have none.",
        (most, f"{reported.rise(REQUESTS, 'tenant')} and on (tenant) {most}"),
        (
            TENANT,
            TableColumn("A", "Blocked", unit="locale", decimals=0, bar=True),
            TableColumn("B", "Requests", unit="locale", width=120, decimals=0),
        ),
        size=(10, 9),
        sort=(("Blocked", True), ("Requests", True)),
        empty="No request was judged",
    )


def _kinds() -> Any:
    sums = ", ".join(f"sum({name})::bigint AS {name}" for name in ("allowed", "blocked", "unjudged"))
    query = (
        f"SELECT kind, scope, policy, {sums}\nFROM {sql.view('rate_limit_hours')}\n"
        f"WHERE {sql.WITHIN_HOURS} AND {sql.matches(('tenant',))}\nGROUP BY kind, scope, policy\n"
        f"ORDER BY blocked DESC\nLIMIT {ask.MOST}"
    )
    return store.log(
        "By kind of identifier",
        "What policies count by, in whole hours of the time range, on endpoints of the exporter (own) and of "
        "apps. Unjudged: decided without the storage.",
        query,
        (
            TableColumn("kind", "Counted by", width=110),
            TableColumn("scope", "Scope", width=110),
            TableColumn("policy", "Policy", wrap=True),
            *(TableColumn(name, name.capitalize(), width=110) for name in ("allowed", "blocked", "unjudged")),
        ),
        size=(24, 7),
        sort=(("Blocked", True),),
        empty="No request was judged",
    )


def _storage() -> tuple[Any, ...]:
    shown = (
        (
            "Calls to the storage that failed",
            "Since each exporter began, all of them together: a rise means that limits decide without it.",
            PanelQuery(f"sum({_OWN}_storage_failures)", "failed calls"),
        ),
        (
            "Identifiers in memory",
            "Windows that exporters count by themselves; 100,000 at most for each. None with Redis.",
            PanelQuery(f"sum({_OWN}_identifiers)", "identifiers"),
        ),
        (
            "Identifiers blocked, over time",
            "By hand and by limits that block for a while; replicas share them.",
            PanelQuery(f"max({_OWN}_blocks)", "blocked"),
        ),
    )
    return tuple(show.lines(title, text, (query,), size=(8, 7), unit="short") for title, text, query in shown)


def _vendors() -> tuple[Any, ...]:
    least = f"bottomk({ask.MOST}, {_left()})"
    of_them = f"and on ({BUCKET}) {least}"
    return (
        show.lines(
            "Rate limits nearly spent, over time",
            f"Of the {ask.MOST} buckets that are below the threshold, as the vendor's own answers say; once "
            "you pick tenants, of all of theirs. Dashed: the threshold.",
            (PanelQuery(rate_limit_share_over_time(), "{{integration}} {{tenant}} {{bucket}}"),),
            size=(8, 8),
            unit="percentunit",
            limits=show.limits_of(LEFT_RATIO),
        ).no_value("No rate limit is known to be nearly spent"),
        show.lines(
            "Calls to vendors per minute",
            f"Calls that probes of all replicas make, for the {ask.MOST} integrations with the most: our "
            "part of the limits.",
            (
                PanelQuery(
                    ask.top(reported.per_minute(ask.series(common_metrics.API_CALLS), "integration")),
                    "{{integration}}",
                ),
            ),
            size=(8, 8),
            unit="cpm",
        ),
        put_off(),
        show.rows(
            "Rate limits by share left",
            f"The {ask.MOST} limits of vendors of which least is left, and when they are full again.",
            (
                least,
                f"{_each(common_metrics.RATE_LIMIT_REMAINING)} {of_them}",
                f"{_each(common_metrics.RATE_LIMIT_LIMIT)} {of_them}",
                f"{_each(common_metrics.RATE_LIMIT_RESET)} * 1000 {of_them}",
            ),
            (
                *COLUMNS,
                TableColumn("bucket", "Bucket", wrap=True),
                TableColumn("A", "Left", unit="percentunit", decimals=1, bar=True),
                TableColumn("B", "Calls left", decimals=0, width=100),
                TableColumn("C", "Of", width=90),
                TableColumn("D", "Full again", unit="dateTimeFromNow", width=160),
            ),
            size=(24, 8),
            sort=(("Left", False),),
            empty="No vendor says what is left",
        ),
    )


def _left() -> str:
    """Return the share of each bucket that is left, of the exporter that saw the least of it."""
    remaining = ask.series(common_metrics.RATE_LIMIT_REMAINING)
    size = ask.series(common_metrics.RATE_LIMIT_LIMIT)
    # Within one replica, which has both from one answer.
    return f"min by ({BUCKET}) ({remaining} / ({size} > 0))"


def _each(metric: Metric) -> str:
    return ask.each(metric, "bucket", how="min")
