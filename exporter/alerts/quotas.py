"""How much is left, and what does it cost? Quotas, prepaid money, and the bills of vendors."""

from exporter.alerts.availability import DOWN, STATE, TARGET_FAILING
from exporter.alerts.cases import quotas as cases
from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.common_metrics import (
    COST_MONTH,
    COST_TODAY,
    FAILURE_INFO,
    PREPAID_BALANCE,
    QUOTA_LIMIT,
    QUOTA_RESET,
    QUOTA_USED,
    SUCCESS,
)
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

QUOTA_BY = f"{BY}, quota"
DAY = 86_400.0

QUOTA = ThresholdFamily(
    "quota_ratio",
    "Share of a vendor's quota from which it counts as nearly used up; 1 is exhausted.",
    {Severity.MEDIUM: 0.8, Severity.HIGH: 0.9, Severity.CRITICAL: 1.0},
    unit="ratio",
)

# A vendor that refuses us for an empty quota gives no numbers any more: its reason takes their place, read
# as it is now; the look-back of the other half bridges a gap of scrapes, keep_firing that of this one. What a
# database has no more of are connections, which another alert reports.
_REFUSED = f'{FAILURE_INFO}{{reason="quota",provider!="postgres"}}'
_USED = f"last_over_time({QUOTA_USED}[$lookback])"
_LIMIT = f"last_over_time({QUOTA_LIMIT}[$lookback])"
_RATIO = f"max by ({QUOTA_BY}) (\n  {_USED}\n/\n  ({_LIMIT} > 0)\n)"
_LET_THROUGH = f"(last_over_time({SUCCESS}[{STATE}]) == 1)"

QUOTA_NEAR_LIMIT = Alert(
    name="IntegrationQuotaNearLimit",
    summary="A vendor's quota is nearly or wholly used up.",
    summaries={
        Severity.CRITICAL: "A vendor's quota is used up.",
        Severity.HIGH: "A vendor's quota is nearly used up.",
        Severity.MEDIUM: "Much of a vendor's quota is used.",
    },
    description=(
        "{{ if $labels.quota }}The quota {{ $labels.quota }}{{ else }}A quota{{ end }} "
        f"of {WHO} is used to {{{{ $value | humanizePercentage }}}}."
    ),
    observed=_RATIO,
    op=">=",
    by=("integration", "provider", "tenant", "quota"),
    family=QUOTA,
    # Without a threshold: providers without quotas of their own refuse too, and have none.
    besides={Severity.CRITICAL: f"max by ({QUOTA_BY}) ({_REFUSED}) unless on ({BY}) {_LET_THROUGH}"},
    # A quota of a minute or an hour is full and free in turn: that pages twice an hour at most.
    keep_firing="30m",
    # A refusal has no quota's name, and is why the target fails.
    explains=(DOWN.name, TARGET_FAILING.name),
    explains_if=('severity="critical"', 'quota=""'),
    dashboard="integration-quotas",
    cases=cases.QUOTA_NEAR_LIMIT,
    runbook=Runbook(
        meaning=(
            "What is used of a quota that the vendor sets (messages or units of a day or a month) has "
            "reached the share that `quota_ratio` says: medium and high before its end, critical at its end. "
            "It is critical too, without the name of a quota, where the vendor refuses the probe because a "
            "quota or prepaid money is used up."
        ),
        impact=(
            "At its end the vendor refuses the tenant's calls until the quota starts again: mails are not "
            "sent, jobs are not run."
        ),
        diagnosis=(
            "1. `integration_quota_used` and `integration_quota_limit`: since when does it rise faster than "
            "usual?\n"
            "2. `integration_quota_reset_timestamp_seconds`: when does it start again?\n"
            "3. Is it the tenant's own growth, a loop of ours, or somebody who abuses a form?"
        ),
        mitigation=(
            "Stop what is not needed, or put it off until the quota starts again. Buy a larger plan where "
            "the use is meant. It resolves by itself when the quota starts again."
        ),
    ),
)

_PACE = f"deriv({QUOTA_USED}[6h])"
_LEFT = f"(last_over_time({QUOTA_RESET}[$lookback]) - time() > 0)"

