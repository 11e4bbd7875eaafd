"""What is exported of a WhatsApp business account. `phone` is the id of a number, never the number itself."""

from exporter.core.common_metrics import SCHEDULE, TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.metric import Metric
from exporter.probes._meta_graph.metrics import graph_metrics
from exporter.probes._meta_graph.usage import METRICS as USAGE


def _gauge(name: str, text: str, *, labels: tuple[str, ...] = (), dated: bool = False) -> Metric:
    return Metric(f"integration_whatsapp_{name}", text + SCHEDULE, labels=labels, dated=dated)


OWN = graph_metrics("whatsapp")

PHONE_INFO = _gauge(
    "phone_info",
    "States of a phone number; always 1.",
    labels=("phone", "status", "name_status", "verification", "mode", "throughput"),
)
PHONE_RESTRICTED = _gauge(
    "phone_restricted",
    "Whether the number is banned or restricted (1), or not (0).",
    labels=("phone",),
    dated=True,
)
PHONE_QUALITY = _gauge(
    "phone_quality",
    "Quality rating of the number: 3 green, 2 yellow, 1 red; absent while it has none.",
    labels=("phone",),
)
PHONE_THROUGHPUT = _gauge(
    "phone_throughput_messages_per_second",
    "Messages a second that the number's throughput level allows by default.",
    labels=("phone",),
)
PHONE_CAN_SEND = _gauge(
    "phone_can_send",
    "Whether messages can be sent from the number: 2 available, 1 limited, 0 blocked.",
    labels=("phone",),
)
PHONES_TRUNCATED = _gauge(
    "phones_truncated", "Whether the account has more numbers than were read (1), or not (0)."
)

ACCOUNT_INFO = _gauge(
    "account_info",
    "States of the business account; always 1.",
    labels=("review", "verification", "currency"),
)
ACCOUNT_RESTRICTED = _gauge(
    "account_restricted",
    "Whether the account was rejected, restricted, disabled or banned (1), or not (0).",
    dated=True,
)
ACCOUNT_CAN_SEND = _gauge(
    "account_can_send",
    "Whether messages can be sent from the account: 2 available, 1 limited, 0 blocked.",
)
MESSAGING_LIMIT = _gauge(
    "messaging_limit_users",
    "People to whom the business may start a conversation in 24 hours; absent if unlimited or not yet rated.",
)
HEALTH_ERRORS = _gauge(
    "health_errors",
    "Errors in the health of the account and its numbers: payment, verification, template, calling, other.",
    labels=("error",),
)

TEMPLATES = _gauge("templates", "Message templates by status.", labels=("status",))
TEMPLATES_TRUNCATED = _gauge(
    "templates_truncated", "Whether there are more templates than the pages read (1), or not (0)."
)
SUBSCRIBED_APPS = _gauge(
    "subscribed_apps", "Apps that get the webhooks of the account; with none, no webhook is sent."
)

METRICS = (
    PHONE_INFO,
    PHONE_RESTRICTED,
    PHONE_QUALITY,
    PHONE_THROUGHPUT,
    PHONE_CAN_SEND,
    PHONES_TRUNCATED,
    ACCOUNT_INFO,
    ACCOUNT_RESTRICTED,
    ACCOUNT_CAN_SEND,
    MESSAGING_LIMIT,
    HEALTH_ERRORS,
    TEMPLATES,
    TEMPLATES_TRUNCATED,
    SUBSCRIBED_APPS,
    TOKEN_EXPIRY,
    TOKEN_REFRESHABLE,
    *USAGE,
    *OWN.all,
)
