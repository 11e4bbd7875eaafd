"""Cases that prove the alerts on what is extracted of an answer."""

from exporter.alerts.cases.series import series, target
from exporter.core.alert import Case
from exporter.probes.http.extract import EXTRACTED

_WHERE = {"integration": "booking", "provider": "http", "tenant": "acme"}
_NAME = "integration_http_queue_length"
_FOUND = series(EXTRACTED, **_WHERE, name=_NAME)
_FIRES = ({**target(**_WHERE), "name": _NAME},)

EXTRACTED_NEAR_LIMIT = (
    Case("fires", {_FOUND: "95x60"}, "20m", _FIRES),
    Case("fires", {_FOUND: "140x60"}, "20m", _FIRES, says="some are left out"),
    Case("quiet", {_FOUND: "12x60"}, "20m"),
    Case("boundary", {_FOUND: "80x60"}, "20m", says="80 are not more than 80"),
    Case("boundary", {_FOUND: "81x60"}, "20m", _FIRES, says="one more is"),
    Case("missing", {_FOUND: "_x60"}, "20m", says="nothing is extracted"),
    Case(
        "missing",
        {_FOUND: "95x20 stale _x5 95x60"},
        "24m",
        _FIRES,
        says="a gap while the exporter restarts does not resolve it",
    ),
)
