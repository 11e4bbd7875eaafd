"""How targets are, and why: panels that the overview, the dashboards of providers and the detail share.

Each takes `narrow`, which changes a query that is filtered by `$integration`, `$provider` and `$tenant` into
one for the variables of its dashboard.
"""

from collections.abc import Callable, Sequence
from typing import Any

from exporter.alerts.availability import TARGETS
from exporter.alerts.measures import CERTIFICATE_EXPIRING, LATENCY, P95
from exporter.alerts.service_level import SHARE
from exporter.core import common_metrics
from exporter.core.alert import BY
from exporter.core.counting import increase
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._columns import REASONS, errors_link
from exporter.generate.dashboards._links import DataLink
from exporter.generate.dashboards._panels import PanelQuery, Size, TableColumn
from exporter.generate.dashboards._scale import RULES_WORK, of_picked_tenants, record, recorded_level

Narrow = Callable[[str], str]

NOW = (24, 8)
"""Size of the tables of what is wrong now: the sentence of a reason needs the whole line."""
LATE = 300
"""Seconds past its due time after which a probe is overdue, as in the alert on stale probes."""

CONNECTED = ("Connected", show.GOOD)
SOME_FAILING = ("Some failing", show.WARNING)
ALL_FAILING = ("Failing", show.BAD)
UNCONFIGURED = ("Not configured", show.QUIET)

SUCCESS = ask.each(common_metrics.SUCCESS)
FAILING = f"({SUCCESS} == 0)"
DURATION = ask.each(common_metrics.DURATION)
_WHOLE = "integration, provider"


def unchanged(expr: str) -> str:
    """Return `expr`: of a dashboard that has all three variables."""
    return expr


def of_provider(name: str) -> Narrow:
    """Return what narrows a query to one provider, for a dashboard without the variable `provider`."""

    def narrow(expr: str) -> str:
        matcher = f'provider="{name}"'
        return expr.replace('provider=~"$provider"', matcher).replace('provider=~"$provider|"', matcher)

    return narrow


def counts(narrow: Narrow = unchanged) -> tuple[Any, ...]:
    """Return how many targets fail, of how many tenants and integrations, and what is not probed."""
    late = f"sum(time() > bool ({ask.each(common_metrics.NEXT_RUN)} + {LATE}))"
    return (
        show.number(
            "Failing targets",
            "Integrations of a tenant whose last probe failed. A target is one integration of one tenant.",
            narrow(f"sum({SUCCESS} == bool 0)"),
            bad=show.BAD,
        ),
        show.number(
            "Tenants affected",
            "Tenants with at least one failing integration. Integrations without tenants count as one.",
            narrow(f"sum(max by (tenant) ({SUCCESS} == bool 0))"),
            bad=show.BAD,
        ),
        show.number(
            "Integrations hit",
            "Integrations that fail for at least one tenant.",
            narrow(f"sum(max by (integration) ({SUCCESS} == bool 0))"),
            bad=show.BAD,
        ),
        show.number(
            "Not configured",
            "Targets that are never probed because a credential or an account id is missing.",
            narrow(f"sum({ask.each(common_metrics.CONFIGURED)} == bool 0)"),
            bad=show.QUIET,
        ),
        show.number(
            "Overdue probes",
            "Targets whose next probe should have started more than five minutes ago: what is shown is old.",
            narrow(late),
            bad=show.WARNING,
        ),
    )


def grid(links: Sequence[DataLink], narrow: Narrow = unchanged, size: Size = (24, 11)) -> Any:
    """Return the status of each integration over time."""
    # Of all tenants what the rules recorded; of picked ones their own series, which are few.
    share = record(SHARE)
    recorded = f"1 - (ceil({share}) + floor({share})) / 2"
    success = of_picked_tenants(common_metrics.SUCCESS)
    picked = f"(min by ({_WHOLE}) ({success}) + max by ({_WHOLE}) ({success})) / 2"
    # Without the tenant: an integration is not configured where no target of it is ever probed.
    # Only while rules are evaluated: else every integration would look like that.
    known = f"{_integrations()} * 0 + 2 + on () group_left () ({RULES_WORK})"
    idle = f"{known} unless on ({_WHOLE}) {record(TARGETS)}"
    idle_picked = f"max by ({_WHOLE}) ({of_picked_tenants(common_metrics.CONFIGURED)} == 0) + 2"
    state = " or ".join(f"max by ({_WHOLE}) ({one})" for one in (recorded, picked, idle, idle_picked))
    return show.states(
        "Status by integration",
        "Over all tenants: connected, failing for some, failing for all, or not configured. Click a bar for "
        "more of one integration.",
        PanelQuery(narrow(state), "{{integration}}"),
        {"1": CONNECTED, "0.5": SOME_FAILING, "0": ALL_FAILING, "2": UNCONFIGURED},
        size=size,
        step="1m",
        links=links,
    )


def _integrations() -> str:
    """Return one series for each integration that was picked, nothing once a tenant is picked."""
    return ask.series(common_metrics.CRITICAL, 'tenant=~"$tenant"')


