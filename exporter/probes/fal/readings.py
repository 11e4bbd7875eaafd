"""What is read of a fal account: a price at every run, money and requests on periods of their own."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from exporter.core.common_metrics import COST_MONTH, COST_TODAY, PREPAID_BALANCE
from exporter.core.document import Document
from exporter.core.metric import Sample
from exporter.probes._readings import StoredAnswer
from exporter.probes._vendor_api import Parameters
from exporter.probes._vendor_reading import VendorReading
from exporter.probes.fal import metrics as m
from exporter.probes.fal.api import Api, FalOptions

MINUTE = 60.0
HOUR = 3600.0

MODELS = 50
"""Models that one call may name: the most that the API takes."""

# The fields of the answer and the outcome that each one counts; fal never bills its own errors.
_OUTCOMES = {"success_count": "succeeded", "user_error_count": "user_error", "error_count": "failed"}


def price_samples(answer: Document, model: str) -> Iterator[Sample]:
    """Return the price of a unit: the fields of GET /models/pricing."""
    for price in answer.must("prices").items():
        if price.text("endpoint_id") == model and price.at("currency").value == "USD":
            if (value := price.amount("unit_price")) is not None:
                yield m.UNIT_PRICE(value)
            return


async def fetch_balance(api: Api) -> StoredAnswer:
    """Read the prepaid money: GET /account/billing?expand=credits."""
    credits = (await api.get("/account/billing", (("expand", "credits"),))).must("credits")
    return {"balance": credits.number("current_balance"), "currency": credits.text("currency")}


def balance_samples(kept: StoredAnswer, _now: float) -> Iterator[Sample]:
    """Return the prepaid money."""
    currency = kept.get("currency")
    # The currency becomes a label, so it must look like one.
    known = isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isalpha()
    if kept.get("balance") is not None and known:
        yield PREPAID_BALANCE(kept["balance"], currency=str(currency).upper())


async def fetch_usage(api: Api) -> StoredAnswer:
    """Sum what the month has cost so far, day by day: GET /models/usage."""
    today = _day(api.kit.now())
    parameters = (("start", f"{today[:8]}01T00:00:00Z"), ("timeframe", "day"), ("timezone", "UTC"))
    buckets, cut = await _buckets(api, "/models/usage", (*parameters, ("expand", "time_series")))
    costs: dict[str, float] = {}
    models: Counter[str] = Counter()
    for when, line in buckets:
        if line.at("currency").value not in (None, "USD"):
            api.kit.log("a line of the usage is not in US dollars; it is left out")
        elif (cost := _cost(line)) is not None:
            costs[when] = costs.get(when, 0.0) + cost
        if (model := line.text("endpoint_id")) is not None:
            models[model] += 1
    whole = sum(cost for when, cost in costs.items() if when[:7] == today[:7])
    return {
        "day": today,
        "today": costs.get(today, 0.0),
        "month": whole,
        # One more than a call may name, so that it shows where some are left out.
        "models": [model for model, _ in models.most_common(MODELS + 1)],
        "cut": cut,
    }


def _cost(line: Document) -> float | None:
    """Return what a line costs after discounts; `cost` is the same by an older name, which may go."""
    return line.amount("cost_total") if line.at("cost_total").value is not None else line.amount("cost")


def usage_samples(kept: StoredAnswer, now: float) -> Iterator[Sample]:
    """Return the costs of the day and the month; nothing once the day of the answer is over."""
    if kept["day"] == _day(now):
        yield COST_TODAY(kept["today"])
    if kept["day"][:7] == _day(now)[:7]:
        yield COST_MONTH(kept["month"])
    yield m.TRUNCATED(kept["cut"], list="usage")


async def fetch_hour(api: Api) -> StoredAnswer:
    """Count the requests of the last hour by outcome: GET /models/analytics."""
    since = datetime.fromtimestamp(int(api.kit.now()), UTC) - timedelta(hours=1)
    start = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    # Not bound to the timeframe: otherwise the API would move the start to a full hour.
    exact = (("start", start), ("timeframe", "hour"), ("bound_to_timeframe", "false"))
    buckets, cut = await _analytics(api, exact)
    return {"hour": _outcomes(line for _, line in buckets), "cut": cut}


def hour_samples(kept: StoredAnswer, _now: float) -> Iterator[Sample]:
    """Return the requests of the last hour."""
    yield from _requests("hour", kept["hour"])
    yield m.TRUNCATED(kept["cut"], list="requests_hour")


async def fetch_month(api: Api) -> StoredAnswer:
    """Count the requests of the day and the month by outcome: GET /models/analytics."""
    today = _day(api.kit.now())
    buckets, cut = await _analytics(api, (("start", f"{today[:8]}01T00:00:00Z"), ("timeframe", "day")))
    lines = list(buckets)
    return {
        "day": today,
        "today": _outcomes(line for when, line in lines if when == today),
        "month": _outcomes(line for when, line in lines if when[:7] == today[:7]),
        "cut": cut,
    }


def month_samples(kept: StoredAnswer, now: float) -> Iterator[Sample]:
    """Return the requests of the day and the month; nothing once the day of the answer is over."""
    if kept["day"] == _day(now):
        yield from _requests("today", kept["today"])
    if kept["day"][:7] == _day(now)[:7]:
        yield from _requests("month", kept["month"])
    yield m.TRUNCATED(kept["cut"], list="requests_month")


def _requests(period: str, counts: dict[str, float]) -> Iterator[Sample]:
    for outcome, count in counts.items():
        yield m.REQUESTS(count, period=period, outcome=outcome)


def _outcomes(lines: Iterator[Document]) -> dict[str, float]:
    """Return the requests by outcome, 0 where nothing was asked for."""
    counts = dict.fromkeys(_OUTCOMES.values(), 0.0)
    for line in lines:
        for field, outcome in _OUTCOMES.items():
            counts[outcome] += line.amount(field) or 0.0
    return counts


async def _analytics(api: Api, when: Parameters) -> tuple[list[tuple[str, Document]], bool]:
    # The call must name its models. The configured one is asked for even where it is not in the usage:
    # what fails costs nothing, so it is not in the usage.
    usage = api.kit.recall(f"usage/{VERSION}") or {}
    models = list(dict.fromkeys((api.options.model, *usage.get("models", ()))))
    named = tuple(("endpoint_id", model) for model in models[:MODELS])
    fields = (
        ("expand", "time_series"),
        ("expand", "request_count"),
        *(("expand", name) for name in _OUTCOMES),
    )
    buckets, cut = await _buckets(api, "/models/analytics", (*when, ("timezone", "UTC"), *fields, *named))
    return buckets, cut or len(models) > MODELS


async def _buckets(api: Api, path: str, parameters: Parameters) -> tuple[list[tuple[str, Document]], bool]:
    """Return each line with the UTC day of its bucket, and whether there are more than the pages read."""
    found: list[tuple[str, Document]] = []
    cursor: Parameters = ()
    for _ in range(api.options.pages):
        page = await api.get(path, (*parameters, *cursor))
        for bucket in page.must("time_series").items():
            if (day := _day_of(bucket)) is not None:
                found += [(day, line) for line in bucket.items("results")]
        after = page.at("next_cursor").value
        if not isinstance(after, str) or not after:
            return found, False
        cursor = (("cursor", after),)
    return found, True


def _day_of(bucket: Document) -> str | None:
    when = bucket.date("bucket")
    return None if when is None else _day(when)


def _day(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")


VERSION = 1
"""Goes up when the shape of what is kept changes, so that older answers are not misread."""

READINGS: tuple[VendorReading[Api, FalOptions], ...] = (
    VendorReading("balance", "billing", 15 * MINUTE, fetch_balance, balance_samples),
    VendorReading("usage", "usage", 15 * MINUTE, fetch_usage, usage_samples, paged=True),
    VendorReading("hour", "analytics", 15 * MINUTE, fetch_hour, hour_samples, paged=True),
    VendorReading("month", "analytics", HOUR, fetch_month, month_samples, paged=True),
)
