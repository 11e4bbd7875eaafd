"""Cases that prove the alerts of a Supabase project."""

from exporter.alerts.cases.series import series, target
from exporter.core.alert import Case
from exporter.probes.supabase import metrics as m

APP = ("app", "supabase")


def _levels(severity: str) -> tuple[dict[str, str], ...]:
    return ({**target(*APP), "severity": severity},)


_DATABASE, _AUTH = (series(m.SERVICE_UP, *APP, service=name) for name in ("database", "auth"))

DATABASE_DOWN = (
    Case("fires", {_DATABASE: "0x60", _AUTH: "1x60"}, "30m", _levels("high")),
    Case("quiet", {_DATABASE: "1x60", _AUTH: "0x60"}, "30m", says="of other services the probe itself fails"),
    Case("quiet", {_DATABASE: "0x9 1x60"}, "40m", says="up again"),
    Case("boundary", {_DATABASE: "1x29 0x60"}, "30m", _levels("high"), says="at the first reading"),
    Case("missing", {_AUTH: "1x60"}, "30m", says="the metrics are not read"),
    Case("missing", {_DATABASE: "0x20 stale _x5 0x60"}, "24m", _levels("high"), says="a restart"),
)

_KEY = series(m.LEGACY_KEY, *APP)
LEGACY_KEY = (
    Case("fires", {_KEY: "1x60"}, "30m", _levels("medium")),
    Case("quiet", {_KEY: "0x60"}, "30m"),
    Case("quiet", {_KEY: "1x9 0x60"}, "40m", says="a new key was put in"),
    Case("boundary", {_KEY: "0x29 1x60"}, "30m", _levels("medium"), says="at the first probe"),
    Case("missing", {_KEY: "_x60"}, "30m", says="a project of our own, where such keys go on"),
)
