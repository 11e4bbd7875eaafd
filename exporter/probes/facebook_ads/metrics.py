"""What is exported of an ad account. Money is in units of its currency."""

from exporter.core.common_metrics import QUOTA_LIMIT, QUOTA_USED, SCHEDULE, TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.metric import Metric
from exporter.probes._meta_graph.metrics import graph_metrics
from exporter.probes._meta_graph.usage import METRICS as USAGE


def _gauge(name: str, text: str, *, labels: tuple[str, ...] = (), dated: bool = False) -> Metric:
    return Metric(f"integration_facebook_ads_{name}", text + SCHEDULE, labels=labels, dated=dated)


OWN = graph_metrics("facebook_ads")

ACCOUNT_INFO = _gauge(
    "account_info",
    "Status of the ad account and why it was disabled; always 1.",
    labels=("status", "disable_reason"),
)
ACCOUNT_DISABLED = _gauge(
    "account_disabled",
    "Whether the ad account is disabled, unsettled or closed, so that no ad runs (1), or not (0).",
    dated=True,
)
ACCOUNT_AT_RISK = _gauge(
    "account_at_risk",
    "Whether the ad account is under review, waits for a payment or is about to close (1), or not (0).",
    dated=True,
)
AMOUNT_SPENT = _gauge(
    "amount_spent", "Money spent since the advertiser last reset the count.", labels=("currency",)
)
BALANCE = _gauge("balance", "Money due for ads that have run.", labels=("currency",))
SPEND_CAP = _gauge(
    "spend_cap", "Most that the ad account may spend; absent if it has no cap.", labels=("currency",)
)

METRICS = (
    ACCOUNT_INFO,
    ACCOUNT_DISABLED,
    ACCOUNT_AT_RISK,
    AMOUNT_SPENT,
    BALANCE,
    SPEND_CAP,
    QUOTA_USED,
    QUOTA_LIMIT,
    TOKEN_EXPIRY,
    TOKEN_REFRESHABLE,
    *USAGE,
    *OWN.all,
)
