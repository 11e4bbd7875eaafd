"""Cases that prove the alerts of an ad account."""

from exporter.alerts.cases.series import series
from exporter.core.alert import Case
from exporter.core.metric import Metric
from exporter.probes._meta_graph.alerts import levels
from exporter.probes.facebook_ads import metrics as m


def _state(metric: Metric, severity: str) -> tuple[Case, ...]:
    one = series(metric)
    return (
        Case("fires", {one: "1x60"}, "30m", levels(severity)),
        Case("quiet", {one: "0x60"}, "30m"),
        Case("quiet", {one: "1x9 0x60"}, "40m", says="active again"),
        Case("boundary", {one: "0x29 1x60"}, "30m", levels(severity), says="at the first reading"),
        Case("missing", {one: "_x60"}, "30m", says="its status is not known"),
        Case("missing", {one: "1x20 stale _x5 1x60"}, "24m", levels(severity), says="a restart"),
    )


DISABLED = _state(m.ACCOUNT_DISABLED, "critical")
AT_RISK = _state(m.ACCOUNT_AT_RISK, "medium")
