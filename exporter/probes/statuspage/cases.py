"""Cases that prove the alerts of a status page."""

from exporter.alerts.cases.series import series, target, threshold
from exporter.core.alert import Case
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.statuspage import metrics as m

# Only the name of the family matters here: the alert owns its numbers.
_LEVEL = ThresholdFamily("statuspage_component_level", "Name of the thresholds.", {Severity.HIGH: 0})


def _page(metric: Metric, tenant: str = "", **labels: str) -> str:
    return series(metric, "vendor-page", "statuspage", tenant, **labels)


def _levels(*severities: str, tenant: str = "") -> tuple[dict[str, str], ...]:
    labels = target("vendor-page", "statuspage", tenant)
    return tuple({**labels, "severity": severity} for severity in severities)


def _parts(api: str, web: str, tenant: str = "") -> dict[str, str]:
    return {
        _page(m.COMPONENT, tenant, component="API"): api,
        _page(m.COMPONENT, tenant, component="Website"): web,
    }


COMPONENT_DOWN = (
    Case("fires", _parts("4x60", "0x60"), "30m", _levels("medium", "high"), says="a major outage"),
    Case("quiet", _parts("0x60", "0x60"), "30m"),
    Case("quiet", _parts("4x9 0x60", "0x60"), "40m", says="fixed"),
    Case("quiet", _parts("1x60", "0x60"), "30m", says="maintenance is no outage"),
    Case("boundary", _parts("2x60", "2x60"), "30m", says="degraded is below the first step"),
    Case("boundary", _parts("0x60", "3x60"), "30m", _levels("medium"), says="a partial outage is the step"),
    Case(
        "boundary",
        {
            **_parts("2x60", "0x60", tenant="acme"),
            threshold(_LEVEL, "medium", "vendor-page", "statuspage", "acme"): "2x60",
        },
        "30m",
        _levels("medium", tenant="acme"),
        says="a tenant who wants to hear of degraded components",
    ),
    Case("missing", {_page(m.INDICATOR): "4x60"}, "30m", says="a page without components"),
    Case("missing", _parts("4x20 stale _x5 4x60", "0x60"), "24m", _levels("medium", "high"), says="a gap"),
)


def _open(impact: str, values: str) -> dict[str, str]:
    return {_page(m.INCIDENTS, impact=impact): values}


INCIDENT = (
    Case("fires", _open("critical", "1x60"), "30m", _levels("high")),
    Case("fires", _open("major", "2x60"), "30m", _levels("medium")),
    Case("fires", _open("minor", "1x60"), "30m", _levels("low")),
    Case("quiet", _open("critical", "0x60") | _open("major", "0x60"), "30m"),
    Case("quiet", _open("maintenance", "1x60") | _open("none", "1x60"), "30m", says="no impact"),
    Case("boundary", _open("critical", "0x29 1x60"), "30m", _levels("high"), says="at the first reading"),
    Case("missing", _open("critical", "_x60"), "30m", says="an unreadable page says nothing"),
)

COMPONENT_MISSING = (
    Case("fires", {_page(m.COMPONENTS_MISSING): "2x60"}, "30m", _levels("low")),
    Case("quiet", {_page(m.COMPONENTS_MISSING): "0x60"}, "30m"),
    Case("boundary", {_page(m.COMPONENTS_MISSING): "0x29 1x60"}, "30m", _levels("low"), says="one"),
    Case("missing", {_page(m.COMPONENTS_MISSING): "_x60"}, "30m"),
)
