"""Cases of the alerts on how much of the time probes fail."""

from exporter.alerts.cases.series import series, text, whole
from exporter.core.alert import Case, exemption
from exporter.core.common_metrics import (
    CONSECUTIVE_FAILURES,
    PROBE_FAILURES,
    PROBES,
    SLO_OBJECTIVE,
    SLO_WINDOW,
)

F = CONSECUTIVE_FAILURES
_COUNTED = text(PROBES, **whole())


def _levels(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({**whole(), "severity": severity} for severity in severities)


def _tenants(failures: str, well: int, probes: str = "0+20x200") -> dict[str, str]:
    """Return the series of one target that fails as `failures` says, and of `well` others."""
    others = {series(F, tenant=f"well-{number}"): "0x200" for number in range(well)}
    return {series(F): failures, **others, _COUNTED: probes}


_IN_TURN = " ".join(["0", "1"] * 100)

_NO_FLAP = exemption("flap", "its windows hold failures that come and go; a few minutes are too short for it")

PROBES_FAIL = (
    _NO_FLAP,
    Case("fires", _tenants(_IN_TURN, 0), "90m", _levels("high", "medium"), says="every second probe fails"),
    Case("fires", _tenants("1+1x200", 14), "90m", _levels("medium"), says="one of fifteen targets fails"),
    Case("fires", _tenants("1+1x200", 8), "90m", _levels("high", "medium"), says="one of nine targets fails"),
    Case("quiet", _tenants("0x200", 3), "90m"),
    Case("quiet", _tenants("0x30 1x1 0x200", 0), "60m", says="one failed probe of an hour"),
    Case("quiet", _tenants("1x40 0x200", 0), "70m", says="a quarter of an hour after it is over"),
    Case("quiet", _tenants(_IN_TURN, 0, "0+0.2x200"), "90m", says="too few probes"),
    Case("boundary", _tenants("1+1x200", 19), "90m", says="5 % is not above 5 %"),
    Case("boundary", _tenants("1+1x200", 9), "90m", _levels("medium"), says="10 % is not above 10 %"),
    Case("missing", {_COUNTED: "0+20x200"}, "90m", says="no target has a state"),
    Case("missing", {series(F): "1+1x200"}, "90m", says="how often it was probed is unknown"),
    Case(
        "missing",
        _tenants("1x80 stale _x5 1x60", 8, "0+20x80 stale _x5 1700+20x60"),
        "84m",
        _levels("high", "medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
)


def _objective(failures: str, counted: str, objective: str = "0.995", days: int = 30) -> dict[str, str]:
    return {
        series(F): failures,
        text(PROBE_FAILURES, **whole(), reason="timeout"): counted,
        text(SLO_OBJECTIVE, **whole()): f"{objective}x900",
        **({} if days == 30 else {text(SLO_WINDOW, **whole()): f"{days * 86_400}x900"}),
    }


_SOMETIMES = " ".join(["0x96", "1x2"] * 9)
"""Three of a hundred minutes fail: six times what 99.5 % allows."""

BUDGET_BURNING = (
    _NO_FLAP,
    Case(
        "fires",
        _objective("0x120 1+1x60", "0x120 1+1x60"),
        "129m",
        _levels("high"),
        # At the end of a restart it has lasted for ten minutes more, and 22 are of medium severity, too.
        says="an outage of nine minutes",
    ),
    Case(
        "fires",
        _objective("0x120 1+1x60", "0x120 1+1x60"),
        "145m",
        _levels("high", "medium"),
        says="an outage of 25 minutes",
    ),
    Case(
        "fires",
        _objective("1+1x60", "1+1x60"),
        "15m",
        _levels("high"),
        says="nothing is known of the time before the outage: it has not spent the budget of a day",
    ),
    Case(
        "fires",
        _objective(_SOMETIMES, "0+0.03x900"),
        "895m",
        _levels("medium"),
        says="3 % of the time, for half a day",
    ),
    Case("quiet", _objective("0x900", "0x900"), "600m"),
    Case(
        "quiet",
        _objective("0x60 1x0 0x300", "0x60 1x300"),
        "62m",
        says="one failed probe alone",
    ),
    Case(
        "quiet",
        _objective("1x3 0x60", "1+1x3 4x60"),
        "4m",
        says="the first minutes of a young Prometheus: most of what is known of a day, and little of a day",
    ),
    Case(
        "quiet",
        _objective("0x120 1x20 0x600", "0x120 1+1x20 21x600"),
        "520m",
        says="the outage is over for more than six hours",
    ),
    Case(
        "quiet",
        _objective("0x120 1+1x60", "0x120 1+1x60", objective="0.5"),
        "135m",
        says="an objective that allows it",
    ),
    Case(
        "boundary",
        _objective("0x120 1x1 0x300", "0x120 1+1x1 2x300"),
        "123m",
        says="two failed probes are too few",
    ),
    Case("missing", {series(F): "1+1x900"}, "135m", says="no objective"),
    Case(
        "missing",
        _objective("0x120 1x30 stale _x5 1x60", "0x120 1+1x30 stale _x5 37+1x60"),
        "156m",
        _levels("high", "medium"),
        says="a gap while the exporter restarts does not resolve it",
    ),
)
