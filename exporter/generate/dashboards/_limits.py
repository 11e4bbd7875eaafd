"""What is left of what vendors give: tokens, quotas, rate limits and money, those that end first.

Each takes the columns that name a target, and `narrow` as the panels of `_status` do.
"""

from collections.abc import Sequence
from typing import Any

from exporter.alerts.call_limits import RATE_LIMIT_LOW
from exporter.alerts.quotas import (
    BALANCE_RUNNING_OUT,
    COST_MONTH_HIGH,
    COST_OF_MONTH,
    MONEY,
    PACE,
    QUOTA_NEAR_LIMIT,
)
from exporter.core import common_metrics as m
from exporter.core.alert import BY
from exporter.core.metric import Metric
from exporter.generate.dashboards import _numbers as numbers
from exporter.generate.dashboards import _panels as show
from exporter.generate.dashboards import _promql as ask
from exporter.generate.dashboards import _reported as reported
from exporter.generate.dashboards._panels import PanelQuery, Size, TableColumn
from exporter.generate.dashboards._scale import of_picked_tenants, record, recorded_level
from exporter.generate.dashboards._status import Narrow, unchanged
from exporter.probes.facebook_ads.account import SPEND

HALF, WHOLE = (12, 9), (24, 9)
QUOTA = f"{BY}, quota"
BUCKET = f"{BY}, bucket"
STATE = TableColumn("A", "State", width=75, words=show.severity_words(("Fine", show.GOOD)))
RENEWED = {"1": ("Exporter", show.PLAIN), "0": ("A person", show.WARNING)}
"""Who renews a token."""
QUOTAS = {SPEND: (f"{SPEND} (money)", show.PLAIN)}
"""Quotas of which the name does not say what they count."""
BUCKETS = {"whatsapp_business_management": ("whatsapp_business", show.PLAIN)}
"""Buckets whose name is longer than half a page has room for."""
AT_ITS_END = (
    "At its end: the share that will be used when the quota starts again, at the pace of the last six hours."
)


def _share(part: str, whole: str, by: str) -> str:
    # Within one replica, which has both from one answer.
    return f"max by ({by}) ({part} / ({whole} > 0))"


def quota_share() -> str:
    """Return how much is used of every quota, as a share."""
    return _share(ask.series(m.QUOTA_USED), ask.series(m.QUOTA_LIMIT), QUOTA)


def quota_share_over_time() -> str:
    """Return the same for graphs: of all tenants those that are near the end, of picked ones all."""
    picked = _share(of_picked_tenants(m.QUOTA_USED), of_picked_tenants(m.QUOTA_LIMIT), QUOTA)
    near = f"max by ({QUOTA}) ({record(QUOTA_NEAR_LIMIT.suspects_record)})"
    return f"{ask.top(near)} or {ask.top(picked)}"


def rate_limit_share() -> str:
    """Return what is left of every rate limit, as a share."""
    return _share(ask.series(m.RATE_LIMIT_REMAINING), ask.series(m.RATE_LIMIT_LIMIT), BUCKET)


def rate_limit_share_over_time() -> str:
    """Return the same for graphs: of all tenants those that are near the end, of picked ones all."""
    left, size = of_picked_tenants(m.RATE_LIMIT_REMAINING), of_picked_tenants(m.RATE_LIMIT_LIMIT)
    low = f"max by ({BUCKET}) ({record(RATE_LIMIT_LOW.suspects_record)})"
    return f"bottomk({ask.MOST}, {low}) or bottomk({ask.MOST}, {_share(left, size, BUCKET)})"


def _forecast(rows: str) -> str:
    """Return the share that will be used of each of `rows` when it starts again, at the pace of six hours."""
    used, limit = ask.series(m.QUOTA_USED), ask.series(m.QUOTA_LIMIT)
    # Two readings and no regression over all between them, which would take seconds at ten thousand tenants.
    pace = f"clamp_min({used} - {used} offset 6h, 0) / 21600"
    left = f"clamp_min({ask.series(m.QUOTA_RESET)} - time(), 0)"
    # Narrowed before replicas are collapsed, and no earlier: Prometheus 2.42 takes longer then.
    return f"max by ({QUOTA}) (({used} + {pace} * {left}) / {limit} and on ({QUOTA}) {rows})"


