"""What is asked of the Cloud API, and how the answers are read.

Sources: Meta's OpenAPI description of the Business Messaging API (phone numbers, account, templates,
subscribed apps), whose lists of fields are the basic ones here, and its specification of the business
account for SDKs; developers.facebook.com/documentation/business-messaging/whatsapp (health status,
messaging limits, throughput). Words that are not known become `other`: Meta adds some without notice.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from exporter.core.document import Document
from exporter.core.metric import Metric, Sample
from exporter.probes._meta_graph.graph import Fields, Graph
from exporter.probes._readings import StoredAnswer
from exporter.probes._vendor_api import Parameters
from exporter.probes.whatsapp import metrics as m

NUMBERS = Fields(
    "phone_numbers",
    full=(
        *("display_phone_number", "quality_rating", "status", "name_status", "code_verification_status"),
        *("throughput", "account_mode", "health_status"),
    ),
    basic=("display_phone_number", "quality_rating", "status", "code_verification_status", "account_mode"),
)
ACCOUNT = Fields(
    "account",
    full=(
        *("name", "currency", "account_review_status", "business_verification_status", "status"),
        *("health_status", "whatsapp_business_manager_messaging_limit"),
    ),
    basic=("name", "currency", "account_review_status", "business_verification_status"),
)
PAGE_OF_NUMBERS = 100
"""Numbers that are read of one account."""

_QUALITY = {"GREEN": 3, "YELLOW": 2, "RED": 1}
_CAN_SEND = {"AVAILABLE": 2, "LIMITED": 1, "BLOCKED": 0}
# Messages a second (Cloud API, throughput).
_THROUGHPUT = {"STANDARD": 80, "HIGH": 1000}
# TIER_UNLIMITED has no number: then the series is absent.
_LIMITS = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1000,
    "TIER_2K": 2000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
}
_HEALTH = {141006: "payment", 141010: "verification", 141002: "template", 138024: "calling"}
ERRORS = ("payment", "verification", "template", "calling", "other")
_BAD_NUMBER = frozenset({"BANNED", "RESTRICTED"})
_BAD_ACCOUNT = frozenset({"REJECTED", "RESTRICTED", "DISABLED", "BANNED"})

_STATUS = (
    *("CONNECTED", "PENDING", "LINKED", "UNLINKED", "DELETED", "MIGRATED", "BANNED", "RESTRICTED"),
    *("FLAGGED", "DISCONNECTED"),
)
_NAME_STATUS = ("APPROVED", "AVAILABLE_WITHOUT_REVIEW", "DECLINED", "EXPIRED", "PENDING_REVIEW", "NONE")
_CODE_STATUS = ("VERIFIED", "UNVERIFIED", "NOT_VERIFIED", "EXPIRED")
_REVIEW = ("PENDING", "APPROVED", "REJECTED", "LIMIT_REACHED", "RESTRICTED")
_VERIFICATION = (
    *("VERIFIED", "NOT_VERIFIED", "UNVERIFIED", "PENDING", "PENDING_NEED_MORE_INFO", "PENDING_SUBMISSION"),
    *("REJECTED", "FAILED", "EXPIRED", "INELIGIBLE", "REVOKED"),
)
TEMPLATE_STATES = (
    *("approved", "pending", "rejected", "paused", "disabled", "in_appeal", "pending_deletion"),
    *("limit_exceeded", "other"),
)

Trouble = tuple[str, str, str]
"""Kind and id of what is in trouble, and which family of error it has."""


async def fetch_numbers(graph: Graph, account: str) -> Document:
    """Return the answer of GET /{account}/phone_numbers: every number of the account in one call."""
    return await graph.get_fields(f"/{account}/phone_numbers", NUMBERS, (("limit", str(PAGE_OF_NUMBERS)),))


def number_samples(answer: Document, *, basic: bool) -> Iterator[Sample]:
    """Return the values of each number; `basic` where its more special fields were not asked for."""
    for number in answer.must("data").items():
        phone = number.text("id")
        if phone is None:
            continue
        # The id becomes a label, so it must look like one.
        if not re.fullmatch(r"[0-9]{1,32}", phone):
            number.unknown("id")
            continue
        yield from _level(m.PHONE_QUALITY, _QUALITY, number.text("quality_rating"), phone=phone)
        yield from _state(number, phone, basic=basic)
    yield m.PHONES_TRUNCATED(answer.at("paging", "next").value is not None)


def _state(number: Document, phone: str, *, basic: bool) -> Iterator[Sample]:
    status = number.text("status")
    if status is not None:
        yield m.PHONE_RESTRICTED(status in _BAD_NUMBER, phone=phone)
    level = None if basic else number.text("throughput", "level")
    yield from _level(m.PHONE_THROUGHPUT, _THROUGHPUT, level, phone=phone)
    can_send = None if basic else number.text("health_status", "can_send_message")
    yield from _level(m.PHONE_CAN_SEND, _CAN_SEND, can_send, phone=phone)
    yield m.PHONE_INFO(
        1,
        phone=phone,
        status=_word(status, _STATUS),
        name_status=_word(None if basic else number.text("name_status"), _NAME_STATUS),
        verification=_word(number.text("code_verification_status"), _CODE_STATUS),
        mode=_word(number.text("account_mode"), ("LIVE", "SANDBOX")),
        throughput=_word(level, tuple(_THROUGHPUT)),
    )


def troubles(thing: Document) -> Iterator[Trouble]:
    """Yield each error in the health of a number or an account."""
    entities = thing.at("health_status", "entities")
    for entity in entities.items() if isinstance(entities.value, list) else ():
        errors = entity.at("errors")
        for error in errors.items() if isinstance(errors.value, list) else ():
            code = error.number("error_code")
            kind, name = entity.text("entity_type") or "", entity.text("id") or ""
            yield kind, name, _HEALTH.get(int(code or 0), "other")


def trouble_samples(found: Iterable[Sequence[str]]) -> Iterator[Sample]:
    """Return how many errors of each family there are; what several answers report counts once."""
    # A stored answer comes back from JSON with lists in place of tuples, which a set does not take.
    counts = Counter(family for _, _, family in {tuple(trouble) for trouble in found})
    for family in ERRORS:
        yield m.HEALTH_ERRORS(counts[family], error=family)


async def fetch_account(graph: Graph, account: str) -> StoredAnswer:
    """Read the business account: GET /{account}."""
    answer = await graph.get_fields(f"/{account}", ACCOUNT)
    kept = reduce_account(answer, basic=graph.refused.get("account_fields", False))
    # Which account this is, for people. Names are free text, so they become no label.
    return {**kept, "name": answer.text("name")}


def reduce_account(answer: Document, *, basic: bool) -> StoredAnswer:
    """Return what is kept of an account; what is unknown is None."""
    review = answer.text("account_review_status")
    currency = answer.text("currency")
    kept: StoredAnswer = {
        "review": review,
        "currency": currency if currency and re.fullmatch("[A-Z]{3,5}", currency) else None,
        "restricted": None if review is None else review.upper() in _BAD_ACCOUNT,
        "verification": answer.text("business_verification_status"),
    }
    if not basic:
        kept["can_send"] = answer.text("health_status", "can_send_message")
        kept["limit"] = answer.text("whatsapp_business_manager_messaging_limit")
        kept["troubles"] = list(troubles(answer))
        # Which states there are is not documented: only the bad words of the other fields are read here.
        if str(answer.at("status").value).upper() in _BAD_ACCOUNT:
            kept["restricted"] = True
    return kept


def account_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return the values of an account."""
    if kept["restricted"] is not None:
        yield m.ACCOUNT_RESTRICTED(kept["restricted"])
    yield from _level(m.ACCOUNT_CAN_SEND, _CAN_SEND, kept.get("can_send"))
    yield from _level(m.MESSAGING_LIMIT, _LIMITS, kept.get("limit"))
    yield m.ACCOUNT_INFO(
        1,
        review=_word(kept["review"], _REVIEW),
        verification=_word(kept.get("verification"), _VERIFICATION),
        currency=kept["currency"] or "unknown",
    )


