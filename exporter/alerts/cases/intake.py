"""Cases of the alerts on the way in of events."""

from exporter.alerts.cases.series import scraped
from exporter.core.alert import Case
from exporter.core.webhook_metrics import SERIES_DROPPED

_PLACE = {"job": "integration-exporter", "instance": "a:10055", "metric": "integration_payments_total"}
_LABELS = 'instance="a:10055",metric="integration_payments_total"'
_DROPPED = f'{SERIES_DROPPED}{{job="integration-exporter",{_LABELS}}}'
_PROCESS = scraped(job="integration-exporter", instance="a:10055")
_OTHER = f'{SERIES_DROPPED}{{job="other",{_LABELS}}}'

EVENT_SERIES_DROPPED = (
    Case("fires", {_DROPPED: "0x5 0+100x60"}, "20m", (_PLACE,)),
    Case("fires", {_DROPPED: "0x5 1x60"}, "10m", (_PLACE,), says="one value alone, which never comes again"),
    Case("fires", {_DROPPED: "_x20 7x60", **_PROCESS}, "22m", (_PLACE,), says="a burst before a scrape"),
    Case("quiet", {_DROPPED: "0x60"}, "20m", says="nothing was dropped"),
    Case("quiet", {_DROPPED: "_x20 7x60", **_PROCESS}, "40m", says="the burst is over"),
    Case("quiet", {_DROPPED: "0x5 500x60"}, "40m", says="it is over"),
    Case("quiet", {_OTHER: "0x5 0+100x60"}, "20m", says="it is the exporter of another job"),
    Case("boundary", {_DROPPED: "0x20 0+100x9 900x60"}, "43m", (_PLACE,), says="the last one is in sight"),
    Case("boundary", {_DROPPED: "0x20 0+100x9 900x60"}, "47m", says="the last one is out of sight"),
    Case("missing", {_DROPPED: "_x60"}, "20m"),
)
