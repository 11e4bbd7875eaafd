"""Cases of the alerts about tokens: those that a person has to renew, and those that we renew."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case
from exporter.core.common_metrics import TOKEN_EXPIRY, TOKEN_REFRESH_FAILURES, TOKEN_REFRESHABLE, TOKEN_STATE
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

# Only the name of the family matters here: the alert owns its numbers.
_LIFE = ThresholdFamily("token_expiry_seconds", "Name of the thresholds.", {Severity.HIGH: 0}, unit="seconds")
_FAILURES = ThresholdFamily("token_refresh_failures", "Name of the thresholds.", {Severity.HIGH: 3})
DAY = 86_400
ACCESS = {"token": "access"}
DATA = {"token": "data_access"}


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**target(), **ACCESS, "severity": severity} for severity in severities)


def _ends(seconds: int, refreshable: str = "0x60") -> dict[str, str]:
    """Return a token that expires `seconds` after the tenth minute."""
    return {
        # The cases are judged at 10m, which is second 600 of a test's clock.
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


def _failures(values: str, **labels: str) -> dict[str, str]:
    return {series(TOKEN_REFRESH_FAILURES, **ACCESS, **labels): values}


TOKEN_REFRESH_FAILING = (
    Case("fires", _failures("3x60"), "10m", _levels("high"), says="three in a row"),
    Case("fires", _failures("0x5 1 2 3x60"), "12m", _levels("high"), says="the third one"),
    Case("quiet", _failures("0x60"), "10m"),
    Case("quiet", _failures("3x5 0x60"), "10m", says="refreshed"),
    Case("boundary", _failures("2x60"), "10m", says="two are not three"),
    Case(
        "quiet",
        # The least counts: replicas share the token, or each has a good one.
        {**_failures("5x60", instance="a"), **_failures("0x60", instance="b")},
        "10m",
        says="another replica has refreshed it",
    ),
    Case("missing", _failures("_x60"), "10m", says="no token that we renew"),
    Case(
        "missing",
        _failures("4x5 stale _x5 4x40"),
        "10m",
        _levels("high"),
        says="a gap while the exporter restarts does not resolve it",
    ),
    Case(
        "fires",
        {**_failures("2x60"), threshold(_FAILURES, "high"): "2x60"},
        "10m",
        _levels("high"),
        says="a stricter integration override fires",
    ),
    Case(
        "quiet",
        {**_failures("4x60"), threshold(_FAILURES, "high", tenant="acme"): "10x60"},
        "10m",
        says="a laxer tenant override silences it",
    ),
)


def _state(state: str, values: str = "1x60", token: str = "refresh") -> dict[str, str]:  # noqa: S107 - a label
    return {series(TOKEN_STATE, token=token, state=state): values}


_REFUSED = ({**target(), "token": "refresh", "severity": "high"},)

TOKEN_REFUSED = (
    Case("fires", _state("refused"), "10m", _REFUSED, says="the grant was taken back"),
    Case("quiet", _state("valid"), "10m"),
    Case("quiet", _state("unknown"), "10m", says="an expiry that is not given is no refusal"),
    Case(
        "quiet",
        {**_state("refused", "1x5 stale"), **_state("unknown", "_x5 1x60")},
        "14m",
        says="connected again",
    ),
    Case("boundary", _state("refused", "_x9 1x60"), "9m", _REFUSED, says="at once"),
    Case("missing", _state("refused", "_x60"), "10m", says="no token that we renew"),
)


def _renewed(seconds: int) -> dict[str, str]:
    """Return a token that we renew and that expires `seconds` after the tenth minute."""
    return _ends(seconds, "1x60")


TOKEN_EXPIRED = (
    Case("fires", _renewed(-300), "10m", _levels("critical"), says="expired five minutes ago"),
    Case("quiet", _renewed(-60), "10m", says="a renewal that is a minute late"),
    Case("quiet", _renewed(60), "10m", says="never on remaining life alone"),
    Case("quiet", _ends(-300), "10m", says="a token that somebody has to renew has its own alert"),
    Case("boundary", _renewed(-120), "10m", says="in the last second of the two minutes"),
    Case("boundary", _renewed(-181), "10m", _levels("critical"), says="over for two evaluations more"),
    Case(
        "missing",
        {series(TOKEN_EXPIRY, **ACCESS): "_x60", series(TOKEN_REFRESHABLE, **ACCESS): "1x60"},
        "10m",
        says="a token whose end is unknown or never comes",
    ),
    Case(
        "missing",
        {
            series(TOKEN_EXPIRY, **ACCESS): "300x4 stale _x60",
            series(TOKEN_REFRESHABLE, **ACCESS): "1x4 stale _x60",
        },
        "10m",
        says="an exporter that is away says nothing of tokens",
    ),
)


def _access(state: str, values: str = "1x60") -> dict[str, str]:
    return _state(state, values, ACCESS["token"])


_IMPLAUSIBLE = ({**target(), **ACCESS, "severity": "low"},)

TOKEN_LIFE_IMPLAUSIBLE = (
    Case("fires", _access("implausible"), "20m", _IMPLAUSIBLE, says="a life of 0 seconds"),
    Case("quiet", _access("valid"), "20m"),
    Case("quiet", _access("unknown"), "20m", says="a life that is not named is none to judge"),
    Case(
        "quiet",
        {
            **_access("implausible", "1x10 stale"),
            **_access("valid", "_x10 1x60"),
        },
        "30m",
        says="an inspection of the token names its expiry",
    ),
    Case("boundary", _access("implausible"), "14m", says="a minute before the hold is over"),
    Case("boundary", _access("implausible"), "15m", _IMPLAUSIBLE, says="when it is over"),
    Case("missing", _access("implausible", "_x60"), "20m", says="no token that we renew"),
)