async def fetch_templates(graph: Graph, account: str, pages: int) -> StoredAnswer:
    """Count message templates by status: GET /{account}/message_templates."""

    async def page(parameters: Parameters) -> Document:
        wanted = (("fields", "id,status"), *parameters)
        return await graph.get(f"/{account}/message_templates", wanted, place="message_templates")

    listing = await graph.pages(page, pages)
    states = Counter((item.text("status") or "other").lower() for item in listing.items)
    known = {state: states[state] for state in TEMPLATE_STATES}
    # By subtraction, so that states that Meta adds are counted, too.
    known["other"] = len(listing.items) - sum(known[state] for state in TEMPLATE_STATES if state != "other")
    return {"states": known, "truncated": listing.truncated}


def template_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return how many templates have which status."""
    for state, count in kept["states"].items():
        yield m.TEMPLATES(count, status=state)
    yield m.TEMPLATES_TRUNCATED(kept["truncated"])


async def fetch_subscribed(graph: Graph, account: str) -> StoredAnswer:
    """Count the apps that get the account's webhooks: GET /{account}/subscribed_apps."""
    answer = await graph.get(f"/{account}/subscribed_apps", place="subscribed_apps")
    return {"count": len(list(answer.must("data").items()))}


def subscribed_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return how many apps get the webhooks."""
    yield m.SUBSCRIBED_APPS(kept["count"])


def _level(metric: Metric, levels: Mapping[str, float], word: str | None, **labels: str) -> Iterator[Sample]:
    """Yield the number that `word` means, nothing for a word that means none."""
    if word is not None and word.upper() in levels:
        yield metric(levels[word.upper()], **labels)


def _word(word: str | None, known: Sequence[str]) -> str:
    """Return a label's value: the word in lower case, `other` if not known, `unknown` if missing."""
    if word is None:
        return "unknown"
    return word.lower() if word.upper() in known else "other"
