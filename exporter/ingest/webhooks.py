"""Webhooks that vendors send: verified, stored once, and only then answered."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import structlog

from exporter.core.audit import AuditEntry, entry_of
from exporter.core.delivery import Delivery, DeliveryState
from exporter.core.errors import StoreError
from exporter.core.forwarding import FORWARD, RECEIVED, added_headers, end_to_end
from exporter.core.signature import (
    IncomingRequest,
    KeyFetcher,
    Refusal,
    Scheme,
    SignatureError,
    Trust,
    VerifiedWebhook,
)
from exporter.core.webhook import Webhooks, WebhookSource
from exporter.ingest.audit import AuditLog
from exporter.ingest.senders import MOST_REFUSALS, WINDOW, RefusedSenders
from exporter.ingest.webhook_series import WebhookSeries

RETRY_AFTER = 5
"""Seconds after which a sender may try again when the webhook could not be stored, or no key be had."""

RECEIVED_AGE = 30 * 86_400.0
"""Seconds that a webhook without `forward` could wait: it never does."""

LONGEST_ID = 200

_STATUS = {
    Refusal.MISSING: 400,
    Refusal.MALFORMED: 400,
    Refusal.MISMATCH: 401,
    Refusal.STALE: 401,
    Refusal.UNKNOWN_KEY: 401,
    Refusal.KEY_UNAVAILABLE: 503,
}

Hasten = Callable[[str, str, str], object]
"""Takes integration, tenant and type of an event: what a probe finds of it may be looked at soon."""


class DeliveryStore(Protocol):
    """Where webhooks are stored: the outbox, which also brings them on."""

    async def submit(self, deliveries: Sequence[Delivery], /) -> list[bool]:
        """Store them for good; return of each whether it is new. StoreError where that is not certain."""


class IntakeAnswer(NamedTuple):
    """What the sender is answered. `retry_after` is in seconds, None for no wait."""

    status: int
    body: bytes
    retry_after: int | None = None
    content_type: str = "text/plain"


@dataclass(frozen=True)
class _Entry:
    """A source with what each of its webhooks needs."""

    source: WebhookSource
    scheme: Scheme
    trust: Trust


def _ignore(_integration: str, _tenant: str, _type: str) -> None:
    """Do nothing: there are no probes."""


class WebhookIntake:
    """Takes webhooks of the current configuration's sources.

    `series` counts, `audit` keeps refusals, `hasten` learns of each new genuine event. `now` is in Unix
    seconds.
    """

    def __init__(
        self,
        store: DeliveryStore,
        schemes: Mapping[str, Scheme],
        fetch: KeyFetcher,
        series: WebhookSeries,
        audit: AuditLog,
        hasten: Hasten = _ignore,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Start without sources."""
        self.public_url = ""
        self.ready = False
        """Whether a configuration was applied: before, no source is known, and none is unknown."""
        self._store = store
        self._schemes = schemes
        self._fetch = fetch
        self._series = series
        self._audit = audit
        self._hasten = hasten
        self._now = now
        self._senders = RefusedSenders()
        self._entries: dict[str, _Entry] = {}
        self._log = structlog.get_logger("exporter.webhooks")

    def apply(self, webhooks: Webhooks) -> None:
        """Take webhooks of the sources of `webhooks`, and of no others."""
        self.public_url = webhooks.public_url.rstrip("/")
        self._entries = {
            source.name: _Entry(source, self._schemes[source.scheme], self._trust(source))
            for source in webhooks.sources
        }
        self._series.apply(webhooks, self._now())
        self.ready = True

    def source(self, name: str) -> WebhookSource | None:
        """Return the source of that name, None where there is none."""
        entry = self._entries.get(name)
        return entry.source if entry else None

    def sources(self) -> list[WebhookSource]:
        """Return every source."""
        return [entry.source for entry in self._entries.values()]

    def has_challenge(self, source: WebhookSource) -> bool:
        """Return whether the sender asks by GET whether the URL is ours."""
        return self._schemes[source.scheme].challenge is not None and source.verify_token is not None

    def challenge(self, source: WebhookSource, request: IncomingRequest) -> IntakeAnswer:
        """Answer a GET that asks whether the URL is ours."""
        answer = self._schemes[source.scheme].challenge
        if answer is None or source.verify_token is None:
            return IntakeAnswer(405, b"this source takes POST alone\n")
        try:
            return IntakeAnswer(200, answer(request, source.verify_token.reveal().encode()))
        except SignatureError as error:
            return self._refuse(source, request, error)

    async def receive(self, source: WebhookSource, request: IncomingRequest) -> IntakeAnswer:
        """Verify and store a webhook; when this returns 200 it survives a crash.

        A genuine one that is there already is answered 200 as well, and goes no further.
        """
        entry = self._entries.get(source.name)
        if entry is None:  # a reload took it away while the body arrived
            return IntakeAnswer(404, b"there is no such source\n")
        try:
            verified = await entry.scheme.verify(request, entry.trust)
        except SignatureError as error:
            return self._refuse(source, request, error)
        delivery = delivery_of(source, request, verified)
        try:
            (new,) = await self._store.submit([delivery])
        except StoreError:
            return IntakeAnswer(503, b"the webhook cannot be stored now; send it again\n", RETRY_AFTER)
        self._keep_verified(source, request, delivery, new=new)
        if not new:
            self._series.repeat(source, request.received)
            return _accepted(entry.scheme)
        self._series.receive(source, verified.type, request.received)
        self._hasten(source.integration, source.tenant, verified.type)
        return _accepted(entry.scheme)

    def _trust(self, source: WebhookSource) -> Trust:
        secrets = tuple(secret.reveal().encode() for secret in source.secrets)
        return Trust(secrets, self._fetch, source.tolerance, source.options)

    def _refuse(self, source: WebhookSource, request: IncomingRequest, error: SignatureError) -> IntakeAnswer:
        refusal = error.refusal
        self._series.refuse(source, refusal)
        self._keep(source, request, error, "webhook.refused")
        # We, not the sender, lack the key: it is no sign of anything bad.
        if refusal is Refusal.KEY_UNAVAILABLE:
            return IntakeAnswer(503, b"the sender's key cannot be had now; send it again\n", RETRY_AFTER)
        count = self._senders.count(request.address, self._now())
        if count > MOST_REFUSALS:
            if count == MOST_REFUSALS + 1:
                self._keep(source, request, error, "webhook.address_limited")
            return IntakeAnswer(429, b"too many webhooks that are not genuine\n", int(WINDOW))
        return IntakeAnswer(_STATUS[refusal], f"refused: {refusal}\n".encode())

    def _keep_verified(
        self, source: WebhookSource, request: IncomingRequest, delivery: Delivery, *, new: bool
    ) -> None:
        """Put a genuine webhook that is stored into the audit: of a burst one entry a minute."""
        fields = {
            "actor": f"source:{source.name}",
            "action": "webhook.verified",
            "resource": f"source:{source.name}",
            "integration": source.integration,
            "tenant": source.tenant,
            "address": request.address,
            "details": {"event": delivery.message_id, "type": delivery.type, "new": new},
        }
        entry = entry_of(request.received, fields)
        self._audit.add_repeatable(entry, "" if new else "duplicate")

    def _keep(
        self, source: WebhookSource, request: IncomingRequest, error: SignatureError, action: str
    ) -> None:
        """Put a refusal into the audit, and the first of its kind on the log."""
        entry = AuditEntry(
            request.received,
            "unknown",
            action,
            f"source:{source.name}",
            "refused",
            source.integration,
            source.tenant,
            request.address,
            user_agent=request.header("User-Agent"),
            details={"reason": error.refusal.value, "detail": error.detail},
        )
        if self._audit.add_repeatable(entry, error.refusal.value):
            self._log.warning(
                "webhook refused" if action == "webhook.refused" else "address limited",
                source=source.name,
                reason=error.refusal.value,
                detail=error.detail,
                address=request.address,
            )


