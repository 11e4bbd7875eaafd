"""Cases of the alerts about quotas, prepaid money and costs."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case
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

# Only the names of the families matter here: the alerts own their numbers.
_SHARE = ThresholdFamily("quota_ratio", "Name of the thresholds.", {Severity.HIGH: 0}, unit="ratio")

_MONTH = ThresholdFamily("cost_month_usd", "Name of the thresholds.", {Severity.CRITICAL: 0}, unit="usd")

DAY = 86_400


def _levels(*severities: str, quota: str = "emails") -> tuple[dict[str, str], ...]:
    named = {"quota": quota} if quota else {}
    return tuple({**target(), **named, "severity": severity} for severity in severities)


def _quota(used: str, limit: str = "1000x60", **labels: str) -> dict[str, str]:
    return {
        series(QUOTA_USED, quota="emails", **labels): used,
        series(QUOTA_LIMIT, quota="emails", **labels): limit,
    }


_REFUSED = series(FAILURE_INFO, reason="quota")

QUOTA_NEAR_LIMIT = (
    Case("fires", _quota("850x60"), "20m", _levels("medium"), says="85 %"),
    Case("fires", _quota("1000x60"), "20m", _levels("critical", "high", "medium"), says="exhausted"),
    Case(
        "fires",
        {_REFUSED: "1x60", series(SUCCESS): "0x60"},
        "20m",
        _levels("critical", quota=""),
        says="refused for an empty quota, without numbers and thresholds",
        defaults=False,
    ),
    Case("quiet", _quota("500x60"), "20m"),
    Case("quiet", _quota("990x20 3x60"), "55m", says="the quota started again"),
    Case(
        "quiet",
        {_REFUSED: "1x10 stale", series(SUCCESS): "0x10 1x60"},
        "45m",
        says="the vendor takes our calls again",
    ),
    Case(
        "quiet",
        {series(FAILURE_INFO, reason="auth"): "1x60", series(SUCCESS): "0x60"},
        "20m",
        says="another refusal",
    ),
    Case(
        "quiet",
        {
            series(FAILURE_INFO, reason="quota", instance="a"): "1x60",
            series(SUCCESS, instance="a"): "0x60",
            series(SUCCESS, instance="b"): "1x60",
        },
        "20m",
        says="another replica is let through",
    ),
    Case("boundary", _quota("799x60"), "20m", says="79.9 % is not yet 80 %"),
    Case("boundary", _quota("800x60"), "20m", _levels("medium"), says="80 % is"),
    Case("boundary", _quota("999x60"), "20m", _levels("high", "medium"), says="one is left"),
    Case("missing", {series(QUOTA_USED, quota="emails"): "900x60"}, "20m", says="a quota without limit"),
    Case("missing", _quota("900x60", "0x60"), "20m", says="a limit of zero is no share"),
    Case(
        "missing",
        _quota("850x20 stale _x5 850x60", "1000x20 stale _x5 1000x60"),
        "24m",
        _levels("medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {**_quota("850x60"), threshold(_SHARE, "medium", tenant="acme"): "0.89x60"},
        "20m",
        says="a laxer tenant override silences its step",
    ),
    Case(
        "fires",
        {**_quota("600x60"), threshold(_SHARE, "medium", tenant="acme"): "0.5x60"},
        "20m",
        _levels("medium"),
        says="a stricter tenant override fires its step",
    ),
    Case(
        "fires",
        _quota("850x60", instance="a") | _quota("860x60", instance="b"),
        "20m",
        _levels("medium"),
        says="two replicas give one alert",
    ),
)


def _rising(used: str, left: int) -> dict[str, str]:
    """Return a quota of 1000 that starts again `left` seconds after the twentieth minute."""
    return {**_quota(used, "1000x40"), series(QUOTA_RESET, quota="emails"): f"{1200 + left}x40"}


# 0.4 a minute are 24 an hour. At 20m 600 are used, more than the half below which the alert stays quiet.
_RISING = "592+0.4x40"

QUOTA_RUNNING_OUT = (
    Case("fires", _rising(_RISING, DAY), "20m", _levels("low"), says="600 used, 24 an hour for a day"),
    Case("quiet", _rising("600x40", DAY), "20m", says="nothing is used any more"),
    Case("quiet", _rising(_RISING, 3600), "20m", says="it starts again in an hour"),
    Case("quiet", _rising("392+0.4x40", 10 * DAY), "20m", says="less than half is used"),
    Case("boundary", _rising(_RISING, 59_850), "20m", says="999 of 1000"),
    Case("boundary", _rising(_RISING, 60_150), "20m", _levels("low"), says="1001 of 1000"),
    Case("missing", _quota(_RISING, "1000x40"), "20m", says="nobody knows when it starts again"),
    Case("missing", {series(QUOTA_USED, quota="emails"): _RISING}, "20m", says="a quota without limit"),
)


def _money(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target(), "severity": severity} for severity in severities)


def _left(values: str) -> dict[str, str]:
    return {series(PREPAID_BALANCE, currency="USD"): values}


# Six dollars an hour are spent, a dime a minute: at 20m two dollars less are left than at first.
BALANCE_RUNNING_OUT = (
    Case("fires", _left("902-0.1x40"), "20m", _money("medium"), says="150 hours are less than a week"),
    Case("fires", _left("122-0.1x40"), "20m", _money("high", "medium"), says="20 hours are left"),
    Case("fires", _left("0x40"), "20m", _money("critical", "high", "medium"), says="empty"),
    Case("fires", _left("-3x40"), "20m", _money("critical", "high", "medium"), says="below zero"),
    Case("quiet", _left("5402-0.1x40"), "20m", says="it lasts for more than a month"),
    Case("quiet", _left("5x40"), "20m", says="little is left, but nothing is spent"),
    Case("quiet", _left("902x14 880x40"), "17m", says="the pace of a few minutes is none"),
    Case("quiet", _left("30-0.1x10 5000-0.1x30"), "20m", says="money was added"),
    Case("boundary", _left("1016-0.1x40"), "20m", says="169 hours are more than a week"),
    Case("boundary", _left("1009-0.1x40"), "20m", _money("medium"), says="a little less than a week"),
    Case("missing", _left("_x40"), "20m", says="a vendor that is not prepaid"),
)

COST_TODAY_HIGH = (
    Case("fires", {series(COST_TODAY): "30+2x60"}, "20m", _money("high"), says="70 USD"),
    Case("quiet", {series(COST_TODAY): "12x60"}, "20m"),
    Case("quiet", {series(COST_TODAY): "80x20 0.5x60"}, "40m", says="a new day began"),
    Case("boundary", {series(COST_TODAY): "50x60"}, "20m", says="50 USD are not more than 50 USD"),
    Case("boundary", {series(COST_TODAY): "50.01x60"}, "20m", _money("high"), says="a cent more is"),
    Case("missing", {series(COST_TODAY): "_x60"}, "20m", says="a vendor that reports no cost"),
    Case(
        "missing",
        {series(COST_TODAY): "60x20 stale _x5 60x60"},
        "24m",
        _money("high"),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

COST_MONTH_HIGH = (
    Case("fires", {series(COST_MONTH): "1200x60"}, "20m", _money("critical")),
    Case("quiet", {series(COST_MONTH): "700x60"}, "20m"),
    Case("boundary", {series(COST_MONTH): "1000x60"}, "20m", says="1000 USD are not more than 1000 USD"),
    Case("boundary", {series(COST_MONTH): "1000.01x60"}, "20m", _money("critical"), says="a cent more is"),
    Case("missing", {series(COST_MONTH): "_x60"}, "20m", says="a vendor that reports no cost"),
    Case(
        "quiet",
        {series(COST_MONTH): "1200x60", threshold(_MONTH, "critical", tenant="acme"): "2000x60"},
        "20m",
        says="a laxer tenant override silences it",
    ),
)

# Tests begin on 1 January 1970: January has 31 days, of which five count as passed.
COST_FORECAST = (
    Case("fires", {series(COST_MONTH): "170x120"}, "20m", _money("low"), says="170 USD in five days"),
    Case("quiet", {series(COST_MONTH): "90x120"}, "20m", says="90 USD in five days"),
    Case("quiet", {series(COST_MONTH): "170x40"}, "10m", says="it must look so for a quarter of an hour"),
    Case("boundary", {series(COST_MONTH): "161.2x120"}, "20m", says="999.44 USD"),
    Case("boundary", {series(COST_MONTH): "161.4x120"}, "20m", _money("low"), says="1000.68 USD"),
    Case("missing", {series(COST_MONTH): "_x120"}, "20m", says="a vendor that reports no cost"),
    Case(
        "quiet",
        {series(COST_MONTH): "170x120", threshold(_MONTH, "critical", tenant="acme"): "2000x120"},
        "20m",
        says="a laxer tenant override silences it",
    ),
    Case(
        "fires",
        {series(COST_MONTH): "90x120", threshold(_MONTH, "critical", tenant="acme"): "500x120"},
        "20m",
        _money("low"),
        says="a stricter tenant override fires it",
    ),
)
