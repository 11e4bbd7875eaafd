"""The series of text messages; counters restart with the process, and those of several processes add up."""

from exporter.core.metric import Kind, Metric, Scope


def _metric(name: str, text: str, *labels: str, kind: Kind = Kind.COUNTER, unit: str = "") -> Metric:
    return Metric(f"integration_exporter_sms_{name}", text, kind, unit, labels, Scope.EXPORTER)


REQUESTED = _metric("requested_total", "Text messages that notices of Alertmanager asked for and are stored.")
REPEATED = _metric("repeated_total", "Notices of Alertmanager that brought nothing new to send.")
CAPPED = _metric(
    "capped_total",
    "Notices whose text message was not sent, because their incident has as many as it may have.",
)
ACCEPTED = _metric("accepted_total", "Text messages that an account took.", "account")
DELIVERED = _metric("delivered_total", "Text messages that the vendor says are on the phone.", "account")
FAILED = _metric(
    "failed_total",
    "Text messages that an account refused, or took and did not bring to the phone, by reason.",
    *("account", "reason"),
)
UNCERTAIN = _metric(
    "uncertain_total",
    "Requests of which no answer came: the account may have taken the message, which is sent again.",
    "account",
)
GIVEN_UP = _metric(
    "given_up_total", "Text messages that no account brought to the phone, by reason.", "reason"
)
LAST_SUCCESS = _metric(
    "last_success_timestamp_seconds",
    "When an account last took a text message.",
    kind=Kind.GAUGE,
    unit="seconds",
)
BACKLOG = _metric("backlog", "Text messages that wait.", kind=Kind.GAUGE)
OLDEST = _metric(
    "oldest_timestamp_seconds",
    "When the oldest text message that waits was asked for; 0 where none waits.",
    kind=Kind.GAUGE,
    unit="seconds",
)

SMS_SERIES = (
    *(REQUESTED, REPEATED, CAPPED, ACCEPTED, DELIVERED, FAILED, UNCERTAIN, GIVEN_UP, LAST_SUCCESS),
    *(BACKLOG, OLDEST),
)