def delivery_of(source: WebhookSource, request: IncomingRequest, verified: VerifiedWebhook) -> Delivery:
    """Return what is stored of a genuine webhook: to be forwarded, or to be kept as it is."""
    event_id = event_id_of(request, verified)
    kept = end_to_end(request.headers)
    trace_id = hashlib.blake2b(f"{source.name}\0{event_id}".encode(), digest_size=16).hexdigest()
    ours = added_headers(source.name, event_id, request.received, request.url, trace_id, kept)
    forward = source.forward
    return Delivery(
        id=f"webhook/{source.name}/{event_id}",
        kind=FORWARD if forward else RECEIVED,
        endpoint=source.name,
        body=request.body,
        created=request.received,
        expires=request.received + (forward.limits.retry.max_age if forward else RECEIVED_AGE),
        message_id=event_id,
        tenant=source.tenant,
        type=verified.type,
        headers=(*kept, *ours),
        state=DeliveryState.WAITING if forward else DeliveryState.DELIVERED,
        due=request.received,
    )


def event_id_of(request: IncomingRequest, verified: VerifiedWebhook) -> str:
    """Return what duplicates are found by: the sender's id, or the hash of the body where it gives none."""
    given = verified.event_id
    if not given:
        return f"sha256:{hashlib.sha256(request.body).hexdigest()}"
    if len(given) > LONGEST_ID or not (given.isascii() and given.isprintable()):
        # It becomes a header and a key: an odd one goes by its own hash.
        return f"id-sha256:{hashlib.sha256(given.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return given


def _accepted(scheme: Scheme) -> IntakeAnswer:
    # Nothing of our own: Twilio would send a text on to whoever wrote the message.
    return IntakeAnswer(200, scheme.answer, content_type=scheme.answer_type)