QUOTA_RUNNING_OUT = Alert(
    name="IntegrationQuotaRunningOut",
    summary="A vendor's quota will be used up before it starts again.",
    description=(
        f"At the pace of six hours {WHO} will have used {{{{ $value | humanizePercentage }}}} of the quota "
        "{{ $labels.quota }} before it starts again."
    ),
    expr=(
        f"max by ({QUOTA_BY}) (\n"
        f"  ({_USED} + clamp_min({_PACE}, 0) * {_LEFT})\n"
        f"/\n  ({_LIMIT} > 0)\n"
        ") > 1\n"
        f"and\n{_RATIO} >= 0.5"
    ),
    by=("integration", "provider", "tenant", "quota"),
    severities=(Severity.LOW,),
    hold="15m",
    subject="quota-forecast",
    every="4m",
    dashboard="integration-quotas",
    cases=cases.QUOTA_RUNNING_OUT,
    runbook=Runbook(
        meaning=(
            "At least half of the quota is used, and if it goes on as in the last six hours, the rest will "
            "not last until it starts again. It must have looked so for a quarter of an hour."
        ),
        impact="None yet. Before the quota starts again, the vendor may refuse the tenant's calls.",
        diagnosis=(
            "1. Is the pace of the last hours the usual one, or a single burst such as a newsletter?\n"
            "2. Compare with the same days of the month before."
        ),
        mitigation="Put off what can wait, or plan a larger quota with the vendor while there is time.",
    ),
)

BALANCE = ThresholdFamily(
    "balance_seconds",
    "How long prepaid money lasts at the pace of a week, from which it counts as running out; 0 is empty.",
    {Severity.MEDIUM: 7 * DAY, Severity.HIGH: DAY, Severity.CRITICAL: 0},
    rising=False,
    unit="seconds",
)

MONEY = f"integration_provider_tenant:{PREPAID_BALANCE}:max"
SPENT = f"integration_provider_tenant:{PREPAID_BALANCE}:spent_15m"
# Money that was added within the quarter of an hour hides what was spent in it.
SPENT_EXPR = (
    f"max by ({BY}) (\n"
    "  clamp_min(\n"
    f"    last_over_time({PREPAID_BALANCE}[$lookback] offset 15m)"
    f" - last_over_time({PREPAID_BALANCE}[$lookback]),\n    0\n  )\n)"
)
# Dollars a second. Two of the records are looked at, so that one evaluation that is late leaves no gap.
PACE = f"integration_provider_tenant:{PREPAID_BALANCE}:pace_1w"
# An hour at least: a single purchase in the first quarter of an hour is no pace.
PACE_EXPR = f"avg_over_time({SPENT}[1w]) / 900 > 0\nand\n  count_over_time({SPENT}[1w]) >= 4"

BALANCE_RUNNING_OUT = Alert(
    name="IntegrationBalanceRunningOut",
    summary="Prepaid money at a vendor runs out.",
    summaries={
        Severity.CRITICAL: "Prepaid money at a vendor is used up.",
        Severity.HIGH: "Prepaid money at a vendor runs out soon.",
        Severity.MEDIUM: "Prepaid money at a vendor runs out before long.",
    },
    description=(
        f"The prepaid money of {WHO} "
        "{{ if le $value 0.0 }}is used up{{ else }}lasts for {{ $value | humanizeDuration }}{{ end }}."
    ),
    observed=f"({MONEY} <= 0) or {MONEY} / on ({BY}) last_over_time({PACE}[35m])",
    op="<=",
    family=BALANCE,
    records={
        SPENT: SPENT_EXPR,
        PACE: PACE_EXPR,
        MONEY: f"max by ({BY}) (last_over_time({PREPAID_BALANCE}[$lookback]))",
    },
    record_every={SPENT: "15m", PACE: "15m"},
    every="1m",
    subject="balance",
    dashboard="integration-quotas",
    cases=cases.BALANCE_RUNNING_OUT,
    runbook=Runbook(
        meaning=(
            "The prepaid money (`integration_prepaid_balance`), divided by the pace of spending on the "
            "average of the last week, lasts no longer than `balance_seconds` says. Critical means that "
            "nothing is left."
        ),
        impact="When it is used up, the vendor refuses every call that costs money.",
        diagnosis=(
            "1. Does the pace differ from last week's? Look for the tenant or the job that spends more.\n"
            "2. Is automatic recharging switched on at the vendor, and did its card expire?"
        ),
        mitigation="Add money in the vendor's console, and switch automatic recharging on.",
    ),
)

COST_OF_DAY = ThresholdFamily(
    "cost_today_usd",
    "What a vendor may charge for one day (UTC), in US dollars.",
    {Severity.HIGH: 50},
    unit="usd",
    environment=((Severity.HIGH, "MONITORING_FAL_DAILY_COST_LIMIT"),),
)
COST_OF_MONTH = ThresholdFamily(
    "cost_month_usd",
    "What a vendor may charge for one month (UTC), in US dollars.",
    {Severity.CRITICAL: 1000},
    unit="usd",
    environment=((Severity.CRITICAL, "MONITORING_FAL_MONTHLY_COST_LIMIT"),),
)

