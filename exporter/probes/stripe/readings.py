"""The expensive readings: each on a period of its own, each behind a permission of its own.

A reading has two halves. `fetch` asks the API and reduces the answer to a small JSON object, which is
kept until the period is over; `samples` turns that object into values at every run.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from exporter.core.declines import FAMILIES, family_of
from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.probe import DAY
from exporter.core.reason import Reason
from exporter.probes._readings import StoredAnswer
from exporter.probes._vendor_api import PagedList, Parameters
from exporter.probes._vendor_reading import VendorReading
from exporter.probes.stripe import metrics as m
from exporter.probes.stripe.api import Api, MissingError, StripeOptions

HOUR = 3600.0
MINUTE = 60.0
GRACE = 15 * MINUTE
"""An event is undelivered when it is older than this: younger ones may be on their first attempt."""
RETRIED = 3 * DAY
"""How long Stripe goes on trying to deliver an event (docs.stripe.com/webhooks)."""

PAYOUT_STATES = ("paid", "pending", "in_transit", "canceled", "failed", "other")


@dataclass(frozen=True)
class StripeReading(VendorReading[Api, StripeOptions]):
    """One further reading; `details` are of the objects it names, for people alone."""

    details: Callable[[StoredAnswer], Mapping[str, str | None]] = lambda _kept: {}


async def fetch_account(api: Api) -> StoredAnswer:
    """Read the account's state: GET /v1/account."""
    return reduce_account(await api.get("/v1/account"))


def reduce_account(account: Document) -> StoredAnswer:
    """Return what is kept of an account; what is unknown is None."""
    due = account.at("requirements")
    if due.value is None:
        # A whole part that is gone is one drift, not one for each of its fields.
        due = Document(None, lambda _path: None)
        account.unknown("requirements")
    kept: StoredAnswer = {
        name: account.flag(name) for name in ("charges_enabled", "payouts_enabled", "details_submitted")
    }
    kept["past_due"], kept["currently_due"] = _length(due, "past_due"), _length(due, "currently_due")
    kept["deadline"] = None if due.at("current_deadline").value is None else due.moment("current_deadline")
    kept["restricted"] = _restricted(kept, due)
    capabilities = account.at("capabilities").value
    if isinstance(capabilities, dict):
        kept["inactive"] = list(capabilities.values()).count("inactive")
    return kept


def _restricted(kept: StoredAnswer, due: Document) -> bool | None:
    if False in (kept["charges_enabled"], kept["payouts_enabled"]) or due.at("disabled_reason").value:
        return True
    unknown = due.value is None or None in (kept["charges_enabled"], kept["payouts_enabled"])
    return None if unknown else False


def account_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the values of an account."""
    for name, metric in (
        ("charges_enabled", m.CHARGES_ENABLED),
        ("payouts_enabled", m.PAYOUTS_ENABLED),
        ("details_submitted", m.DETAILS_SUBMITTED),
        ("restricted", m.RESTRICTED),
        ("deadline", m.REQUIREMENTS_DEADLINE),
        ("inactive", m.CAPABILITIES_INACTIVE),
    ):
        if kept.get(name) is not None:
            yield metric(kept[name])
    for state in ("past_due", "currently_due"):
        if kept.get(state) is not None:
            yield m.REQUIREMENTS(kept[state], state=state)


async def fetch_endpoints(api: Api) -> StoredAnswer:
    """Count webhook endpoints by status: GET /v1/webhook_endpoints (an account has 16 at most)."""
    listing = await api.list("/v1/webhook_endpoints")
    ignored = api.options.ignore_webhook_endpoints
    states = Counter(item.text("status") for item in listing.items if item.at("id").value not in ignored)
    return {state: states[state] for state in ("enabled", "disabled")}


def endpoints_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the number of endpoints by status."""
    for state, count in kept.items():
        yield m.WEBHOOK_ENDPOINTS(count, status=state)


async def fetch_undelivered(api: Api) -> StoredAnswer:
    """Count events that Stripe still tries to deliver: GET /v1/events?delivery_success=false."""
    now = api.kit.now()
    listing = await api.list("/v1/events", (("delivery_success", "false"), *_since(now - RETRIED)))
    late = [when for when in _times(listing) if when <= now - GRACE]
    return {"count": len(late), "oldest": min(late, default=None), "truncated": listing.truncated}


