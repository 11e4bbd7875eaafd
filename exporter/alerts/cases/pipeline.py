"""Cases of the alerts on the store, the scrape, the rules and the messages."""

from exporter.alerts.cases.series import text
from exporter.core.alert import Case
from exporter.core.monitoring_series import (
    ALERT_ERRORS,
    ALERTMANAGERS,
    ALERTS_DROPPED,
    GROUP_INTERVAL,
    LAST_DURATION,
    MISSED,
    NOTIFICATION_FAILURES,
    NOTIFICATIONS,
    RULE_FAILURES,
    SAMPLE_LIMIT,
    SCRAPED,
)

_PLACE = {"job": "integration-exporter", "instance": "a:10055"}
_HIGH, _MEDIUM = _PLACE | {"severity": "high"}, _PLACE | {"severity": "medium"}
_HEALTHY = text("integration_exporter_store_healthy", **_PLACE)
_DROPPED = text("integration_exporter_store_dropped", **_PLACE)
_WRITES = text("integration_exporter_store_failed_writes", **_PLACE)
_READS = text("integration_exporter_store_failed_reads", **_PLACE)

STORE_FAILING = (
    Case("fires", {_HEALTHY: "1x5 0x60", _WRITES: "0x5 0+1x60"}, "30m", (_MEDIUM,), says="no write succeeds"),
    Case(
        "fires", {_HEALTHY: "1x90", _READS: "0x5 0+1x60"}, "30m", (_MEDIUM,), says="reads fail now and then"
    ),
    Case(
        "fires",
        {_HEALTHY: "0x90", _DROPPED: "0x5 0+9x60"},
        "30m",
        (_HIGH, _MEDIUM),
        says="rows are dropped",
    ),
    Case("quiet", {_HEALTHY: "1x60", _WRITES: "0x60", _READS: "0x60", _DROPPED: "0x60"}, "30m"),
    Case("quiet", {_HEALTHY: "1x9 0x3 1x60", _WRITES: "0x9 0+1x3 3x60"}, "30m", says="a moment"),
    Case("quiet", {_HEALTHY: "1x60", _DROPPED: "500x60"}, "30m", says="long ago"),
    Case("quiet", {text("integration_exporter_store_healthy", job="other", instance="b"): "0x60"}, "30m"),
    Case("boundary", {_HEALTHY: "1x9 0x60"}, "13m", says="for four minutes"),
    Case("boundary", {_HEALTHY: "1x9 0x60"}, "16m", (_MEDIUM,), says="for more than five"),
    Case("missing", {_WRITES: "3x60"}, "30m", says="whether it is healthy is unknown"),
    Case(
        "missing",
        {_HEALTHY: "0x30 stale _x5 0x60"},
        "34m",
        (_MEDIUM,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_SCRAPED, _LIMIT = text(SCRAPED, **_PLACE), text(SAMPLE_LIMIT, **_PLACE)

SERIES_NEAR_LIMIT = (
    Case("fires", {_SCRAPED: "9000x60", _LIMIT: "10000x60"}, "20m", (_PLACE,)),
    Case("quiet", {_SCRAPED: "5000x60", _LIMIT: "10000x60"}, "20m"),
    Case("quiet", {_SCRAPED: "9000x60", _LIMIT: "0x60"}, "20m", says="no limit"),
    Case("boundary", {_SCRAPED: "8000x60", _LIMIT: "10000x60"}, "20m", says="four fifths"),
    Case("boundary", {_SCRAPED: "8001x60", _LIMIT: "10000x60"}, "20m", (_PLACE,), says="one more"),
    Case("missing", {_SCRAPED: "9000x60"}, "20m", says="Prometheus shows no limits"),
    Case(
        "missing",
        {_SCRAPED: "9000x20 stale _x5 9000x60", _LIMIT: "10000x20 stale _x5 10000x60"},
        "24m",
        (_PLACE,),
        says="a gap while the exporter restarts does not resolve it",
    ),
)

_PROMETHEUS = {"job": "prometheus", "instance": "p:9090"}
_GROUP = _PROMETHEUS | {"rule_group": "/etc/prometheus/rules/probes.yml;integration-probes"}
_OWN = _PROMETHEUS | {"rule_group": "/etc/prometheus/rules/own-mine.yml;mine"}
_OTHER = _PROMETHEUS | {"rule_group": "/etc/prometheus/node.yml;node"}
_FAILING, _LATE = _GROUP | {"severity": "high"}, _GROUP | {"severity": "medium"}


def _slow(seconds: str) -> dict[str, str]:
    return {text(LAST_DURATION, **_GROUP): seconds, text(GROUP_INTERVAL, **_GROUP): "30x60"}


RULES_FAILING = (
    Case("fires", {text(RULE_FAILURES, **_GROUP): "0x5 0+2x60"}, "30m", (_FAILING,)),
    Case("fires", {text(RULE_FAILURES, **_OWN): "0x5 0+2x60"}, "30m", (_OWN | {"severity": "high"},)),
    Case("fires", {text(MISSED, **_GROUP): "0x5 0+1x60"}, "30m", (_LATE,), says="evaluations are left out"),
    Case("fires", _slow("45x60"), "30m", (_LATE,), says="longer than the interval"),
    Case("quiet", {text(RULE_FAILURES, **_GROUP): "0x60", text(MISSED, **_GROUP): "0x60"}, "30m"),
    Case("quiet", _slow("0.4x60"), "30m"),
    Case("quiet", _slow("0.4x20 45 0.4x60"), "25m", says="one slow evaluation"),
    Case("quiet", {text(RULE_FAILURES, **_OTHER): "0+2x60"}, "30m", says="another's rules"),
    Case("quiet", {text(RULE_FAILURES, **_GROUP): "500x60"}, "30m", says="long ago"),
    Case("boundary", _slow("30x60"), "30m", says="exactly the interval"),
    Case("boundary", {text(MISSED, **_GROUP): "0x20 1x60"}, "30m", says="one evaluation"),
    Case("missing", {text(LAST_DURATION, **_GROUP): "45x60"}, "30m", says="the interval is unknown"),
    Case(
        "missing",
        {text(RULE_FAILURES, **_GROUP): "0+2x30 stale _x5 72+2x60"},
        "34m",
        (_FAILING,),
        says="a gap while Prometheus restarts does not resolve it",
    ),
)

_DROPPED_ALERTS = text(ALERTS_DROPPED, **_PROMETHEUS)
_ERRORS = text(ALERT_ERRORS, **_PROMETHEUS, alertmanager="http://a:9093/api/v2/alerts")
_KNOWN = text(ALERTMANAGERS, **_PROMETHEUS)

ALERTS_LOST = (
    Case("fires", {_DROPPED_ALERTS: "0x5 0+3x60"}, "30m", (_PROMETHEUS,), says="dropped"),
    Case("fires", {_ERRORS: "0x5 0+1x60", _KNOWN: "1x90"}, "30m", (_PROMETHEUS,), says="refused"),
    Case("fires", {_KNOWN: "0x90"}, "30m", (_PROMETHEUS,), says="no Alertmanager is known"),
    Case("quiet", {_DROPPED_ALERTS: "0x60", _ERRORS: "0x60", _KNOWN: "1x60"}, "30m"),
    Case("quiet", {_DROPPED_ALERTS: "9x60", _ERRORS: "9x60", _KNOWN: "1x60"}, "30m", says="long ago"),
    Case("quiet", {_KNOWN: "1x9 0x3 1x60"}, "30m", says="a reload"),
    Case("boundary", {_ERRORS: "0x20 0+1x60"}, "25m", says="for four minutes"),
    Case("boundary", {_ERRORS: "0x20 0+1x60"}, "28m", (_PROMETHEUS,), says="for more than five"),
    Case("missing", {}, "30m", says="Prometheus does not scrape itself"),
    Case(
        "missing",
        {_ERRORS: "0+1x30 stale _x5 36+1x60"},
        "34m",
        (_PROMETHEUS,),
        says="a gap while Prometheus restarts does not resolve it",
    ),
)

_ALERTMANAGER = {"job": "alertmanager", "instance": "m:9093"}
_SLACK = _ALERTMANAGER | {"channel": "slack"}


def _sent(failed: str, total: str = "0+1x90") -> dict[str, str]:
    return {
        text(NOTIFICATION_FAILURES, **_ALERTMANAGER, integration="slack", reason="clientError"): failed,
        text(NOTIFICATION_FAILURES, **_ALERTMANAGER, integration="email", reason="other"): "0x90",
        text(NOTIFICATIONS, **_ALERTMANAGER, integration="slack"): total,
        text(NOTIFICATIONS, **_ALERTMANAGER, integration="email"): "0+1x90",
    }


NOTIFICATIONS_FAILING = (
    Case(
        "fires",
        _sent("0+1x90"),
        "40m",
        (_SLACK | {"severity": "high"}, _SLACK | {"severity": "medium"}),
        says="all of them",
    ),
    Case("fires", _sent("0+0.2x90"), "40m", (_SLACK | {"severity": "medium"},), says="one of five"),
    Case("quiet", _sent("0x90"), "40m"),
    Case("quiet", _sent("9x90"), "40m", says="long ago"),
    Case("boundary", _sent("0+0.5x90"), "40m", (_SLACK | {"severity": "medium"},), says="half is not most"),
    Case("boundary", _sent("0x20 0+1x90"), "24m", says="for three minutes"),
    Case("missing", {}, "40m", says="Alertmanager is not scraped"),
    Case(
        "missing",
        _sent("0+1x40 stale _x5 46+1x60", "0+1x40 stale _x5 46+1x60"),
        "44m",
        (_SLACK | {"severity": "high"}, _SLACK | {"severity": "medium"}),
        says="a gap while Alertmanager restarts does not resolve it",
    ),
)
