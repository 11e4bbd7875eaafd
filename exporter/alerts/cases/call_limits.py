"""Cases of the alerts on rate limits, budgets of calls and answers that change."""

from exporter.alerts.cases.series import series, target, text, threshold, whole
from exporter.core.alert import Case, exemption
from exporter.core.common_metrics import (
    CONSECUTIVE_FAILURES,
    DEFERRED,
    FAILURE_INFO,
    RATE_LIMIT_LIMIT,
    RATE_LIMIT_REMAINING,
    SCHEMA_DRIFT,
    SUCCESS,
)
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

# Only the names of the families matter here: the alerts own their numbers.
_RATIO = ThresholdFamily("rate_limit_ratio", "Name of the thresholds.", {Severity.MEDIUM: 0}, unit="ratio")
_CALLS = ThresholdFamily("rate_limit_calls", "Name of the thresholds.", {Severity.MEDIUM: 0})
_BUCKET = ({**target(), "bucket": "app"},)


def _limit(left: str, size: str = "") -> dict[str, str]:
    sized = {series(RATE_LIMIT_LIMIT, bucket="app"): size} if size else {}
    return {series(RATE_LIMIT_REMAINING, bucket="app"): left, **sized}


RATE_LIMIT_LOW = (
    Case("fires", _limit("40x60", "1000x60"), "30m", _BUCKET, says="4 % are left"),
    Case("fires", _limit("5x60", "100x60"), "30m", _BUCKET, says="a limit in percent"),
    Case("quiet", _limit("600x60", "1000x60"), "30m"),
    Case("quiet", _limit("900x20 40x5 900x60", "1000x90"), "30m", says="low for five minutes"),
    Case("boundary", _limit("100x60", "1000x60"), "30m", says="10 % is not below 10 %"),
    Case("boundary", _limit("99x60", "1000x60"), "30m", _BUCKET, says="a little less is"),
    Case("boundary", _limit("900x20 40x60", "1000x90"), "29m", says="for eight minutes"),
    Case("boundary", _limit("900x20 40x60", "1000x90"), "32m", _BUCKET, says="for ten minutes"),
    Case("missing", _limit("1x60"), "30m", says="the size is unknown, which the other alert looks at"),
    Case("missing", _limit("0x60", "0x60"), "30m", says="a limit of nothing has no share"),
    Case(
        "missing",
        _limit("40x30 stale _x5 40x60", "1000x30 stale _x5 1000x60"),
        "34m",
        _BUCKET,
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {**_limit("40x60", "1000x60"), threshold(_RATIO, "medium", tenant="acme"): "0.01x60"},
        "30m",
        says="a laxer tenant override silences",
    ),
)

CALLS_LOW = (
    Case("fires", _limit("3x60"), "30m", _BUCKET, says="the size is unknown"),
    Case("fires", _limit("3x60", "40x60"), "30m", _BUCKET, says="a small limit"),
    Case("quiet", _limit("60x60"), "30m"),
    Case("quiet", _limit("9x60", "12x60"), "30m", says="most of a tiny limit"),
    Case("quiet", _limit("3x60", "1000x60"), "30m", says="of a large one the share counts"),
    Case("boundary", _limit("10x60"), "30m", says="10 is not below 10"),
    Case("boundary", _limit("9x60"), "30m", _BUCKET, says="one less is"),
    Case("boundary", _limit("3x60", "100x60"), "30m", says="100 calls are no small limit"),
    Case("boundary", _limit("9x60", "18x60"), "30m", says="half of it"),
    Case("boundary", _limit("9x60", "19x60"), "30m", _BUCKET, says="less than half of it"),
    Case("missing", {series(RATE_LIMIT_LIMIT, bucket="app"): "40x60"}, "30m", says="what is left is unknown"),
    Case(
        "missing",
        _limit("3x30 stale _x5 3x60"),
        "34m",
        _BUCKET,
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {**_limit("3x60"), threshold(_CALLS, "medium", tenant="acme"): "2x60"},
        "30m",
        says="a laxer tenant override silences",
    ),
)


def _refused(failures: str, throttled: str, **labels: str) -> dict[str, str]:
    return {
        series(CONSECUTIVE_FAILURES, **labels): failures,
        series(FAILURE_INFO, reason="rate_limited", **labels): throttled,
    }


RATE_LIMITED = (
    Case("fires", _refused("0x5 1 2x60", "_x6 1x60"), "20m", (target(),)),
    Case("quiet", {series(CONSECUTIVE_FAILURES): "0x60", series(SUCCESS): "1x60"}, "20m"),
    Case("quiet", _refused("0x5 1x3 0x60", "_x6 1x3"), "20m", says="one refusal alone"),
    Case(
        "quiet",
        {series(CONSECUTIVE_FAILURES): "1+1x60", series(FAILURE_INFO, reason="timeout"): "1x60"},
        "20m",
        says="another reason",
    ),
    Case("quiet", _refused("0x5 1 2x5 0x60", "_x6 1x6"), "55m", says="it is over"),
    Case("boundary", _refused("1x60", "1x60"), "20m", says="one"),
    Case("boundary", _refused("2x60", "1x60"), "20m", (target(),), says="two in a row"),
    Case("missing", {series(FAILURE_INFO, reason="rate_limited"): "1x60"}, "20m", says="no state"),
    Case(
        "missing",
        _refused("2x20 stale _x5 2x60", "1x20 stale _x5 1x60"),
        "24m",
        (target(),),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_OF_EACH = exemption("replicas", "each replica counts what it did itself, and the greatest count is taken")
_DEFERRED = text(DEFERRED, **whole())

BUDGET_SPENT = (
    _OF_EACH,
    Case("fires", {_DEFERRED: "0x5 0+1x90"}, "40m", (whole(),)),
    Case("quiet", {_DEFERRED: "0x90"}, "40m"),
    Case("quiet", {_DEFERRED: "7x90"}, "40m", says="long ago"),
    Case("boundary", {_DEFERRED: "0x20 0+1x90"}, "34m", says="for thirteen minutes"),
    Case("boundary", {_DEFERRED: "0x20 0+1x90"}, "38m", (whole(),), says="for more than fifteen"),
    Case("missing", {_DEFERRED: "_x90"}, "40m"),
    Case(
        "missing",
        {_DEFERRED: "0+1x40 stale _x5 46+1x60"},
        "44m",
        (whole(),),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_DRIFT = text(SCHEMA_DRIFT, **whole())

SCHEMA_CHANGED = (
    _OF_EACH,
    Case("fires", {_DRIFT: "0x5 0+1x90"}, "60m", (whole(),)),
    Case("quiet", {_DRIFT: "0x120"}, "60m"),
    Case("quiet", {_DRIFT: "500x120"}, "60m", says="long ago"),
    Case("quiet", {_DRIFT: "0x20 1x120"}, "120m", says="one odd answer"),
    Case("boundary", {_DRIFT: "0x20 2x120"}, "120m", says="two fields"),
    Case("boundary", {_DRIFT: "0x20 3x120"}, "120m", (whole(),), says="three fields"),
    Case("missing", {_DRIFT: "_x120"}, "60m"),
    Case(
        "missing",
        {_DRIFT: "0+1x60 stale _x5 66+1x60"},
        "64m",
        (whole(),),
        says="a gap while the exporter restarts does not resolve it",
    ),
)