def quotas(
    columns: Sequence[TableColumn], narrow: Narrow = unchanged, size: Size = WHOLE, *, resets: bool = True
) -> Any:
    """Return the table of the quotas that are used most; `resets`: it is known when they start again."""
    nearest = ask.top(quota_share())

    def of_these(expr: str) -> str:
        return narrow(f"{expr} and on ({QUOTA}) {nearest}")

    text = f"The {ask.MOST} quotas that are used most, judged by the thresholds in force."
    queries: tuple[str, ...] = (
        narrow(recorded_level(QUOTA_NEAR_LIMIT, nearest)),
        narrow(nearest),
        of_these(ask.each(m.QUOTA_USED, "quota")),
        of_these(ask.each(m.QUOTA_LIMIT, "quota")),
    )
    shown: tuple[TableColumn, ...] = (
        STATE,
        *columns,
        TableColumn("quota", "Quota", width=150, wrap=True, words=QUOTAS),
        TableColumn("B", "Used", unit="percentunit", decimals=1, bar=True),
        TableColumn("C", "Units used", unit="locale", width=105),
        TableColumn("D", "Limit", unit="locale", width=105),
    )
    if resets:
        text += f" {AT_ITS_END}"
        queries += (narrow(_forecast(nearest)), of_these(f"{ask.each(m.QUOTA_RESET, 'quota')} * 1000"))
        shown += (
            TableColumn("E", "At its end", unit="percentunit", decimals=0, width=105),
            TableColumn("F", "Starts again", unit="dateTimeFromNow", width=125),
        )
    return show.rows(
        "Quotas by share used",
        text,
        queries,
        shown,
        size=size,
        sort=(("Used", True),),
        empty="No quota is known",
    )


def rate_limits(columns: Sequence[TableColumn], narrow: Narrow = unchanged, size: Size = HALF) -> Any:
    """Return the table of the rate limits of which least is left."""
    nearest = f"bottomk({ask.MOST}, {rate_limit_share()})"
    of_these = f"and on ({BUCKET}) {nearest}"
    return show.rows(
        "Rate limits by share left",
        f"The {ask.MOST} rate limits of which least is left, as the vendor's last answer said.",
        (
            narrow(nearest),
            narrow(f"{ask.each(m.RATE_LIMIT_REMAINING, 'bucket')} {of_these}"),
        ),
        (
            *columns,
            TableColumn("bucket", "Bucket", width=155, wrap=True, words=BUCKETS),
            TableColumn("A", "Left", unit="percentunit", decimals=0, bar=True),
            TableColumn("B", "Calls left", unit="locale", decimals=0, width=85),
        ),
        size=size,
        sort=(("Left", False),),
        empty="No rate limit is known",
    )


def _limit_of(rows: str) -> str:
    """Return what a month may cost, for each of `rows`: the tenant's own limit, or the integration's."""
    # vector(1) has no tenant: a matcher on it would read the index of every tenant.
    own = f"min by ({BY}) ({COST_OF_MONTH.metric} unless on (tenant) vector(1))"
    usual = f"min by (integration, provider) ({COST_OF_MONTH.metric} and on (tenant) vector(1))"
    return f"({own} and on ({BY}) {rows}) or ({rows}) * 0 + on (integration, provider) group_left () {usual}"


def expected_cost() -> str:
    """Return what each month will have cost, at its pace so far."""
    # As the alert has it: a month is taken to be five days old at least.
    passed = "scalar(clamp_min((day_of_month() - 1) * 24 + hour(), 120))"
    return f"{ask.each(m.COST_MONTH)} * scalar(days_in_month()) * 24 / {passed}"


def costs(columns: Sequence[TableColumn], narrow: Narrow = unchanged, size: Size = (13, 9)) -> Any:
    """Return the table of what costs most this month."""
    most = ask.top(ask.each(m.COST_MONTH))
    of_these = f"and on ({BY}) {most}"
    return show.rows(
        "Cost of the month",
        f"The {ask.MOST} targets that cost most this month (UTC), in US dollars, judged by the thresholds in "
        "force. Expected: the whole month, at its pace so far.",
        (
            narrow(recorded_level(COST_MONTH_HIGH, most)),
            narrow(f"{ask.each(m.COST_TODAY)} {of_these}"),
            narrow(most),
            narrow(f"{expected_cost()} {of_these}"),
            narrow(_limit_of(most)),
        ),
        (
            STATE,
            *columns,
            TableColumn("B", "Today", unit="currencyUSD", decimals=2, width=75),
            TableColumn("C", "Month", unit="currencyUSD", decimals=2, width=85),
            TableColumn("D", "Expected", unit="currencyUSD", decimals=2, width=90),
            TableColumn("E", "Limit", unit="currencyUSD", decimals=2, width=80),
        ),
        size=size,
        sort=(("Month", True),),
        empty="No cost is known",
    )


