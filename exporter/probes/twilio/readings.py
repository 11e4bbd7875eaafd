"""The expensive readings: each on a period of its own, each behind a permission of its own.

A reading has two halves. `fetch` asks the API and reduces the answer to a small JSON object, which is
kept until the period is over; `samples` turns that object into values at every run.
"""

import re
from collections.abc import Iterator

from exporter.core.common_metrics import COST_MONTH, COST_TODAY, PREPAID_BALANCE
from exporter.core.document import Document
from exporter.core.metric import Sample
from exporter.core.reason import Reason
from exporter.probes._readings import StoredAnswer, VerdictError
from exporter.probes._vendor_api import decimal
from exporter.probes._vendor_reading import VendorReading
from exporter.probes.twilio import metrics as m
from exporter.probes.twilio.api import ACCOUNT, NUMBERS, USAGE_MONTH, USAGE_TODAY, Api, TwilioOptions
from exporter.probes.twilio.explain import CLOSED
from exporter.probes.twilio.lists import (
    alerts_samples,
    fetch_alerts,
    fetch_messages,
    fetch_senders,
    messages_samples,
    senders_samples,
)

HOUR = 3600.0
MINUTE = 60.0
_CURRENCY = re.compile("[A-Za-z]{3}")


def balance_of(balance: Document) -> float | None:
    """Return the money of GET Balance.json, None where it is unknown."""
    balance.must("account_sid")
    return decimal(balance, "balance", signed=True)


def balance_samples(balance: Document, amount: float | None) -> Iterator[Sample]:
    """Return the prepaid money by currency."""
    currency = balance.text("currency")
    # The currency becomes a label, so it must look like one.
    if amount is not None and currency and _CURRENCY.fullmatch(currency):
        yield PREPAID_BALANCE(amount, currency=currency.upper())


async def fetch_account(api: Api) -> StoredAnswer:
    """Read the account's state: GET Accounts/{Sid}.json.

    Its body holds the Auth Token: nothing of it is kept or logged. A suspended or closed account is not an
    answer to keep, so that its return shows at the next run.
    """
    account = await api.get_resource(ACCOUNT)
    state = account.text("status")
    if state in CLOSED:
        api.kit.fact(m.INACTIVE(1))
        raise VerdictError(Reason.ACCOUNT, f"the account is {state}")
    return {"trial": {"Trial": True, "Full": False}.get(account.text("type") or "")}


def account_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return what kind of account it is."""
    if kept["trial"] is not None:
        yield m.TRIAL(kept["trial"])


async def fetch_usage(api: Api) -> StoredAnswer:
    """Read what today and this month cost so far: two calls of Usage Records.

    Categories overlap, so only `totalprice` is read.
    """
    included = str(api.options.include_subaccounts).lower()
    wanted = (("Category", "totalprice"), ("IncludeSubaccounts", included))
    kept: StoredAnswer = {}
    for period, resource in (("today", USAGE_TODAY), ("month", USAGE_MONTH)):
        kept[period] = reduce_usage(await api.get_resource(resource, wanted))
    return kept


def reduce_usage(usage: Document) -> StoredAnswer | None:
    """Return the total with its currency, None where it is unknown."""
    records = usage.must("usage_records")
    total = next((part for part in records.items() if part.at("category").value == "totalprice"), None)
    if total is None:
        usage.unknown("usage_records", "totalprice")
        return None
    price, currency = _price(total), total.text("price_unit")
    if price is None or not currency or not _CURRENCY.fullmatch(currency):
        return None
    return {"price": price, "currency": currency.upper()}


def _price(record: Document) -> float | None:
    """Return a price: a number by the schema of the API's description, a text by the examples in it."""
    value = record.at("price").value
    return record.amount("price") if isinstance(value, (int, float)) else decimal(record, "price")


def usage_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the cost of today and of the month; in US dollars as the series that all vendors share, too."""
    for period, shared in (("today", COST_TODAY), ("month", COST_MONTH)):
        if total := kept[period]:
            # What an older version kept is in small letters.
            currency = total["currency"].upper()
            yield m.SPEND(total["price"], period=period, currency=currency)
            if currency == "USD":
                yield shared(total["price"])


async def fetch_number(api: Api) -> StoredAnswer:
    """Look whether the configured number belongs to the account: GET IncomingPhoneNumbers.json."""
    wanted = api.options.phone_number
    found = await api.get_resource(NUMBERS, (("PhoneNumber", wanted), ("PageSize", "20")))
    found.must(NUMBERS.list)
    # The parameter is a pattern, so the answer may hold other numbers.
    return {"owned": any(item.at("phone_number").value == wanted for item in found.items(NUMBERS.list))}


def number_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return whether the number is there."""
    yield m.NUMBER_OWNED(kept["owned"])


READINGS: tuple[VendorReading[Api, TwilioOptions], ...] = (
    VendorReading("account", "account", HOUR, fetch_account, account_samples),
    VendorReading("usage", "usage", HOUR, fetch_usage, usage_samples, each=2),
    VendorReading(
        "messages",
        "messages",
        lambda options: options.messages_minutes * MINUTE,
        fetch_messages,
        messages_samples,
        paged=True,
    ),
    VendorReading("monitor", "monitor", 10 * MINUTE, fetch_alerts, alerts_samples, paged=True, version=2),
    VendorReading(
        "senders",
        "senders",
        15 * MINUTE,
        fetch_senders,
        senders_samples,
        paged=True,
        applies=lambda options: not options.signs_in_elsewhere,
    ),
    VendorReading(
        "number",
        "phone_numbers",
        6 * HOUR,
        fetch_number,
        number_samples,
        applies=lambda options: options.phone_number.startswith("+"),
    ),
)
