"""Cases that prove the alerts of a WhatsApp business account."""

from exporter.alerts.cases.series import series
from exporter.core.alert import Case
from exporter.core.metric import Metric
from exporter.probes._meta_graph.alerts import levels
from exporter.probes.whatsapp import metrics as m

_ONE, _OTHER = {"phone": "106"}, {"phone": "107"}

SENDING_BLOCKED = (
    Case(
        "fires",
        {series(m.PHONE_CAN_SEND, **_ONE): "2x60", series(m.PHONE_CAN_SEND, **_OTHER): "0x60"},
        "30m",
        levels("critical"),
        says="one of two numbers",
    ),
    Case(
        "fires",
        {series(m.PHONE_CAN_SEND, **_ONE): "2x60", series(m.ACCOUNT_CAN_SEND): "0x60"},
        "30m",
        levels("critical"),
        says="the account",
    ),
    Case("quiet", {series(m.PHONE_CAN_SEND, **_ONE): "2x60", series(m.ACCOUNT_CAN_SEND): "2x60"}, "30m"),
    Case("quiet", {series(m.PHONE_CAN_SEND, **_ONE): "0x9 2x60"}, "40m", says="unblocked"),
    Case("boundary", {series(m.PHONE_CAN_SEND, **_ONE): "1x60"}, "30m", says="limited is not blocked"),
    Case("missing", {series(m.PHONE_CAN_SEND, **_ONE): "_x60"}, "30m", says="health is not known"),
    Case(
        "missing",
        {series(m.PHONE_CAN_SEND, **_ONE): "0x20 stale _x5 0x60"},
        "24m",
        levels("critical"),
        says="a restart resolves nothing",
    ),
)


def _restricted(metric: Metric, **labels: str) -> tuple[Case, ...]:
    one = series(metric, **labels)
    return (
        Case("fires", {one: "1x60"}, "30m", levels("critical")),
        Case("quiet", {one: "0x60"}, "30m"),
        Case("quiet", {one: "1x9 0x60"}, "40m", says="the restriction was lifted"),
        Case("boundary", {one: "0x29 1x60"}, "30m", levels("critical"), says="at the first reading"),
        Case("missing", {one: "_x60"}, "30m", says="its state is not known"),
        Case("missing", {one: "1x20 stale _x5 1x60"}, "24m", levels("critical"), says="a restart"),
    )


NUMBER_RESTRICTED = _restricted(m.PHONE_RESTRICTED, **_ONE)
ACCOUNT_RESTRICTED = _restricted(m.ACCOUNT_RESTRICTED)


def _quality(one: str, other: str = "3x60") -> dict[str, str]:
    return {series(m.PHONE_QUALITY, **_ONE): one, series(m.PHONE_QUALITY, **_OTHER): other}


QUALITY_LOW = (
    Case("fires", _quality("1x60"), "30m", levels("high", "medium"), says="red"),
    Case("fires", _quality("2x60"), "30m", levels("medium"), says="yellow"),
    Case("quiet", _quality("3x60"), "30m"),
    Case("boundary", _quality("3x29 2x60"), "30m", levels("medium"), says="at the first reading"),
    Case("missing", _quality("_x60"), "30m", says="a number without a rating"),
    Case("missing", _quality("1x20 stale _x5 1x60"), "24m", levels("high", "medium"), says="a restart"),
)


def _templates(paused: str) -> dict[str, str]:
    return {
        series(m.TEMPLATES, status="approved"): "9x60",
        series(m.TEMPLATES, status="paused"): paused,
        series(m.TEMPLATES, status="disabled"): "4x60",
    }


TEMPLATES_PAUSED = (
    Case("fires", _templates("2x60"), "30m", levels("medium")),
    Case("quiet", _templates("0x60"), "30m", says="disabled ones stay so for good"),
    Case("boundary", _templates("1x60"), "30m", levels("medium"), says="one is enough"),
    Case("missing", {series(m.TEMPLATES, status="approved"): "9x60"}, "30m"),
    Case("missing", _templates("1x20 stale _x5 1x60"), "24m", levels("medium"), says="a restart"),
)

NOT_SUBSCRIBED = (
    Case("fires", {series(m.SUBSCRIBED_APPS): "0x60"}, "30m", levels("critical")),
    Case("quiet", {series(m.SUBSCRIBED_APPS): "1x60"}, "30m"),
    Case(
        "quiet",
        {series(m.SUBSCRIBED_APPS, instance="a"): "0x60", series(m.SUBSCRIBED_APPS, instance="b"): "1x60"},
        "30m",
        says="a replica that looked later sees the app",
    ),
    Case("boundary", {series(m.SUBSCRIBED_APPS): "1x29 0x60"}, "45m", levels("critical")),
    Case("missing", {series(m.SUBSCRIBED_APPS): "_x60"}, "30m", says="a token that may not read it"),
    Case(
        "missing",
        {series(m.SUBSCRIBED_APPS): "0x20 stale _x5 0x60"},
        "24m",
        levels("critical"),
        says="a restart resolves nothing",
    ),
)
