"""Cases that prove the alerts of a Google Calendar connection."""

from exporter.alerts.cases.series import series, target
from exporter.core.alert import Case
from exporter.probes.google_calendar import metrics as m

_HIGH = ({**target(), "severity": "high"},)

_ONE, _OTHER = (
    series(m.SCOPE_MISSING, scope=name) for name in ("calendar.events", "calendar.settings.readonly")
)
SCOPE_MISSING = (
    Case("fires", {_ONE: "0x60", _OTHER: "1x60"}, "30m", _HIGH, says="one of two"),
    Case("quiet", {_ONE: "0x60", _OTHER: "0x60"}, "30m"),
    Case("quiet", {_ONE: "1x9 0x60"}, "40m", says="granted again"),
    Case("boundary", {_ONE: "0x29 1x60"}, "30m", _HIGH, says="at the first inspection"),
    Case("missing", {_ONE: "_x60"}, "30m", says="no scopes are configured, or those granted are not known"),
    Case("missing", {_ONE: "1x20 stale _x5 1x60"}, "24m", _HIGH, says="a restart"),
)

_LOW = series(m.ACCESS_TOO_LOW)
ACCESS_LOW = (
    Case("fires", {_LOW: "1x60"}, "30m", _HIGH),
    Case("quiet", {_LOW: "0x60"}, "30m"),
    Case("quiet", {_LOW: "1x9 0x60"}, "40m", says="shared with enough rights again"),
    Case("boundary", {_LOW: "0x29 1x60"}, "30m", _HIGH, says="at the first probe"),
    Case("missing", {_LOW: "_x60"}, "30m", says="no role is configured, or the call does not tell it"),
    Case("missing", {_LOW: "1x20 stale _x5 1x60"}, "24m", _HIGH, says="a restart"),
)
