"""Cases of the alerts on webhooks."""

from exporter.alerts.cases.series import scraped, series
from exporter.core import webhook_metrics as m
from exporter.core.alert import Case

_SOURCE = {"integration": "payments", "provider": "stripe", "tenant": "", "source": "stripe"}
_FLOW = {**_SOURCE, "direction": "inbound"}
_OUT = {"integration": "", "provider": "", "tenant": "acme", "source": "acme-crm", "direction": "outbound"}
_PROCESS = {"job": "integration-exporter", "instance": "a:10055"}
_BACKLOG = {**_OUT, "endpoint": "acme-crm"}
del _BACKLOG["source"]


def _events(labels: dict[str, str], values: str, **more: str) -> tuple[str, str]:
    return series(m.EVENTS, **labels, **more), values


def _failures(labels: dict[str, str], values: str, reason: str = "timeout", **more: str) -> tuple[str, str]:
    return series(m.EVENT_FAILURES, **labels, reason=reason, **more), values


FAILING = (
    Case(
        "fires",
        dict([_events(_FLOW, "0+10x60"), _failures(_FLOW, "0+1x60")]),
        "60m",
        ({**_FLOW, "severity": "high"},),
        says="one of ten fails",
    ),
    Case(
        "fires",
        dict([_events(_OUT, "0+10x60"), _failures(_OUT, "0+1x60")]),
        "60m",
        ({**_OUT, "severity": "high"},),
        says="a tenant's receiver",
    ),
    Case(
        "fires",
        dict(
            [
                _events(_FLOW, "0+10x60", instance="a"),
                _failures(_FLOW, "0+1x60", instance="a"),
                _events(_FLOW, "0+1x60", instance="b"),
                _failures(_FLOW, "0x60", instance="b"),
            ]
        ),
        "60m",
        ({**_FLOW, "severity": "high"},),
        says="the counts of two processes add up",
    ),
    Case(
        "fires",
        dict([_events(_OUT, "_x70 30x40", **_PROCESS), _failures(_OUT, "_x70 15x40", **_PROCESS)])
        | scraped(**_PROCESS),
        "72m",
        ({**_OUT, "severity": "high"},),
        says="a receiver that is new, and its first attempts",
    ),
    Case(
        "fires",
        dict(
            [
                _events(_FLOW, "0x70 30x40", **_PROCESS),
                _failures(_FLOW, "_x70 2x40", "auth", **_PROCESS),
                _failures(_FLOW, "_x70 2x40", "not_found", **_PROCESS),
            ]
        )
        | scraped(**_PROCESS),
        "72m",
        ({**_FLOW, "severity": "high"},),
        says="reasons that there were not before",
    ),
    Case("quiet", dict([_events(_FLOW, "0+10x60"), _failures(_FLOW, "0x60")]), "60m"),
    Case(
        "quiet",
        dict([_events(_FLOW, "_x70 900x20", **_PROCESS), _failures(_FLOW, "_x70 90x20", **_PROCESS)])
        | scraped("{} _x69 {}x20", **_PROCESS),
        "72m",
        says="Prometheus was away, and these failures are old",
    ),
    Case(
        "boundary",
        dict([_events(_FLOW, "0+100x60"), _failures(_FLOW, "0+5x60")]),
        "60m",
        says="95 % is not below 95 %",
    ),
    Case(
        "boundary",
        dict([_events(_FLOW, "0x40 1+1x17"), _failures(_FLOW, "0x40 1+1x17")]),
        "58m",
        says="18 attempts are too few",
    ),
    Case("missing", dict([_events(_FLOW, "0+10x60")]), "60m", says="nothing ever failed"),
    Case("missing", dict([_failures(_FLOW, "0+1x60")]), "60m", says="nothing is known of the attempts"),
)

_ROW = series(m.CONSECUTIVE_FAILURES, **_FLOW)

CONSECUTIVE = (
    Case("fires", {_ROW: "0x5 1 2 3x30"}, "20m", ({**_FLOW, "severity": "high"},)),
    Case(
        "fires",
        {
            series(m.CONSECUTIVE_FAILURES, **_FLOW, instance="a"): "5x30",
            series(m.CONSECUTIVE_FAILURES, **_FLOW, instance="b"): "0x30",
        },
        "20m",
        ({**_FLOW, "severity": "high"},),
        says="one of two processes reaches nobody",
    ),
    Case("quiet", {_ROW: "0x5 1 2 3 4 0x30"}, "12m", says="the first success resolves it"),
    Case("boundary", {_ROW: "2x30"}, "20m", says="two are not three"),
    Case("missing", {_ROW: "_x30"}, "20m"),
)

_WAITING = series(m.BACKLOG, **_BACKLOG)
_SINCE_START = series(m.OLDEST, **_BACKLOG)

