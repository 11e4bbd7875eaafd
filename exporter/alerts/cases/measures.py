"""Cases of the alerts about latency and certificates."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case, exemption
from exporter.core.common_metrics import (
    CERTIFICATE_EXPIRY,
    CHAIN_EXPIRY,
    CLIENT_CERTIFICATE_EXPIRY,
    CONSECUTIVE_FAILURES,
    DURATION,
    LAST_RUN,
    NEXT_RUN,
)
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

# Only the names of the families matter here: the alerts own their numbers.
_LATENCY = ThresholdFamily("latency_seconds", "Name of the thresholds.", {Severity.HIGH: 0}, unit="seconds")
_LIFE = ThresholdFamily(
    "certificate_expiry_seconds", "Name of the thresholds.", {Severity.HIGH: 0}, unit="seconds"
)


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target(), "severity": severity} for severity in severities)


def _probed(durations: str, failures: str = "0x60", **labels: str) -> dict[str, str]:
    return {series(DURATION, **labels): durations, series(CONSECUTIVE_FAILURES, **labels): failures}


def _seldom(durations: str) -> dict[str, str]:
    """Return a target that is probed every ten minutes."""
    runs = {series(LAST_RUN): "0x9 600x9 1200x9 1800x9", series(NEXT_RUN): "600x9 1200x9 1800x9 2400x9"}
    return {**_probed(durations), **runs}


LATENCY_HIGH = (
    Case("fires", _probed("3x60"), "30m", _levels("medium"), says="above the medium step"),
    Case("fires", _probed("6x60"), "30m", _levels("high", "medium"), says="above both steps"),
    Case("quiet", _probed("0.4x60"), "30m"),
    Case("quiet", _probed("0.4x20 3x20 0.4x40"), "60m", says="the slow quarter of an hour is over"),
    Case("quiet", _probed("10x60", "1+1x60"), "30m", says="a target that fails is reported by other alerts"),
    Case(
        "quiet",
        _probed("0.4x9 10x2 0.4x60", "0x9 1 2 0x60"),
        "20m",
        says="timeouts of failed probes do not count",
    ),
    Case("quiet", _probed("0.2x20 6x1 0.2x40"), "24m", says="one slow probe of one a minute"),
    Case("quiet", _probed("0.2x20 6x4 0.2x40"), "26m", says="one slow probe of three"),
    Case("fires", _probed("0.2x20 6x9 0.2x40"), "30m", _levels("high", "medium"), says="two slow of three"),
    Case(
        "quiet",
        {
            **_probed("0.2x60", instance="a"),
            series(DURATION, instance="b"): "10x60",
            series(CONSECUTIVE_FAILURES, instance="b"): "1+1x60",
        },
        "30m",
        says="a replica that is cut off times out",
    ),
    Case(
        "quiet",
        {**_probed("0.2x60", instance="a"), **_probed("6x60", instance="b")},
        "30m",
        says="one of two replicas is far away",
    ),
    Case("quiet", _seldom("0.2x19 6x8 0.2x40"), "28m", says="one slow probe of one every ten minutes"),
    Case("fires", _seldom("0.2x9 6x60"), "30m", _levels("high", "medium"), says="both of twenty minutes"),
    Case("boundary", _probed("2x60"), "30m", says="2 s is not above 2 s"),
    Case("boundary", _probed("2.01x60"), "30m", _levels("medium"), says="a little more is"),
    Case("missing", {series(CONSECUTIVE_FAILURES): "0x60"}, "30m", says="a target whose duration is unknown"),
    Case(
        "missing",
        {series(DURATION): "3x20 stale _x5 3x60", series(CONSECUTIVE_FAILURES): "0x60"},
        "24m",
        _levels("medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {**_probed("3x60"), threshold(_LATENCY, "medium", tenant="acme"): "8x60"},
        "30m",
        says="a laxer tenant override silences its step",
    ),
    Case(
        "fires",
        {**_probed("1x60"), threshold(_LATENCY, "medium", tenant="acme"): "0.5x60"},
        "30m",
        _levels("medium"),
        says="a stricter tenant override fires its step",
    ),
    exemption("flap", "failures only leave a target out; it speaks of those that got through"),
)

DAY = 86_400


def _expires(seconds: int, metric: Metric = CERTIFICATE_EXPIRY) -> dict[str, str]:
    """Return a certificate that expires `seconds` after the tenth minute."""
    # The cases are judged at 10m, which is second 600 of a test's clock.
    return {series(metric): f"{600 + seconds}x60"}


def _certificates(*severities: str, certificate: str = "server") -> tuple[dict[str, str], ...]:
    return tuple({**labels, "certificate": certificate} for labels in _levels(*severities))


CERTIFICATE_EXPIRING = (
    Case("fires", _expires(20 * DAY), "10m", _certificates("medium"), says="20 days left"),
    Case("fires", _expires(6 * DAY), "10m", _certificates("high", "medium"), says="6 days left"),
    Case(
        "fires",
        _expires(-60),
        "10m",
        _certificates("critical", "high", "medium"),
        says="expired a minute ago",
    ),
    Case("quiet", _expires(60 * DAY), "10m"),
    Case("quiet", {series(CERTIFICATE_EXPIRY): f"{DAY}x5 {90 * DAY}x60"}, "10m", says="renewed"),
    Case("boundary", _expires(21 * DAY), "10m", says="21 days are not less than 21 days"),
    Case("boundary", _expires(21 * DAY - 1), "10m", _certificates("medium"), says="a second less is"),
    Case("boundary", _expires(0), "10m", _certificates("high", "medium"), says="in its last second"),
    Case(
        "fires",
        {**_expires(90 * DAY), **_expires(2 * DAY, CHAIN_EXPIRY)},
        "10m",
        _certificates("high", "medium", certificate="chain"),
        says="an intermediate certificate expires before the server's own",
    ),
    Case(
        "fires",
        {**_expires(2 * DAY), **_expires(2 * DAY, CHAIN_EXPIRY)},
        "10m",
        _certificates("high", "medium"),
        says="the server's own is the first of its chain",
    ),
    Case(
        "fires",
        {**_expires(8 * DAY), **_expires(2 * DAY, CHAIN_EXPIRY)},
        "10m",
        _certificates("high", "medium", certificate="chain"),
        says="of two that expire the first one alone",
    ),
    Case(
        "fires",
        {**_expires(90 * DAY), **_expires(-60, CLIENT_CERTIFICATE_EXPIRY)},
        "10m",
        _certificates("critical", "high", "medium", certificate="client"),
        says="our own certificate has expired, and nobody else's",
    ),
    Case(
        "quiet",
        {**_expires(90 * DAY), **_expires(60 * DAY, CHAIN_EXPIRY)},
        "10m",
        says="the chain expires first, but not soon",
    ),
    Case("missing", {series(CERTIFICATE_EXPIRY): "_x60"}, "10m", says="a target without TLS is quiet"),
    Case(
        "missing",
        {series(CERTIFICATE_EXPIRY): f"{DAY}x5 stale _x5 {DAY}x40"},
        "10m",
        _certificates("high", "medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "quiet",
        {
            **_expires(6 * DAY),
            threshold(_LIFE, "medium"): f"{2 * DAY}x60",
            threshold(_LIFE, "high"): f"{DAY}x60",
            threshold(_LIFE, "critical"): "0x60",
        },
        "10m",
        says="a laxer integration override silences",
    ),
    Case(
        "fires",
        {**_expires(25 * DAY), threshold(_LIFE, "medium", tenant="acme"): f"{30 * DAY}x60"},
        "10m",
        _certificates("medium"),
        says="a stricter tenant override fires",
    ),
)
