"""Cases that prove the alerts of a Stripe account."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.stripe import metrics as m

# Only the name of the family matters here: the alert owns its numbers.
_SUCCESS = ThresholdFamily(
    "payment_success_ratio", "Name of the thresholds.", {Severity.HIGH: 0}, unit="ratio"
)


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target(), "severity": severity} for severity in severities)


def _endpoints(disabled: str) -> dict[str, str]:
    return {
        series(m.WEBHOOK_ENDPOINTS, status="enabled"): "2x60",
        series(m.WEBHOOK_ENDPOINTS, status="disabled"): disabled,
    }


WEBHOOK_DISABLED = (
    Case("fires", _endpoints("1x60"), "30m", _levels("critical")),
    Case("quiet", _endpoints("0x60"), "30m"),
    Case("quiet", _endpoints("1x9 0x60"), "40m", says="enabled again"),
    Case("boundary", _endpoints("0x29 1x60"), "30m", _levels("critical"), says="the first reading is enough"),
    Case("missing", {series(m.WEBHOOK_ENDPOINTS, status="enabled"): "2x60"}, "30m"),
    Case(
        "missing",
        _endpoints("1x20 stale _x5 1x60"),
        "24m",
        _levels("critical"),
        says="a restart resolves nothing",
    ),
)

UNDELIVERED = (
    Case("fires", {series(m.UNDELIVERED): "4x60"}, "30m", _levels("medium")),
    Case("quiet", {series(m.UNDELIVERED): "0x60"}, "30m"),
    Case("boundary", {series(m.UNDELIVERED): "1x60"}, "30m", _levels("medium"), says="one event is enough"),
    Case("missing", {series(m.UNDELIVERED): "_x60"}, "30m", says="a key that may not read events"),
    Case(
        "missing", {series(m.UNDELIVERED): "4x20 stale _x5 4x60"}, "24m", _levels("medium"), says="a restart"
    ),
)


def _payments(succeeded: str, failed: str, blocked: str = "0x60", **labels: str) -> dict[str, str]:
    return {
        series(m.PAYMENTS, outcome="succeeded", **labels): succeeded,
        series(m.PAYMENTS, outcome="failed", **labels): failed,
        series(m.PAYMENTS, outcome="blocked", **labels): blocked,
    }


PAYMENTS_FAILING = (
    Case("fires", _payments("90x60", "10x60"), "30m", _levels("high"), says="90 % succeed"),
    Case("fires", _payments("40x60", "60x60"), "30m", _levels("high", "critical"), says="40 % succeed"),
    Case("quiet", _payments("100x60", "1x60"), "30m", says="99 % succeed"),
    Case("quiet", _payments("100x60", "0x60", "300x60"), "30m", says="blocked payments are no failures"),
    Case("boundary", _payments("98x60", "2x60"), "30m", says="98 % is not below 98 %"),
    Case("boundary", _payments("80x60", "20x60"), "30m", _levels("high"), says="80 % is not below 80 %"),
    Case("boundary", _payments("0x60", "19x60"), "30m", says="19 attempts say nothing"),
    Case("boundary", _payments("0x60", "20x60"), "30m", _levels("high", "critical"), says="20 attempts do"),
    Case("missing", _payments("0x60", "0x60"), "30m", says="nobody pays, so there is no share"),
    Case("missing", {series(m.PAYMENTS, outcome="succeeded"): "50x60"}, "30m", says="half of it is unknown"),
    Case(
        "missing",
        _payments("90x20 stale _x5 90x60", "10x20 stale _x5 10x60"),
        "24m",
        _levels("high"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {**_payments("90x60", "10x60"), threshold(_SUCCESS, "high", tenant="acme"): "0.85x60"},
        "30m",
        says="a laxer tenant override silences its step",
    ),
    Case(
        "quiet",
        _payments("90x60", "10x60", instance="a") | _payments("99x60", "0x60", instance="b"),
        "30m",
        says="the better of two replicas counts, each with its own window",
    ),
)

RESTRICTED = (
    Case("fires", {series(m.RESTRICTED): "1x60"}, "30m", _levels("critical")),
    Case("quiet", {series(m.RESTRICTED): "0x60"}, "30m"),
    Case("quiet", {series(m.RESTRICTED): "1x9 0x60"}, "40m", says="the restriction was lifted"),
    Case(
        "boundary",
        {series(m.RESTRICTED): "0x29 1x60"},
        "30m",
        _levels("critical"),
        says="at the first reading",
    ),
    Case("missing", {series(m.RESTRICTED): "_x60"}, "30m", says="a key that may not read the account"),
)


def _share(metric: Metric) -> tuple[Case, ...]:
    def of(count: int, daily: str) -> dict[str, str]:
        return {series(metric): f"{count}x60", series(m.PAYMENTS_DAILY): daily}

    return (
        Case("fires", of(6, "600x60"), "30m", _levels("high"), says="1 %"),
        Case("fires", of(3, "0x60"), "30m", _levels("high"), says="three, and nobody pays any more"),
        Case("quiet", of(6, "6000x60"), "30m", says="0.1 %"),
        Case("boundary", of(2, "10x60"), "30m", says="two are too few to speak of a share"),
        Case("boundary", of(5, "1000x60"), "30m", says="0.5 % is not above 0.5 %"),
        Case("boundary", of(5, "999x60"), "30m", _levels("high"), says="a little more is"),
        Case("missing", {series(metric): "6x60"}, "30m", says="how many pay is unknown"),
        Case("missing", {series(m.PAYMENTS_DAILY): "600x60"}, "30m"),
    )


WARNINGS = _share(m.FRAUD_WARNINGS)
DISPUTES = _share(m.DISPUTES)