def failing(
    columns: Sequence[TableColumn], narrow: Narrow = unchanged, log: DataLink | None = None, size: Size = NOW
) -> Any:
    """Return the table of targets that fail; `columns` name them, `log` leads to their failures."""
    reason = f"topk by ({BY}) (1, {ask.each(common_metrics.FAILURE_INFO, 'reason')})"
    reason = f"({reason} and on ({BY}) {FAILING})"
    success = ask.each(common_metrics.LAST_SUCCESS)
    # Milliseconds, as Grafana counts time; 0 stands for "never".
    since = ask.top(f"{reason} * on ({BY}) group_left () {success} * 1000 or {reason} * 0")
    failures = f"{ask.each(common_metrics.CONSECUTIVE_FAILURES)} and on ({BY}) {since}"
    return show.rows(
        "Failing now",
        f"The {ask.MOST} targets that failed most recently, with the reason of the last probe. Since: when a "
        "probe last succeeded; the failure began at most one interval after that.",
        (narrow(since), narrow(failures)),
        (
            *columns,
            TableColumn("reason", "Reason", words=REASONS, links=(log or errors_link(),)),
            TableColumn(
                "A", "Since", unit="dateTimeFromNow", width=132, words={"0": ("Never worked", show.PLAIN)}
            ),
            TableColumn("B", "In a row", width=75),
        ),
        size=size,
        sort=(("Since", True),),
        empty="No target reports a failure",
    )


def latency(narrow: Narrow = unchanged, size: Size = (10, 9)) -> Any:
    """Return how long probes take, by integration."""
    # Replicas do not shift a quantile.
    picked = f"quantile by ({_WHOLE}) (0.95, {of_picked_tenants(common_metrics.DURATION)})"
    p95 = ask.top(f"max by ({_WHOLE}) ({record(P95)} or {picked})")
    return show.lines(
        "Probe duration, 95th percentile over tenants",
        f"How long the last probe took, for the {ask.MOST} slowest integrations. Dashed: the strictest "
        "thresholds.",
        (PanelQuery(narrow(p95), "{{integration}}"),),
        size=size,
        unit="s",
        limits=PanelQuery(narrow(ask.limit(LATENCY)), show.LIMIT),
    ).no_value("No probe has run")


def slowest(columns: Sequence[TableColumn], narrow: Narrow = unchanged, size: Size = (8, 9)) -> Any:
    """Return the table of targets whose last probe took longest."""
    return show.rows(
        "Slowest now",
        f"The {ask.MOST} targets whose last probe took longest.",
        (narrow(ask.top(DURATION)),),
        (*columns, TableColumn("A", "Duration", unit="s", bar=True)),
        size=size,
        sort=(("Duration", True),),
        empty="No probe has run",
    )


def phases(narrow: Narrow = unchanged, size: Size = (6, 9)) -> Any:
    """Return the mean time of each phase of the last probes."""
    # Replicas do not shift a mean either.
    mean = f"sort_desc(avg by (phase) ({ask.series(common_metrics.PHASE_DURATION)}))"
    return show.bars(
        "Where the time goes",
        "Mean time of each phase of the last probes. A phase that did not happen does not count.",
        PanelQuery(narrow(mean), "{{phase}}"),
        size=size,
        unit="s",
    ).no_value("No probe has run")


def certificates(columns: Sequence[TableColumn], narrow: Narrow = unchanged, size: Size = (12, 9)) -> Any:
    """Return the table of the certificates that expire first."""
    kinds = (("server", common_metrics.CERTIFICATE_EXPIRY), ("chain", common_metrics.CHAIN_EXPIRY))
    # Of each metric the first of an integration before replicas and metrics are joined: few rows, not all.
    firsts = (
        (kind, f"max by ({BY}) (bottomk by ({_WHOLE}) (1, {ask.series(metric)}))") for kind, metric in kinds
    )
    left = " or ".join(
        f'label_replace({expr} - time(), "certificate", "{kind}", "", "")' for kind, expr in firsts
    )
    # One row per integration: thousands of tenants often share one server and its certificate.
    first = f"bottomk({ask.MOST}, bottomk by ({_WHOLE}) (1, {left}))"
    return show.rows(
        "Certificates by time left",
        "For each integration the certificate that expires first, of the server or of its chain, judged by "
        "the thresholds in force.",
        (narrow(recorded_level(CERTIFICATE_EXPIRING, first)), narrow(first)),
        (
            TableColumn("A", "State", width=100, words=show.severity_words(("Fine", show.GOOD))),
            *columns,
            TableColumn("B", "Time left", unit="s", decimals=1),
        ),
        size=size,
        sort=(("Time left", False),),
        empty="No certificate was seen",
    )


def failure_pace(label: str) -> str:
    """Return failed probes per minute by `label`, as `failed` counts them."""
    return f"({failed(label, '$__rate_interval')}) * 60000 / $__rate_interval_ms"


def failed(label: str, window: str) -> str:
    """Return the probes that failed in `window` by `label`, "reason" or "integration", of what was picked.

    Of picked tenants they are known by how their failures in a row rise; the counters have no tenant.
    """
    counted = ask.series(common_metrics.PROBE_FAILURES, 'tenant=~"$tenant"')
    # A reason is counted from its first failure on, which is no increase; one that was away is not new.
    before = f"last_over_time({counted}[1h] offset {window})"
    known = f"(increase({counted}[{window}]) and {before})"
    whole = f"max by ({_WHOLE}, reason) ({known} or ({counted} unless {before}))"
    rows = increase(of_picked_tenants(common_metrics.CONSECUTIVE_FAILURES), window)
    info = f"last_over_time({of_picked_tenants(common_metrics.FAILURE_INFO)}[{window}])"
    why = f"topk by ({BY}) (1, max by ({BY}, reason) ({info}))"
    picked = f"max by ({BY}) ({rows}) * on ({BY}) group_left (reason) {why}"
    return f"sum by ({label}) ({whole}) or sum by ({label}) ({picked})"


def failures(narrow: Narrow = unchanged, size: Size = (12, 9)) -> Any:
    """Return failed probes over time, by reason."""
    return show.stacked(
        "Failed probes per minute, by reason",
        "What the failures have in common: many reasons at once point at the network, one at a vendor.",
        PanelQuery(narrow(failure_pace("reason")), "{{reason}}"),
        size=size,
        unit="cpm",
        step="1m",
    ).no_value("No failure is known")
