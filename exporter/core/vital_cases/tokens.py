"""Cases of the alert about tokens that somebody has to renew."""

from exporter.core.alert import Case
from exporter.core.severity import Severity
from exporter.core.threshold import Family
from exporter.core.vital_cases.series import series, target, threshold
from exporter.core.vitals import TOKEN_EXPIRY, TOKEN_REFRESHABLE

# Only the name of the family matters here: the alert owns its numbers.
_LIFE = Family("token_expiry_seconds", "Name of the thresholds.", {Severity.HIGH: 0}, unit="seconds")
DAY = 86_400
ACCESS = {"token": "access"}
DATA = {"token": "data_access"}


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target(), **ACCESS, "severity": severity} for severity in severities)


def _ends(seconds: int, refreshable: str = "0x60") -> dict[str, str]:
    """Return a token that ends `seconds` after the tenth minute."""
    return {
        series(TOKEN_EXPIRY, **ACCESS): f"{600 + seconds}x60",
        series(TOKEN_REFRESHABLE, **ACCESS): refreshable,
    }


TOKEN_EXPIRING = (
    Case("fires", _ends(6 * DAY), "10m", _levels("medium"), says="6 days left"),
    Case("fires", _ends(DAY // 2), "10m", _levels("high", "medium"), says="12 hours left"),
    Case("fires", _ends(-60), "10m", _levels("critical", "high", "medium"), says="expired a minute ago"),
    Case("quiet", _ends(60 * DAY), "10m"),
    Case("quiet", _ends(3600, "1x60"), "10m", says="a token that we renew may be short-lived"),
    Case(
        "quiet",
        {
            series(TOKEN_EXPIRY, **ACCESS): f"{DAY}x5 {60 * DAY}x60",
            series(TOKEN_REFRESHABLE, **ACCESS): "0x60",
        },
        "10m",
        says="renewed",
    ),
    Case("boundary", _ends(7 * DAY), "10m", says="7 days are not less than 7 days"),
    Case("boundary", _ends(7 * DAY - 1), "10m", _levels("medium"), says="a second less is"),
    Case("boundary", _ends(DAY), "10m", _levels("medium"), says="24 hours are not less than 24 hours"),
    Case("boundary", _ends(0), "10m", _levels("high", "medium"), says="in its last second"),
    Case(
        "missing",
        {series(TOKEN_EXPIRY, **ACCESS): f"{DAY // 2}x60"},
        "10m",
        says="whether we renew it is unknown",
    ),
    Case(
        "missing",
        {series(TOKEN_EXPIRY, **ACCESS): "_x60", series(TOKEN_REFRESHABLE, **ACCESS): "0x60"},
        "10m",
        says="a token that never expires has no series",
    ),
    Case(
        "missing",
        {
            series(TOKEN_EXPIRY, **ACCESS): f"{DAY // 2}x5 stale _x5 {DAY // 2}x40",
            series(TOKEN_REFRESHABLE, **ACCESS): "0x5 stale _x5 0x40",
        },
        "10m",
        _levels("high", "medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "fires",
        {
            **_ends(60 * DAY),
            series(TOKEN_EXPIRY, **DATA): f"{600 + 2 * DAY}x60",
            series(TOKEN_REFRESHABLE, **DATA): "0x60",
        },
        "10m",
        ({**target(), **DATA, "severity": "medium"},),
        says="each token counts for itself",
    ),
    Case(
        "quiet",
        {**_ends(6 * DAY), threshold(_LIFE, "medium", tenant="acme"): f"{2 * DAY}x60"},
        "10m",
        says="a laxer tenant override silences its step",
    ),
    Case(
        "fires",
        {**_ends(10 * DAY), threshold(_LIFE, "medium"): f"{14 * DAY}x60"},
        "10m",
        _levels("medium"),
        says="a stricter integration override fires",
    ),
)
