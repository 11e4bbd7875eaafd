"""Cases of the alerts on text messages."""

from exporter.alerts.cases.series import text
from exporter.core import sms_metrics as m
from exporter.core.alert import Case

_PLACE = {"job": "integration-exporter", "instance": "a:10055"}
_HIGH, _MEDIUM = _PLACE | {"severity": "high"}, _PLACE | {"severity": "medium"}
_GIVEN_UP = text(m.GIVEN_UP, **_PLACE, reason="not_found")
_FAILED = text(m.FAILED, **_PLACE, account="twilio", reason="connect")
_SECOND = text(m.FAILED, **_PLACE, account="fallback", reason="connect")
_OTHERS = text(m.GIVEN_UP, job="other", instance="b", reason="not_found")

SMS_FAILING = (
    Case("fires", {_GIVEN_UP: "0x5 1x60"}, "20m", (_HIGH,), says="one was given up"),
    Case("fires", {_FAILED: "0x5 0+1x60"}, "20m", (_MEDIUM,), says="the first account fails"),
    Case("quiet", {_GIVEN_UP: "0x60", _FAILED: "0x60"}, "30m"),
    Case("quiet", {_GIVEN_UP: "3x90", _FAILED: "9x90"}, "80m", says="long ago"),
    Case("quiet", {_SECOND: "0x5 0+1x60"}, "20m", says="the second account alone"),
    Case("quiet", {_OTHERS: "0x5 1x60"}, "20m", says="another job"),
    Case("boundary", {_GIVEN_UP: "0x5 1x90"}, "34m", (_HIGH,), says="29 minutes ago"),
    Case("boundary", {_GIVEN_UP: "0x5 1x90"}, "40m", says="34 minutes ago"),
    Case("missing", {}, "20m", says="no text messages are configured"),
    Case(
        "missing",
        {_GIVEN_UP: "0x5 1x10 stale _x3 1x60"},
        "22m",
        (_HIGH,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_BACKLOG, _OLDEST = text(m.BACKLOG, **_PLACE), text(m.OLDEST, **_PLACE)

# Times are seconds of the test, which begins at 0.
SMS_BACKLOG = (
    Case("fires", {_BACKLOG: "2x60", _OLDEST: "60x60"}, "20m", (_PLACE,), says="for nineteen minutes"),
    Case("quiet", {_BACKLOG: "0x60", _OLDEST: "0x60"}, "30m", says="nothing waits"),
    Case("quiet", {_BACKLOG: "1x60", _OLDEST: "0+60x60"}, "30m", says="each for a moment"),
    Case("boundary", {_BACKLOG: "1x60", _OLDEST: "600x60"}, "15m", says="exactly five minutes"),
    Case("boundary", {_BACKLOG: "1x60", _OLDEST: "600x60"}, "16m", (_PLACE,), says="six minutes"),
    Case("missing", {_OLDEST: "60x60"}, "30m", says="whether any waits is unknown"),
    Case(
        "missing",
        {_BACKLOG: "2x20 stale _x3 2x60", _OLDEST: "60x20 stale _x3 60x60"},
        "23m",
        (_PLACE,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)
