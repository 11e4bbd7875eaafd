"""Cases of the alert on the exporter's way to Alertmanager."""

from exporter.alerts.cases.series import text
from exporter.core.alert import Case
from exporter.core.escalation import ALERTMANAGER_UP

_PLACE = {"job": "integration-exporter", "instance": "a:10055"}
_UP = text(ALERTMANAGER_UP.name, **_PLACE)

UNREACHABLE = (
    Case("fires", {_UP: "1x5 0x90"}, "40m", (_PLACE,)),
    Case("quiet", {_UP: "1x90"}, "40m"),
    Case("quiet", {_UP: "1x40 0x8 1x60"}, "55m", says="a restart of Alertmanager"),
    Case("quiet", {text(ALERTMANAGER_UP.name, job="other", instance="b"): "0x90"}, "40m"),
    Case("boundary", {_UP: "1x5 0x90"}, "17m", says="for less than a quarter of an hour"),
    Case("missing", {}, "40m", says="no Alertmanager is configured, or none has answered yet"),
)
