"""The series of webhooks, received and delivered: the names are a contract with rules and dashboards.

`source` is a configured source for what is received, and the endpoint for what we deliver; `direction` is
`inbound` or `outbound`. An event is one attempt to get a webhook processed: by the app that it is forwarded
to, or by the receiver that we deliver to. A source without `forward` counts what it stores. Counters restart
with the process, and those of several processes add up.
"""

from exporter.core.metric import Kind, Metric, Scope

INBOUND, OUTBOUND = "inbound", "outbound"
OTHER = "other"
"""The label of a type that is in no allow-list."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def _metric(
    name: str,
    text: str,
    *labels: str,
    kind: Kind = Kind.GAUGE,
    unit: str = "",
    scope: Scope = Scope.TARGET,
    buckets: tuple[float, ...] = (),
) -> Metric:
    return Metric(f"integration_webhook_{name}", text, kind, unit, labels, scope, buckets=buckets)


EVENTS = _metric(
    "events_total",
    "Attempts to get a webhook processed, by the app or by the receiver.",
    *("source", "direction"),
    kind=Kind.COUNTER,
)
EVENT_FAILURES = _metric(
    "event_failures_total",
    "Attempts to get a webhook processed that failed, by reason.",
    *("source", "direction", "reason"),
    kind=Kind.COUNTER,
)
PROCESSING_DURATION = _metric(
    "processing_duration_seconds",
    "How long the app or the receiver took to process a webhook, as its answer shows.",
    *("source", "direction"),
    kind=Kind.HISTOGRAM,
    unit="seconds",
    scope=Scope.INTEGRATION,
    buckets=SECONDS,
)
CONSECUTIVE_FAILURES = _metric(
    "consecutive_failures",
    "Failed attempts since the last webhook that was processed.",
    "source",
    "direction",
)
LAST_EVENT = _metric(
    "last_event_timestamp_seconds",
    "When the last genuine webhook arrived, or the last one was delivered.",
    *("source", "direction"),
    unit="seconds",
)
RECEIVED = _metric(
    "received_total",
    "Genuine webhooks that were new, by their type as far as the configuration lists it, else `other`.",
    *("source", "type"),
    kind=Kind.COUNTER,
)
DUPLICATES = _metric(
    "duplicates_total",
    "Genuine webhooks that were there already; they are answered with 200 and not forwarded again.",
    "source",
    kind=Kind.COUNTER,
)
SIGNATURE_FAILURES = _metric(
    "signature_failures_total",
    "Webhooks refused because they are not proven to be genuine, by reason.",
    *("source", "reason"),
    kind=Kind.COUNTER,
)
SILENCE_LIMIT = _metric(
    "silence_limit_seconds",
    "Time without a webhook from which a source counts as silent; absent where that is not watched.",
    "source",
    unit="seconds",
)
SOURCE_SINCE = _metric(
    "source_since_timestamp_seconds",
    "When this process began to take webhooks of the source.",
    "source",
    unit="seconds",
)

DELIVERIES = _metric(
    "deliveries_total", "Attempts to deliver a webhook.", "endpoint", "direction", kind=Kind.COUNTER
)
DELIVERY_FAILURES = _metric(
    "delivery_failures_total",
    "Attempts to deliver a webhook that failed, by reason.",
    *("endpoint", "direction", "reason"),
    kind=Kind.COUNTER,
)
DELIVERY_DURATION = _metric(
    "delivery_duration_seconds",
    "How long an attempt to deliver took, whatever its outcome.",
    "direction",
    kind=Kind.HISTOGRAM,
    unit="seconds",
    scope=Scope.INTEGRATION,
    buckets=SECONDS,
)
BACKLOG = _metric("backlog", "Deliveries that wait.", "endpoint", "direction")
OLDEST = _metric(
    "oldest_timestamp_seconds",
    "When the oldest delivery that waits was accepted; absent where none waits.",
    *("endpoint", "direction"),
    unit="seconds",
)
DEAD = _metric("dead", "Deliveries that were given up and are still stored.", "endpoint", "direction")
ENDPOINT_UP = _metric(
    "endpoint_up",
    "Whether the last attempt to deliver to the endpoint succeeded and it is enabled (1) or not (0).",
    "endpoint",
)
ENDPOINT_DISABLED = _metric(
    "endpoint_disabled",
    "Whether the exporter itself has disabled the endpoint, after 410 or days of failures (1), or not (0).",
    "endpoint",
)
ENDPOINT_LAST_SUCCESS = _metric(
    "endpoint_last_success_timestamp_seconds",
    "When a delivery to the endpoint last succeeded.",
    "endpoint",
    unit="seconds",
)
ENDPOINT_CERTIFICATE = _metric(
    "endpoint_certificate_expiry_timestamp_seconds",
    "When the first certificate of the chain expires that the endpoint showed.",
    "endpoint",
    unit="seconds",
)

SERIES_DROPPED = Metric(
    "integration_exporter_event_series_dropped_total",
    "Counts that were not kept because their metric has as many series as it may have.",
    Kind.COUNTER,
    labels=("metric",),
    scope=Scope.EXPORTER,
)

WEBHOOK_SERIES = (
    EVENTS,
    EVENT_FAILURES,
    PROCESSING_DURATION,
    CONSECUTIVE_FAILURES,
    LAST_EVENT,
    RECEIVED,
    DUPLICATES,
    SIGNATURE_FAILURES,
    SILENCE_LIMIT,
    SOURCE_SINCE,
    DELIVERIES,
    DELIVERY_FAILURES,
    DELIVERY_DURATION,
    BACKLOG,
    OLDEST,
    DEAD,
    ENDPOINT_UP,
    ENDPOINT_DISABLED,
    ENDPOINT_LAST_SUCCESS,
    ENDPOINT_CERTIFICATE,
    SERIES_DROPPED,
)