def undelivered_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return how many events are late, and since when."""
    yield m.UNDELIVERED(kept["count"])
    if kept["oldest"] is not None:
        yield m.UNDELIVERED_OLDEST(kept["oldest"])
    yield m.TRUNCATED(kept["truncated"], list="events_undelivered")


async def fetch_payments(api: Api) -> StoredAnswer:
    """Read the charges of the last day, as many as the pages hold: GET /v1/events?types[]=charge...

    Events are asked instead of charges because they need no permission beyond that for `fetch_undelivered`.
    """
    now = api.kit.now()
    kinds = (("types[]", "charge.succeeded"), ("types[]", "charge.failed"))
    listing = await api.list("/v1/events", (*kinds, *_since(now - DAY)))
    return reduce_payments(listing, now, api.options.payments_minutes * MINUTE)


def reduce_payments(listing: PagedList, now: float, window: float) -> StoredAnswer:
    """Return what is kept of charge events: counts in the `window` (seconds) before `now`, and of the day."""
    charges = [(when, _outcome(event)) for event in listing.items if (when := event.moment("created"))]
    # Where the pages end before the day does, nothing is known of the time before their oldest event.
    # At least a second, because it is a divisor.
    span = max(now - min(when for when, _ in charges), 1.0) if listing.truncated and charges else DAY
    recent = [outcome for when, outcome in charges if now - when <= window]
    succeeded = sum(outcome == ("succeeded", "") for _, outcome in charges)
    kinds = Counter(kind for kind, _ in recent)
    return {
        "outcomes": {kind: kinds[kind] for kind in ("succeeded", "failed", "blocked")},
        "declines": Counter(family for kind, family in recent if kind == "failed"),
        "seconds": min(window, span),
        "daily": succeeded * DAY / span,
        "truncated": listing.truncated,
    }


def _outcome(event: Document) -> tuple[str, str]:
    """Return what a charge event resulted in, and for a failed one the family of its decline."""
    if event.text("type") == "charge.succeeded":
        return "succeeded", ""
    charge = event.at("data", "object")
    if charge.at("outcome", "type").value == "blocked":
        return "blocked", ""
    # The issuer's reason is more exact than `failure_code`, which is `card_declined` for most of them.
    code = charge.at("outcome", "reason").value or charge.at("failure_code").value
    return "failed", family_of(str(code))


def payments_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return payments by outcome and declines by family, with the length of their window."""
    for outcome, count in kept["outcomes"].items():
        yield m.PAYMENTS(count, outcome=outcome)
    for family in FAMILIES:
        yield m.DECLINES(kept["declines"].get(family, 0), family=family)
    yield m.PAYMENTS_WINDOW(kept["seconds"])
    yield m.PAYMENTS_DAILY(kept["daily"])
    yield m.TRUNCATED(kept["truncated"], list="payments")


def _counting(path: str) -> Callable[[Api], Awaitable[StoredAnswer]]:
    async def fetch(api: Api) -> StoredAnswer:
        listing = await api.list(path, _since(api.kit.now() - DAY))
        return {"count": len(listing.items), "truncated": listing.truncated}

    return fetch


def _count_samples(metric: Metric, name: str) -> Callable[[StoredAnswer], Iterator[Sample]]:
    def samples(kept: StoredAnswer) -> Iterator[Sample]:
        yield metric(kept["count"])
        yield m.TRUNCATED(kept["truncated"], list=name)

    return samples


async def fetch_payouts(api: Api) -> StoredAnswer:
    """Count the payouts of a week by status: GET /v1/payouts."""
    listing = await api.list("/v1/payouts", _since(api.kit.now() - 7 * DAY))
    states = Counter(_state_label(item.text("status")) for item in listing.items)
    return {"states": {state: states[state] for state in PAYOUT_STATES}, "truncated": listing.truncated}


def _state_label(state: str | None) -> str:
    return state if state in PAYOUT_STATES else "other"