def balances(columns: Sequence[TableColumn], narrow: Narrow = unchanged, size: Size = (11, 9)) -> Any:
    """Return the table of the prepaid money that ends first."""
    lasts = f"{record(MONEY)} / on ({BY}) last_over_time({record(PACE)}[35m])"
    least = f"bottomk({ask.MOST}, {ask.each(m.PREPAID_BALANCE, 'currency')})"
    known = f"max by ({BY}) ({least})"
    return show.rows(
        "Prepaid money",
        f"The {ask.MOST} smallest balances, judged by the thresholds in force. Lasts: at the pace of the "
        "last week, known an hour after the first reading.",
        (
            narrow(recorded_level(BALANCE_RUNNING_OUT, known)),
            narrow(least),
            narrow(f"max by ({BY}) ({lasts}) and on ({BY}) {known}"),
        ),
        (
            STATE,
            *columns,
            TableColumn("currency", "Currency", width=77),
            TableColumn("B", "Left", unit="locale", decimals=2, width=75),
            TableColumn("C", "Lasts", unit="s", decimals=1, width=83),
        ),
        size=size,
        sort=(("Left", False),),
        empty="No prepaid money is known",
    )


def tokens(columns: Sequence[TableColumn], narrow: Narrow = unchanged, size: Size = HALF) -> Any:
    """Return the table of the tokens that expire first."""
    first = f"bottomk({ask.MOST}, {ask.each(m.TOKEN_EXPIRY, 'token', how='min')})"
    of_these = f"and on ({BY}, token) {first}"
    return show.rows(
        "Tokens by time left",
        f"The {ask.MOST} tokens that expire first, and who renews them.",
        (
            narrow(f"{first} - time()"),
            narrow(f"{ask.each(m.TOKEN_REFRESHABLE, 'token')} {of_these}"),
        ),
        (
            *columns,
            TableColumn("token", "Token", width=100, wrap=True),
            TableColumn("A", "Time left", unit="s", decimals=1, width=110),
            TableColumn("B", "Renewed by", width=105, words=RENEWED),
        ),
        size=size,
        sort=(("Time left", False),),
        empty="No token that expires is known",
    )


def calls(narrow: Narrow = unchanged, size: Size = (4, 4)) -> Any:
    """Return how many calls probes made to vendors within an hour."""
    text = "Calls that probes made to the vendor in the last hour, those of all replicas together."
    return _within_hour("Calls, 1 h", text, m.API_CALLS, narrow, size)


def probes(narrow: Narrow = unchanged, size: Size = (4, 4)) -> Any:
    """Return how many probes ran within an hour, in place of calls where probes are the calls."""
    text = "Probes of the last hour, those of all replicas together."
    return _within_hour("Probes, 1 h", text, m.PROBES, narrow, size)


def _within_hour(title: str, text: str, metric: Metric, narrow: Narrow, size: Size) -> Any:
    expr = narrow(f"sum({increase(metric, '1h')})")
    return numbers.amount(title, text, expr, unit="short", none="None", decimals=0, size=size)


def put_off(selector: str = ask.series(m.DEFERRED), size: Size = (8, 8)) -> Any:
    """Return how many probes were put off over time, by integration; `selector` says of which ones."""
    # Those without one would fill the legend.
    most = ask.top(f"{reported.rise_in_step(selector, 'integration')} > 0")
    return show.stacked(
        "Probes put off, by integration",
        "Probes that did not run when they were due, because the calls that their credential may make were "
        "used up, or the vendor asked to wait: how many in the time of each bar, of all replicas.",
        PanelQuery(most, "{{integration}}"),
        size=size,
        unit="short",
        step=show.COUNTED,
    ).no_value("No probe is known to be put off")


def increase(metric: Metric, length: str) -> str:
    """Return by how much a counter of integrations rose within `length`, summed over replicas."""
    return f"sum by (integration, provider) (increase({ask.series(metric)}[{length}]))"
