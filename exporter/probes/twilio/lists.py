"""The lists of a Twilio account: messages, Monitor alerts and WhatsApp senders, each reduced to counts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from exporter.core.document import Document, is_moment
from exporter.core.metric import Sample
from exporter.probes._readings import StoredAnswer
from exporter.probes._vendor_api import PagedList
from exporter.probes.twilio import metrics as m
from exporter.probes.twilio.api import MESSAGES, MONITOR, SENDERS, Api
from exporter.probes.twilio.families import FAMILIES, WEBHOOK_CODES, family_of, is_webhook

CHANNELS = ("sms", "whatsapp", "other")
OUTCOMES = ("delivered", "undelivered", "failed", "sent", "pending", "other")
_OUTCOME_OF = {
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "sent": "sent",
    **dict.fromkeys(("queued", "sending", "accepted", "scheduled"), "pending"),
}
FAILED = ("undelivered", "failed")
ALERTS_WINDOW = 3600.0
"""Seconds over which Monitor alerts are counted."""
SENDERS_PAGE = 100
"""Senders of a page: the largest size that is known to be taken; the default is 20."""
SENDER_STATES = ("online", "offline", "pending", "draft", "other")
_STATE_OF = {
    **dict.fromkeys(("ONLINE", "ONLINE:UPDATING"), "online"),
    "OFFLINE": "offline",
    **dict.fromkeys(("CREATING", "PENDING_VERIFICATION", "VERIFYING", "TWILIO_REVIEW"), "pending"),
    **dict.fromkeys(("DRAFT", "STUBBED"), "draft"),
}
RATINGS = ("high", "medium", "low", "unknown")
_LIMIT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KM]?)\b", re.IGNORECASE)
_THOUSANDS = {"": 1, "K": 1_000, "M": 1_000_000}


async def fetch_messages(api: Api) -> StoredAnswer:
    """Count the outgoing messages of the window: GET Messages.json.

    The filter knows whole days only (UTC), so the window is cut out of what comes.
    """
    now, window = api.kit.now(), api.options.window_minutes * 60.0
    day = datetime.fromtimestamp(now - window, UTC).date().isoformat()
    # The sign is part of the parameter's name: "DateSent" alone means that very day.
    return reduce_messages(await api.list(MESSAGES, (("DateSent>", day),)), now, window)


def reduce_messages(listing: PagedList, now: float, window: float) -> StoredAnswer:
    """Return what is kept of messages: counts in the `window` (seconds) before `now`."""
    dated = [(when, item) for item in listing.items if (when := _sent_at(item)) is not None]
    # Where the pages end before the window does, nothing is known of the time before their oldest message.
    oldest = min((when for when, _ in dated), default=now)
    span = min(window, max(now - oldest, 1.0)) if listing.truncated else window
    outcomes: dict[str, Counter[str]] = {channel: Counter() for channel in CHANNELS}
    families: Counter[str] = Counter()
    for when, message in dated:
        # Messages that we send are outbound-api, outbound-call or outbound-reply.
        if now - when <= window and not str(message.at("direction").value).startswith("inbound"):
            outcome = _OUTCOME_OF.get(message.text("status") or "", "other")
            outcomes[_channel(message)][outcome] += 1
            if outcome in FAILED:
                families[family_of(message.at("error_code").value)] += 1
    return {"outcomes": outcomes, "families": families, "seconds": span, "truncated": listing.truncated}


def _channel(message: Document) -> str:
    kind, colon, _ = (message.text("to") or "").partition(":")
    if not colon:
        return "sms"
    return kind if kind in CHANNELS else "other"


def _sent_at(message: Document) -> float | None:
    """Return when a message was sent, or made where it is not sent yet."""
    field = "date_created" if message.at("date_sent").value is None else "date_sent"
    text = message.text(field)
    try:
        # RFC 2822, in the API of 2010 alone: the newer ones write RFC 3339.
        when = parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        when = 0.0
    if when is None or is_moment(when):
        return when
    message.unknown(field)
    return None


def messages_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return messages by channel and outcome, and failures by family, with the length of their window."""
    for channel in CHANNELS:
        for outcome in OUTCOMES:
            count = kept["outcomes"][channel].get(outcome, 0)
            yield m.MESSAGES(count, channel=channel, outcome=outcome)
    for family in FAMILIES:
        yield m.FAILURES(kept["families"].get(family, 0), family=family)
    yield m.MESSAGES_WINDOW(kept["seconds"])
    yield m.TRUNCATED(kept["truncated"], list="messages")


