"""What is exported of a fal account, besides the costs and the balance that all providers share."""

from exporter.core.common_metrics import COST_MONTH, COST_TODAY, PREPAID_BALANCE, SCHEDULE
from exporter.core.metric import Metric
from exporter.probes._readings import refused_metric


def _gauge(name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    return Metric(f"integration_fal_{name}", text + SCHEDULE, unit=unit, labels=labels)


UNIT_PRICE = _gauge(
    "unit_price_usd", "Price of a unit of the model that is asked for, in US dollars.", unit="usd"
)
REQUESTS = _gauge(
    "requests_window",
    "Requests in a period, by outcome: succeeded, user_error, failed. Periods: hour (the last 60"
    " minutes), today and month (UTC). They are those for the configured model and for the models used this"
    " month, as far as the key may know these.",
    labels=("period", "outcome"),
)
PERMISSION_MISSING = _gauge(
    "permission_missing",
    "Whether the key lacks a permission to read (1), so that what depends on it is absent, or not (0).",
    labels=("permission",),
)
READING_REFUSED = refused_metric("fal")
TRUNCATED = _gauge(
    "list_truncated",
    "Whether a list held more than the pages read (1), so that its sum is a lower bound, or not (0).",
    labels=("list",),
)

METRICS = (
    COST_TODAY,
    COST_MONTH,
    PREPAID_BALANCE,
    UNIT_PRICE,
    REQUESTS,
    PERMISSION_MISSING,
    READING_REFUSED,
    TRUNCATED,
)