BACKLOG_OLD = (
    Case(
        "fires",
        {_WAITING: "3x60", _SINCE_START: "0x60"},
        "6m",
        ({**_BACKLOG, "severity": "medium"},),
        says="for more than five minutes",
    ),
    Case(
        "fires",
        {_WAITING: "3x60", _SINCE_START: "0x60"},
        "31m",
        ({**_BACKLOG, "severity": "medium"}, {**_BACKLOG, "severity": "high"}),
        says="for more than half an hour",
    ),
    Case("quiet", {_WAITING: "3x60", _SINCE_START: "0+60x60"}, "31m", says="there is always a young one"),
    Case(
        "quiet",
        {_WAITING: "3x4 0x30", _SINCE_START: "0x4 stale"},
        "8m",
        says="all went out, and the age of the last one counts no more",
    ),
    Case("boundary", {_WAITING: "3x60", _SINCE_START: "0x60"}, "5m", says="five minutes are not more"),
    Case("missing", {_WAITING: "0x60"}, "31m", says="nothing waits"),
    Case("missing", {_SINCE_START: "0x60"}, "31m", says="nothing is known of the number"),
)

_LIMIT = series(m.SILENCE_LIMIT, **_SOURCE)
_LAST = series(m.LAST_EVENT, **_FLOW)
_BEGAN = series(m.SOURCE_SINCE, **_SOURCE)

SILENT = (
    Case("fires", {_LIMIT: "600x60", _LAST: "0x60"}, "11m", (_SOURCE,)),
    Case("fires", {_LIMIT: "600x60", _BEGAN: "0x60"}, "11m", (_SOURCE,), says="nothing ever came"),
    Case(
        "quiet",
        {
            _LIMIT: "600x60",
            series(m.LAST_EVENT, **_FLOW, instance="a"): "0x60",
            series(m.LAST_EVENT, **_FLOW, instance="b"): "0+60x60",
        },
        "30m",
        says="another process hears it",
    ),
    Case("quiet", {_LAST: "0x60", _BEGAN: "0x60"}, "30m", says="nobody asked for it"),
    Case("boundary", {_LIMIT: "600x60", _LAST: "0x60"}, "10m", says="ten minutes are not more"),
    Case("missing", {_LIMIT: "600x60"}, "30m", says="nothing is known of the source"),
)


def _refused(values: str, reason: str = "mismatch", **more: str) -> dict[str, str]:
    return {series(m.SIGNATURE_FAILURES, **_SOURCE, reason=reason, **more): values}


FORGED = (
    Case("fires", _refused("0x5 0+3x20"), "15m", ({**_SOURCE, "severity": "medium"},)),
    Case(
        "fires",
        _refused("0x5 0+2x20", instance="a") | _refused("0x5 0+2x20", "stale", instance="b"),
        "15m",
        ({**_SOURCE, "severity": "medium"},),
        says="reasons and processes add up",
    ),
    Case("quiet", _refused("0x30"), "15m"),
    Case("quiet", _refused("0+9x30", "key_unavailable"), "15m", says="the key is ours to fetch"),
    Case("boundary", _refused("0+1x30"), "15m", says="five in five minutes"),
    Case("missing", _refused("_x30"), "15m"),
)

_UP = {"integration": "", "provider": "", "tenant": "acme", "endpoint": "acme-crm"}

ENDPOINT_DOWN = (
    Case("fires", {series(m.ENDPOINT_UP, **_UP): "1x5 0x40"}, "25m", (_UP,)),
    Case("quiet", {series(m.ENDPOINT_UP, **_UP): "1x60"}, "25m"),
    Case("quiet", {series(m.ENDPOINT_UP, **_UP): "0x10 1x40"}, "25m", says="it answers again"),
    Case("boundary", {series(m.ENDPOINT_UP, **_UP): "1x5 0x40"}, "19m", says="not for 15 minutes yet"),
    Case("missing", {series(m.ENDPOINT_UP, **_UP): "_x60"}, "25m"),
    Case(
        "quiet",
        {series(m.ENDPOINT_UP, **_UP): "0x60", series(m.ENDPOINT_DISABLED, **_UP): "1x60"},
        "25m",
        says="it is disabled, which has an alert of its own",
    ),
)

ENDPOINT_DISABLED = (
    Case("fires", {series(m.ENDPOINT_DISABLED, **_UP): "0x5 1x40"}, "10m", ({**_UP, "severity": "medium"},)),
    Case(
        "fires",
        {
            series(m.ENDPOINT_DISABLED, **_UP, instance="a"): "1x40",
            series(m.ENDPOINT_DISABLED, **_UP, instance="b"): "0x40",
        },
        "10m",
        ({**_UP, "severity": "medium"},),
        says="one of two processes knows it already",
    ),
    Case("quiet", {series(m.ENDPOINT_DISABLED, **_UP): "0x60"}, "25m"),
    Case(
        "boundary",
        {series(m.ENDPOINT_DISABLED, **_UP): "1x10 0x20"},
        "11m",
        says="it is active again, and resolved at once",
    ),
    Case("missing", {series(m.ENDPOINT_DISABLED, **_UP): "_x60"}, "25m"),
)