_DAY_DIAGNOSIS = (
    "1. Which models, messages or tenants make it up? See the vendor's own usage page.\n"
    "2. Did the number of calls rise, or the price of each?\n"
    "3. A loop that retries, a leaked key and a test against production are the usual causes."
)

COST_TODAY_HIGH = Alert(
    name="IntegrationCostOfDayHigh",
    summary="A vendor charges more for today than it may.",
    description=f"{WHO} has cost {{{{ $value | printf `%.2f` }}}} USD today.",
    observed=f"max by ({BY}) (last_over_time({COST_TODAY}[$lookback]))",
    family=COST_OF_DAY,
    subject="cost",
    every="2m",
    dashboard="integration-quotas",
    cases=cases.COST_TODAY_HIGH,
    runbook=Runbook(
        meaning=(
            "What the vendor charges since midnight UTC is above `cost_today_usd` "
            "(MONITORING_FAL_DAILY_COST_LIMIT where there is no file)."
        ),
        impact="Money is spent faster than planned; the month's limit may be reached early.",
        diagnosis=_DAY_DIAGNOSIS,
        mitigation=(
            "Stop what causes it: revoke the key, switch the job off, limit the tenant. If the use is "
            "meant, raise `cost_today_usd` of the integration or the tenant. It resolves at midnight UTC."
        ),
    ),
)

COST_MONTH_HIGH = Alert(
    name="IntegrationCostOfMonthHigh",
    summary="A vendor charges more for this month than it may.",
    description=f"{WHO} has cost {{{{ $value | printf `%.2f` }}}} USD this month.",
    observed=f"max by ({BY}) (last_over_time({COST_MONTH}[$lookback]))",
    family=COST_OF_MONTH,
    subject="cost",
    every="2m",
    dashboard="integration-quotas",
    cases=cases.COST_MONTH_HIGH,
    runbook=Runbook(
        meaning=(
            "What the vendor charges since the first of the month, UTC, is above `cost_month_usd` "
            "(MONITORING_FAL_MONTHLY_COST_LIMIT where there is no file)."
        ),
        impact="The month's budget is spent; every further call goes beyond it.",
        diagnosis=_DAY_DIAGNOSIS,
        mitigation=(
            "Decide with whoever owns the budget: stop the use until the next month, or raise "
            "`cost_month_usd`. It stays until the month is over or the limit is higher."
        ),
    ),
)

# scalar() because the calendar knows no labels. A month is taken to be five days old at least: what a single
# day costs says little.
_PASSED = "scalar(clamp_min((day_of_month() - 1) * 24 + hour(), 120))"
_EXPECTED = (
    f"max by ({BY}) (last_over_time({COST_MONTH}[$lookback])) * scalar(days_in_month()) * 24\n  / {_PASSED}"
)
_DEFAULT = f'integration_provider_severity:{COST_OF_MONTH.metric}:default{{severity="critical"}}'
_OVERRIDE = f'integration_provider_tenant_severity:{COST_OF_MONTH.metric}:override{{severity="critical"}}'

COST_FORECAST = Alert(
    name="IntegrationCostOfMonthForecast",
    summary="A vendor will charge more for this month than it may.",
    description=f"At its pace so far {WHO} will have cost {{{{ $value | printf `%.2f` }}}} USD this month.",
    expr=(
        "(\n"
        f"  (\n{_EXPECTED}\n  > on (integration, provider) group_left ()\n  {_DEFAULT}\n  )\n"
        f"  unless on ({BY})\n  {_OVERRIDE}\n"
        "or\n"
        f"  (\n{_EXPECTED}\n  > on ({BY}) group_left ()\n  {_OVERRIDE}\n  )\n"
        ")"
    ),
    severities=(Severity.LOW,),
    hold="15m",
    subject="cost",
    every="4m",
    dashboard="integration-quotas",
    cases=cases.COST_FORECAST,
    runbook=Runbook(
        meaning=(
            "If the rest of the month (UTC) goes on as its days so far, it will cost more than "
            "`cost_month_usd`. In the first five days what is spent is spread over five days."
        ),
        impact="None yet; there is time to decide.",
        diagnosis="Which days made the pace: an exception, such as a campaign, or is it the new normal?",
        mitigation=(
            "Reduce the use, or plan the money and raise `cost_month_usd`. It resolves when the pace falls."
        ),
    ),
)

QUOTAS = (
    QUOTA_NEAR_LIMIT,
    QUOTA_RUNNING_OUT,
    BALANCE_RUNNING_OUT,
    COST_TODAY_HIGH,
    COST_MONTH_HIGH,
    COST_FORECAST,
)