def payouts_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the number of payouts by status."""
    for state, count in kept["states"].items():
        yield m.PAYOUTS(count, status=state)
    yield m.TRUNCATED(kept["truncated"], list="payouts")


async def fetch_customer(api: Api) -> StoredAnswer:
    """Look whether the configured customer exists: GET /v1/customers/{id}.

    A customer who is gone is kept like one who is there, so that asking again costs no more. Only Stripe's
    own word counts for that (`resource_missing`), not a path that is not served. Id and e-mail are for the
    viewers of the status.
    """
    try:
        customer = await api.get(f"/v1/customers/{api.options.customer_id}")
    except ProbeError as error:
        if isinstance(error, MissingError):
            return {"state": "missing"}
        raise
    if customer.at("deleted").value is True:
        return {"state": "deleted"}
    email = customer.at("email").value  # a customer may have none
    return {"state": "there", "id": customer.text("id"), "email": email if isinstance(email, str) else None}


def customer_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Fail where the customer is gone; there is nothing to export of one who is there."""
    if kept["state"] != "there":
        raise ProbeError(Reason.NOT_FOUND, f"the configured customer is {kept['state']}")
    # Makes this a generator, as the other readings' functions are.
    yield from ()


def balance_samples(balance: Document) -> Iterator[Sample]:
    """Return the money of an account by currency: the fields of GET /v1/balance."""
    for field, metric in (("available", m.BALANCE_AVAILABLE), ("pending", m.BALANCE_PENDING)):
        for currency, amount in _money(balance.must(field)).items():
            yield metric(amount, currency=currency.upper())
    if (live := balance.flag("livemode")) is not None:
        yield m.LIVEMODE(live)


# docs.stripe.com/currencies: amounts are integers in the smallest unit; these have none, or a thousandth.
_NO_DECIMALS = (
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
    *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
)
_DECIMALS = dict.fromkeys(_NO_DECIMALS, 0) | dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3)


def _money(sums: Document) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for item in sums.items():
        currency, amount = item.text("currency"), item.number("amount")
        # The currency becomes a label, so it must look like one.
        if currency and amount is not None and re.fullmatch("[a-z]{3,5}", currency):
            found[currency] = found.get(currency, 0.0) + amount / 10 ** _DECIMALS.get(currency, 2)
    return found


def _since(when: float) -> Parameters:
    return (("created[gte]", str(int(when))),)


def _times(listing: PagedList) -> list[float]:
    return [when for item in listing.items if (when := item.moment("created")) is not None]


def _length(document: Document, name: str) -> int | None:
    found = document.at(name).value
    if isinstance(found, list):
        return len(found)
    document.unknown(name)
    return None


READINGS: tuple[StripeReading, ...] = (
    StripeReading("account", "account", 4 * HOUR, fetch_account, account_samples),
    StripeReading("webhook_endpoints", "webhook_endpoints", 4 * HOUR, fetch_endpoints, endpoints_samples),
    StripeReading("undelivered", "events", 4 * HOUR, fetch_undelivered, undelivered_samples, paged=True),
    StripeReading(
        "payments",
        "events",
        lambda options: options.payments_minutes * MINUTE,
        fetch_payments,
        payments_samples,
        paged=True,
    ),
    StripeReading(
        "fraud_warnings",
        "fraud_warnings",
        12 * HOUR,
        _counting("/v1/radar/early_fraud_warnings"),
        _count_samples(m.FRAUD_WARNINGS, "fraud_warnings"),
        paged=True,
    ),
    StripeReading(
        "disputes",
        "disputes",
        12 * HOUR,
        _counting("/v1/disputes"),
        _count_samples(m.DISPUTES, "disputes"),
        paged=True,
    ),
    StripeReading("payouts", "payouts", 12 * HOUR, fetch_payouts, payouts_samples, paged=True),
    StripeReading(
        "customer",
        "customers",
        6 * HOUR,
        fetch_customer,
        customer_samples,
        applies=lambda options: bool(options.customer_id),
        details=lambda kept: {"customer_id": kept.get("id"), "customer_email": kept.get("email")},
    ),
)
