"""Cases of the alerts on sign-ins."""

from exporter.alerts.cases.series import target, text
from exporter.core.alert import Case
from exporter.events import _auth_series as m

_NONE = target("", "")


def _failed(values: str, **more: str) -> dict[str, str]:
    return {text(m.FAILURES, **{**_NONE, "method": "password", **more}): values}


def _fires(*severities: str) -> tuple[dict[str, str], ...]:
    return tuple({"tenant": "acme", "severity": severity} for severity in severities)


SIGN_INS_FAIL = (
    Case("fires", _failed("0x5 0+20x30"), "15m", _fires("medium"), says="20 a minute"),
    Case("fires", _failed("0x5 0+60x30"), "15m", _fires("medium", "high"), says="60 a minute"),
    Case(
        "fires",
        _failed("0x5 0+8x30", instance="a") | _failed("0x5 0+8x30", method="otp", instance="b"),
        "15m",
        _fires("medium"),
        says="methods and processes add up",
    ),
    Case("quiet", _failed("0x30"), "15m"),
    Case("quiet", _failed("0x5 0+60x5 300x30"), "30m", says="it is over"),
    Case("quiet", _failed("0+9x30"), "15m", says="nine a minute"),
    Case("boundary", _failed("0+10x30"), "15m", says="ten a minute are not more than ten"),
    Case(
        "boundary",
        _failed("0+6x30") | _failed("0+6x30", tenant="beta"),
        "15m",
        says="tenants are judged one by one",
    ),
    Case("missing", _failed("_x30"), "15m"),
)
