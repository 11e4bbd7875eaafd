"""How much is left of what vendors give, what does it cost, and what do our own calls take of it?"""

from typing import Any

from exporter import registry
from exporter.alerts.call_limits import BUDGET_SPENT, CALLS_LOW, LEFT_RATIO, RATE_LIMIT_LOW, RATE_LIMITED
from exporter.alerts.quotas import (
    BALANCE_RUNNING_OUT,
    COST_FORECAST,
    COST_MONTH_HIGH,
    COST_OF_DAY,
    COST_OF_MONTH,
    COST_TODAY_HIGH,
    QUOTA,
    QUOTA_NEAR_LIMIT,
    QUOTA_RUNNING_OUT,
)
from exporter.core import common_metrics as m
from exporter.core.alert import BY
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.generate.dashboards import _limits as limits
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards._board import Dashboard, Section
from exporter.generate.dashboards._columns import detail_link, integration_column, tenant_column
from exporter.generate.dashboards._panels import PanelQuery, limits_of
from exporter.generate.dashboards._scale import count_firing

UID = "integration-quotas"
COLUMNS = (integration_column(UID, detail_link()), tenant_column(UID, detail_link()))


def build() -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        uid=UID,
        title="Integrations / Quotas and cost",
        description="What is left of quotas, rate limits and money, until when, what does it cost?",
        sections=(
            Section("", _counts()),
            Section("Quotas", (limits.quotas(COLUMNS), _quotas())),
            Section("Rate limits", (limits.rate_limits(COLUMNS), _rate_limits())),
            Section("Cost and money", (limits.costs(COLUMNS), limits.balances(COLUMNS), *_costs())),
            Section("Our own calls", _calls()),
        ),
    )


def _counts() -> tuple[Any, ...]:
    return (
        numbers.alerts(
            "Quotas used up",
            "Quotas of which nothing is left: the vendor refuses calls.",
            count_firing(QUOTA_NEAR_LIMIT, severities=(Severity.CRITICAL,)),
            bad=show.BAD,
        ),
        numbers.alerts(
            "Low quotas",
            "Quotas beyond a threshold, or used up before they start again if it goes on like that.",
            count_firing(QUOTA_NEAR_LIMIT, QUOTA_RUNNING_OUT),
            bad=show.WARNING,
        ),
        numbers.alerts(
            "Low rate limits",
            "Rate limits of which hardly a call is left, and targets that vendors throttle.",
            count_firing(RATE_LIMIT_LOW, CALLS_LOW, RATE_LIMITED),
            bad=show.WARNING,
        ),
        numbers.alerts(
            "Costs too high",
            "Targets that cost more today or this month than they may, or will at their pace.",
            count_firing(COST_TODAY_HIGH, COST_MONTH_HIGH, COST_FORECAST),
            bad=show.BAD,
        ),
        numbers.alerts(
            "Prepaid low",
            "Prepaid accounts that are empty, or will be soon at the pace of a week.",
            count_firing(BALANCE_RUNNING_OUT),
            bad=show.BAD,
        ),
        numbers.alerts(
            "Our budget spent",
            "Integrations whose probes are put off, because the calls that they may make are used up.",
            count_firing(BUDGET_SPENT),
            bad=show.WARNING,
        ),
    )


def _quotas() -> Any:
    return show.lines(
        "Quotas near their limit",
        f"Share used of the {ask.MOST} quotas that are beyond a threshold; once you pick tenants, of all of "
        "theirs. Dashed: the strictest thresholds.",
        (PanelQuery(limits.quota_share_over_time(), "{{integration}} {{tenant}} {{quota}}"),),
        size=(24, 8),
        unit="percentunit",
        limits=limits_of(QUOTA),
    ).no_value("No quota is known to be near its limit")


def _rate_limits() -> Any:
    return show.lines(
        "Rate limits nearly spent, over time",
        f"Share left of the {ask.MOST} rate limits that are below the threshold; once you pick tenants, of "
        "all of theirs. Dashed: the strictest thresholds.",
        (PanelQuery(limits.rate_limit_share_over_time(), "{{integration}} {{tenant}} {{bucket}}"),),
        size=(12, 9),
        unit="percentunit",
        limits=limits_of(LEFT_RATIO),
    ).no_value("No rate limit is known to be nearly spent")


def _costs() -> tuple[Any, ...]:
    return (
        _cost_over_time(
            "Cost of the day",
            f"What the {ask.MOST} targets that cost most have cost since midnight UTC. Dashed: what one may.",
            m.COST_TODAY,
            limits_of(COST_OF_DAY),
        ),
        _cost_over_time(
            "Cost of the month so far",
            f"What the {ask.MOST} targets that cost most have cost since the first, UTC. Dashed: what one "
            "may.",
            m.COST_MONTH,
            limits_of(COST_OF_MONTH),
        ),
        show.bars(
            "Cost of the month by integration",
            "All tenants together, in US dollars.",
            PanelQuery(
                ask.top(f"sum by (integration) ({ask.each(m.COST_MONTH)})"),
                "{{integration}}",
            ),
            size=(8, 8),
            unit="currencyUSD",
        )
        .decimals(2)
        .no_value("No cost is known"),
    )


def _cost_over_time(title: str, text: str, metric: Metric, limit: PanelQuery) -> Any:
    most = ask.top(f"max by ({BY}) ({ask.series(metric)})")
    query = PanelQuery(most, "{{integration}} {{tenant}}")
    panel = show.lines(title, text, (query,), size=(8, 8), unit="currencyUSD", limits=limit)
    return panel.no_value("No cost is known")


def _allowances() -> str:
    """Return in words which providers have a documented limit of reads."""
    documented = ((one.title, one.allowance.calls) for one in registry.probes().values() if one.allowance)
    return ", ".join(f"{title} {calls:,.0f}" for title, calls in documented)


def _calls() -> tuple[Any, ...]:
    pace = f"sum by (integration) (rate({ask.series(m.API_CALLS)}[$__rate_interval])) * 60"
    month = f"round(sum by (integration) (increase({ask.series(m.API_CALLS)}[1d])) * 30)"
    return (
        show.lines(
            "Calls to vendors per minute",
            f"What probes ask of vendors, for the {ask.MOST} integrations that ask most, all replicas "
            "together.",
            (PanelQuery(ask.top(pace), "{{integration}}"),),
            size=(7, 8),
            unit="cpm",
        ).no_value("No call is known"),
        show.bars(
            "Calls in 30 days, at the pace of a day",
            f"The {ask.MOST} integrations that ask most. Documented for one credential: {_allowances()}.",
            PanelQuery(ask.top(month), "{{integration}}"),
            # Else the names of integrations are cut.
            size=(10, 8),
            unit="short",
        ).no_value("No call is known"),
        limits.put_off(size=(7, 8)),
    )
