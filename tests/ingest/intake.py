"""An intake on real schemes, with a store in memory that can fail; and senders who can sign."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.core.audit import AuditEntry
from exporter.core.delivery import Delivery, HeaderLines
from exporter.core.errors import StoreError
from exporter.core.metric import HistogramValue, Metric
from exporter.core.secret import Secret
from exporter.core.signature import IncomingRequest, KeyFetcher
from exporter.core.webhook import Forward, Webhooks, WebhookSource
from exporter.exposition import Exposition
from exporter.ingest.audit import AuditLog
from exporter.ingest.counters import EventCounters
from exporter.ingest.webhook_series import WebhookSeries
from exporter.ingest.webhooks import WebhookIntake
from exporter.signatures import schemes
from exporter.store.batch import Batch
from exporter.store.ledger import AuditBatch

NOW = 1_795_000_000.0
SECRET = "0123456789abcdef"
APP = "http://127.0.0.1:9/hooks"


@dataclass
class MemoryStore:
    """Stores deliveries as the outbox does, unless it is `broken`."""

    deliveries: dict[str, Delivery] = field(default_factory=dict)
    broken: bool = False

    async def submit(self, deliveries: Sequence[Delivery], /) -> list[bool]:
        if self.broken:
            raise StoreError("planted: the disk is full")
        new = [one.id not in self.deliveries for one in deliveries]
        self.deliveries |= {one.id: one for one in deliveries if one.id not in self.deliveries}
        return new


async def no_keys(url: str, *, again: bool = False) -> bytes:
    raise AssertionError(f"no scheme of these tests fetches keys, but {url}, {again}")


class Stand:
    """An intake and everything that it reports to."""

    def __init__(self, *sources: WebhookSource, public_url: str = "", fetch: KeyFetcher = no_keys) -> None:
        self.store = MemoryStore()
        self.exposition = Exposition()
        self.counters = EventCounters(self.exposition)
        self.series = WebhookSeries(self.counters)
        self.entries: list[AuditEntry] = []
        self.hastened: list[tuple[str, str, str]] = []
        self.now = NOW
        self.audit = AuditLog(self._take, lambda: self.now)
        self.intake = WebhookIntake(
            self.store,
            schemes(),
            fetch,
            self.series,
            self.audit,
            lambda *event: self.hastened.append(event),
            lambda: self.now,
        )
        self.intake.apply(Webhooks(public_url, sources))

    def _take(self, batch: Batch) -> None:
        assert isinstance(batch, AuditBatch)
        self.entries += batch.records

    async def send(self, request: IncomingRequest, name: str = "github") -> int:
        source = self.intake.source(name)
        assert source is not None
        return (await self.intake.receive(source, request)).status

    def value(self, metric: Metric, *labels: str) -> float | HistogramValue | None:
        return self.counters.value(metric, labels)

    @property
    def only(self) -> Delivery:
        (found,) = self.store.deliveries.values()
        return found


def github(name: str = "github", **more: Any) -> WebhookSource:
    given: dict[str, Any] = {"forward": Forward(APP), "integration": "code", "provider": "http"}
    return WebhookSource(name, "github", (Secret(SECRET),), **(given | more))


def stripe(name: str = "stripe", **more: Any) -> WebhookSource:
    given: dict[str, Any] = {"forward": Forward(APP), "integration": "payments", "provider": "stripe"}
    return WebhookSource(name, "stripe", (Secret(SECRET),), **(given | more))


def github_headers(body: bytes, delivery: str = "d-1", event: str = "push") -> HeaderLines:
    return (
        ("Host", "hooks.example.com"),
        ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", delivery),
        ("X-Hub-Signature-256", "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()),
        ("User-Agent", "GitHub-Hookshot/044aadd"),
    )


def github_request(
    body: bytes | None = None,
    delivery: str = "d-1",
    event: str = "push",
    address: str = "192.0.2.7",
    more: HeaderLines = (),
) -> IncomingRequest:
    # What GitHub signs has no id: another webhook is another body.
    body = json.dumps({"delivery": delivery}).encode() if body is None else body
    headers = (*github_headers(body, delivery, event), *more)
    return IncomingRequest("POST", "https://hooks.example.com/webhooks/github", headers, body, NOW, address)


def forged(address: str = "192.0.2.66", delivery: str = "d-1") -> IncomingRequest:
    good = github_request(b"{}", delivery, address=address)
    return IncomingRequest("POST", good.url, good.headers, b'{"forged": true}', NOW, address)


def stripe_headers(body: bytes, at: float = NOW) -> HeaderLines:
    signed = f"{at:.0f}.".encode() + body
    signature = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return (("Stripe-Signature", f"t={at:.0f},v1={signature}"),)


def stripe_request(event: str, number: str = "evt_1", at: float = NOW) -> IncomingRequest:
    body = json.dumps({"id": number, "type": event}).encode()
    return IncomingRequest("POST", "http://localhost/webhooks/stripe", stripe_headers(body, at), body, NOW)