async def fetch_alerts(api: Api) -> StoredAnswer:
    """Count the account's errors of the last hour in Twilio's Monitor: GET /v1/Alerts.

    Monitor answers for the account that signs in. Where that is another one, only the alerts that name ours
    count, and that there is none says nothing: it is not documented whether a parent's Monitor lists them. A
    single alert says more, but holds requests and answers with personal data: it is never read.
    """
    now = api.kit.now()
    period = (("StartDate", _stamp(now - ALERTS_WINDOW)), ("EndDate", _stamp(now)))
    listing = await api.list(MONITOR, (("LogLevel", "error"), *period))
    own = [item for item in listing.items if _is_of(item, api.options.account_sid)]
    codes = Counter(_code(item) for item in own if _recent(item, now))
    webhook = {code: count for code, count in codes.items() if is_webhook(code)}
    return {
        "webhook": webhook,
        "other": codes.total() - sum(webhook.values()),
        "truncated": listing.truncated,
        "known": bool(own) or not api.options.signs_in_elsewhere,
    }


def _is_of(alert: Document, account_sid: str) -> bool:
    return (alert.text("account_sid") or "").lower() == account_sid.lower()


def _code(alert: Document) -> str:
    code = alert.at("error_code").value
    return str(code) if isinstance(code, int) else alert.text("error_code") or ""


def _recent(alert: Document, now: float) -> bool:
    """Return whether an alert belongs to the window; one without a time was chosen by the filter alone."""
    made = alert.date("date_created")
    return made is None or now - made <= ALERTS_WINDOW


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def alerts_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return failed webhooks by code, and the other errors; nothing where the list is not the account's."""
    if not kept["known"]:
        return
    webhook: dict[str, int] = kept["webhook"]
    for code in WEBHOOK_CODES:
        yield m.WEBHOOK_FAILURES(webhook.get(code, 0), code=code)
    unknown = sum(count for code, count in webhook.items() if code not in WEBHOOK_CODES)
    yield m.WEBHOOK_FAILURES(unknown, code="other")
    yield m.OTHER_ALERTS(kept["other"])
    yield m.TRUNCATED(kept["truncated"], list="monitor")


async def fetch_senders(api: Api) -> StoredAnswer:
    """Read the states of the WhatsApp senders: GET /v2/Channels/Senders.

    It answers for the account that signs in, and a sender does not name its account.
    """
    listing = await api.list(SENDERS, (("Channel", "whatsapp"),), SENDERS_PAGE)
    states = Counter(_state(item) for item in listing.items)
    return {
        "states": states,
        "ratings": Counter(_rating(item) for item in listing.items),
        "limit": min(_limits(listing.items), default=None),
        "truncated": listing.truncated,
    }


def _state(sender: Document) -> str:
    return _STATE_OF.get(sender.text("status") or "", "other")


def _rating(sender: Document) -> str:
    rating = str(sender.at("properties", "quality_rating").value).lower()
    return rating if rating in RATINGS else "unknown"


def _limits(senders: Iterable[Document]) -> Iterator[float]:
    """Yield the limits that are numbers, written such as `10K Customers/24hr`."""
    for sender in senders:
        found = _LIMIT.match(str(sender.at("properties", "messaging_limit").value))
        if found:
            yield float(found[1]) * _THOUSANDS[found[2].upper()]


def senders_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return senders by status and by quality rating, and the smallest of their limits."""
    for state in SENDER_STATES:
        yield m.SENDERS(kept["states"].get(state, 0), status=state)
    for rating in RATINGS:
        yield m.QUALITY(kept["ratings"].get(rating, 0), rating=rating)
    if kept["limit"] is not None:
        yield m.SENDER_LIMIT(kept["limit"])
    yield m.TRUNCATED(kept["truncated"], list="senders")
