"""Cases of the alerts about the exporter's process and its store."""

from exporter.alerts.cases.series import scraped, text
from exporter.core.alert import Case

_PLACE = {"job": "integration-exporter", "instance": "a:10055"}
_FILES = text("integration_exporter_shortages_total", **_PLACE, resource="descriptors")
_MEMORY = text("integration_exporter_shortages_total", **_PLACE, resource="memory")
_OPEN, _MOST = text("process_open_fds", **_PLACE), text("process_max_fds", **_PLACE)
# A node exporter has series of the same names, and hardly any descriptors left.
_OTHER = {
    text("process_open_fds", job="node", instance="a:9100"): "1000x60",
    text("process_max_fds", job="node", instance="a:9100"): "1024x60",
}
_HIGH, _MEDIUM = _PLACE | {"severity": "high"}, _PLACE | {"severity": "medium"}

SHORTAGE = (
    Case("fires", {_FILES: "0x5 0+6x60", _MEMORY: "0x70"}, "20m", (_HIGH,), says="put off again and again"),
    Case("fires", {_FILES: "0x70", _MEMORY: "0x5 0+1x60"}, "20m", (_HIGH,), says="for want of memory"),
    Case("fires", {_OPEN: "930x60", _MOST: "1024x60"}, "10m", (_MEDIUM,), says="hardly any are left"),
    Case("quiet", {_FILES: "0x60", _MEMORY: "0x60", _OPEN: "90x60", _MOST: "1024x60"}, "20m"),
    Case("quiet", {_FILES: "0x5 6x60"}, "20m", says="a moment"),
    Case("quiet", {_FILES: "500x60"}, "20m", says="long ago"),
    Case("quiet", _OTHER, "20m", says="another program"),
    Case("boundary", {_FILES: "0x5 0+6x60"}, "10m", says="for four minutes"),
    Case("boundary", {_FILES: "0x5 0+6x60"}, "12m", (_HIGH,), says="for more than five minutes"),
    Case("boundary", {_OPEN: "900x60", _MOST: "1000x60"}, "10m", says="nine tenths"),
    Case("boundary", {_OPEN: "901x60", _MOST: "1000x60"}, "10m", (_MEDIUM,), says="one more"),
    Case("missing", {_MOST: "1024x60"}, "20m", says="how many are open is unknown"),
    Case("missing", {}, "20m"),
)

_SHARED = text("integration_exporter_store_shared", **_PLACE)
# The first process holds the lock and shows 0.
_ALONE = text("integration_exporter_store_shared", job="integration-exporter", instance="b:10055")

STORE_SHARED = (
    Case("fires", {_SHARED: "0x5 1x60", _ALONE: "0x70"}, "30m", (_PLACE,), says="the one that came second"),
    Case("quiet", {_SHARED: "0x60"}, "30m"),
    Case("quiet", {_SHARED: "0x5 1x5 0x60"}, "30m", says="a restart that overlapped"),
    Case("boundary", {_SHARED: "0x9 1x60"}, "19m", says="for nine minutes"),
    Case("boundary", {_SHARED: "0x9 1x60"}, "20m", (_PLACE,), says="for ten minutes"),
    Case("missing", {}, "30m", says="PostgreSQL"),
    Case(
        "missing",
        {_SHARED: "1x30 stale _x5 1x60"},
        "34m",
        (_PLACE,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_HEALTHY = text("integration_exporter_ratelimit_storage_healthy", **_PLACE)
_CALLS = text("integration_exporter_ratelimit_storage_failures", **_PLACE)

RATE_LIMIT_STORAGE = (
    Case("fires", {_HEALTHY: "1x5 0x60", _CALLS: "0x5 0+60x60"}, "30m", (_PLACE,), says="Redis is gone"),
    Case("fires", {_HEALTHY: "1x90", _CALLS: "0x5 0+9x60"}, "30m", (_PLACE,), says="slow now and then"),
    Case("quiet", {_HEALTHY: "1x60", _CALLS: "0x60"}, "30m"),
    Case("quiet", {_HEALTHY: "1x9 0x3 1x60", _CALLS: "0x9 0+10x3 30x60"}, "30m", says="a restart of Redis"),
    Case("quiet", {_HEALTHY: "1x60", _CALLS: "500x60"}, "30m", says="long ago"),
    Case(
        "quiet",
        {text("integration_exporter_ratelimit_storage_healthy", job="other", instance="b"): "0x60"},
        "30m",
    ),
    Case("boundary", {_HEALTHY: "1x9 0x60"}, "13m", says="for four minutes"),
    Case("boundary", {_HEALTHY: "1x9 0x60"}, "16m", (_PLACE,), says="for more than five"),
    Case("missing", {_CALLS: "3x60"}, "30m", says="whether it is healthy is unknown"),
    Case(
        "missing",
        {_HEALTHY: "0x30 stale _x5 0x60"},
        "34m",
        (_PLACE,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_TASK = text("integration_exporter_task_failures_total", **_PLACE, task="schedule")
_TASKS = text("integration_exporter_task_failures_total", **_PLACE, task="watch")
_SCHEDULE = _PLACE | {"task": "schedule"}

# `_x30 1x60` is a first failure at 30m: from 45m on it was there 15 minutes ago too, and it resolves.
_FIRST = {_TASK: "_x30 1x60", **scraped(**_PLACE)}
_AWAY = scraped("{}x9 _x29 {}x60", **_PLACE)
TASK_FAILED = (
    Case("fires", _FIRST, "31m", (_SCHEDULE,), says="the first time"),
    Case("fires", {_TASK: "1x60 2x60", _TASKS: "3x120"}, "62m", (_SCHEDULE,), says="one more time"),
    Case("quiet", {_TASK: "1x120"}, "60m", says="long ago"),
    Case("quiet", {_TASK: "1x9 _x29 1x60", **_AWAY}, "41m", says="long ago, and Prometheus was away since"),
    Case("boundary", _FIRST, "44m", (_SCHEDULE,), says="a minute less than 15 minutes"),
    Case("boundary", _FIRST, "52m", says="more than 15 minutes and those that it is kept"),
    Case("missing", {}, "30m", says="no task has died"),
)
