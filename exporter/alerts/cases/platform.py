"""Cases of the alerts about the exporter itself."""

from exporter.alerts.cases.series import series, target, text
from exporter.core.alert import Case, exemption
from exporter.core.common_metrics import NEXT_RUN

_UP = text("up", job="integration-exporter", instance="a:10055")
_ALSO_UP = text("up", job="integration-exporter", instance="b:10055")
_DOWN = {"job": "integration-exporter", "instance": "a:10055"}

_NONE = {"job": "integration-exporter", "replicas": "none"}
_OTHER_DOWN = {"job": "integration-exporter", "instance": "b:10055"}

EXPORTER_DOWN = (
    Case("fires", {_UP: "1x5 0x60", _ALSO_UP: "1x60"}, "20m", (_DOWN,), says="one of two replicas"),
    Case(
        "fires",
        {_UP: "1x5 0x60", _ALSO_UP: "1x5 0x60"},
        "20m",
        (_DOWN, _OTHER_DOWN, _NONE),
        says="no replica is left",
    ),
    Case("quiet", {_UP: "1x60"}, "20m"),
    Case("quiet", {_UP: "1x5 0 0 1x60"}, "20m", says="a restart"),
    Case("boundary", {_UP: "1x9 0x60"}, "12m", says="down for two minutes"),
    Case("boundary", {_UP: "1x9 0x60"}, "13m", (_DOWN, _NONE), says="down for three minutes"),
    Case("missing", {}, "20m", (_NONE,), says="Prometheus knows no exporter"),
    Case(
        "missing",
        {text("up", job="prometheus"): "1x60"},
        "20m",
        (_NONE,),
        says="other jobs",
    ),
)

# The clock of a test begins at 0: what is due at 60 is overdue for five minutes at 6m.
PROBE_STALE = (
    Case("fires", {series(NEXT_RUN): "60x60"}, "8m", (target(),)),
    Case("quiet", {series(NEXT_RUN): "60+60x60"}, "30m", says="it moves on"),
    Case(
        "quiet",
        {series(NEXT_RUN, instance="a"): "60x60", series(NEXT_RUN, instance="b"): "60+60x60"},
        "8m",
        says="another replica probes",
    ),
    Case("boundary", {series(NEXT_RUN): "300x60"}, "10m", says="five minutes late"),
    Case("boundary", {series(NEXT_RUN): "299x60"}, "10m", (target(),), says="a second more"),
    Case("missing", {series(NEXT_RUN): "_x60"}, "20m", says="a target that is not configured is quiet"),
    Case(
        "missing",
        {series(NEXT_RUN): "60+60x3 stale _x60"},
        "12m",
        says="a target that was taken away is never overdue",
    ),
    Case(
        "missing",
        {series(NEXT_RUN): "60x7 stale _x60"},
        "17m",
        says="an overdue target that was taken away resolves within ten minutes",
    ),
    Case(
        "missing",
        {series(NEXT_RUN): "60+60x8 540x1 stale _x60"},
        "10m",
        until="20m",
        says="a target that was taken away in the middle of its probe is never overdue",
    ),
)


_RELOADED = text(
    "integration_exporter_config_last_reload_successful", job="integration-exporter", instance="a"
)
_OTHER = text("integration_exporter_config_last_reload_successful", job="integration-exporter", instance="b")
_JOB = {"job": "integration-exporter"}

RELOAD_FAILED = (
    Case("fires", {_RELOADED: "1x5 0x60", _OTHER: "1x60"}, "20m", (_JOB,), says="one of two replicas"),
    Case("quiet", {_RELOADED: "1x60"}, "20m"),
    Case("quiet", {_RELOADED: "1x5 0 0 1x60"}, "20m", says="fixed at once"),
    Case("boundary", {_RELOADED: "1x9 0x60"}, "14m", says="for four minutes"),
    Case("boundary", {_RELOADED: "1x9 0x60"}, "15m", (_JOB,), says="for five minutes"),
    Case("missing", {_RELOADED: "_x60"}, "20m"),
    Case(
        "missing",
        {_RELOADED: "0x20 stale _x5 0x60"},
        "24m",
        (_JOB,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_FEED = {"integration": "payments", "source": "sql"}


def _taken(instance: str) -> str:
    return text(
        "integration_exporter_tenants_refresh_successful",
        job="integration-exporter",
        instance=instance,
        **_FEED,
    )


TENANTS_STALE = (
    Case(
        "fires", {_taken("a"): "1x5 0x60", _taken("b"): "1x70"}, "30m", (_FEED,), says="one of two replicas"
    ),
    Case("quiet", {_taken("a"): "1x60"}, "30m"),
    Case("quiet", {_taken("a"): "1x5 0x10 1x60"}, "30m", says="away for ten minutes"),
    Case("boundary", {_taken("a"): "1x9 0x60"}, "24m", says="for fourteen minutes"),
    Case("boundary", {_taken("a"): "1x9 0x60"}, "25m", (_FEED,), says="for fifteen minutes"),
    Case("missing", {_taken("a"): "_x60"}, "30m", says="no integration has such a source"),
    Case(
        "missing",
        {_taken("a"): "0x30 stale _x5 0x60"},
        "34m",
        (_FEED,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

WATCHDOG = (
    Case("fires", {_UP: "1x60"}, "20m", ({},)),
    Case("quiet", {_UP: "0x60"}, "20m", ({},), says="it never is quiet, whatever the exporter does"),
    Case("boundary", {}, "0m", ({},), says="from the first evaluation"),
    Case("missing", {}, "20m", ({},), says="with no series at all"),
    exemption("environments", "it reads no series, so it has no environment"),
)
