"""Delivers a webhook to a tenant's endpoint, signed by Standard Webhooks (github.com/standard-webhooks).

Every attempt is signed by itself, so that its time is fresh. A name is resolved for each attempt and each
redirect, judged, and the address that was judged is the one that is dialled: an endpoint that a tenant names
leads to public addresses alone, whatever its name says a moment later.
"""

import asyncio
from dataclasses import dataclass, replace

from exporter.core.action import ActionKit, EndpointReport
from exporter.core.delivery import SHORTAGE, Delivery, EndpointLimits, GiveUp, Receipt, RetryLater
from exporter.core.errors import SHORTAGE_RETRY, ProbeError, Shortage
from exporter.core.network import AddressGuard, Answer, Header, Request, Trace
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.webhook import WebhookEndpoint
from exporter.net import url as urls
from exporter.net.addresses import NoMetadata, PublicOnly
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status
from exporter.signatures.standard import sign

KIND = "deliver"

REDIRECTS = 3
"""Redirects of an attempt that are followed, where they keep method and body."""

MOST_ANSWER = 64 << 10
"""Bytes of an answer at most: only its status counts."""

_PUBLIC = PublicOnly(origin="named by a webhook endpoint; `allow_private: true` there permits private ones")
_PRIVATE = NoMetadata()
_OF_THE_SIGNATURE = "webhook-"
_GONE = 410
_FALL_BACK_AT = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.VENDOR_ERROR})
"""Failures of an address that say nothing of the other one."""


@dataclass(frozen=True)
class DeliverAction:
    """Implements `core.delivery.Action` for deliveries to endpoints; `public` judges their addresses."""

    kit: ActionKit
    kind: str = KIND
    public: AddressGuard = _PUBLIC

    def limits(self, endpoint: str) -> EndpointLimits | None:
        """Return the limits of an endpoint, None where it is unknown or disabled: its deliveries wait."""
        found = self.kit.endpoint(endpoint)
        if found is None or not found.enabled:
            return None
        # Whether it has failed for too long is judged by what is reported here, as 410 is: in one place.
        return replace(found.limits, disable_after=0.0)

    async def run(self, delivery: Delivery) -> Receipt:
        """Try once, also at the fallback URL where the first one cannot be reached or fails by itself."""
        endpoint = self.kit.endpoint(delivery.endpoint)
        if endpoint is None or not endpoint.enabled:
            raise RetryLater(Reason.NOT_CONFIGURED, "the endpoint is no longer there, or disabled")
        if endpoint.tenant != delivery.tenant:
            # A name that was deleted and taken by another tenant, who must not get what waits for it.
            raise GiveUp(Reason.NOT_CONFIGURED, "the endpoint of this name belongs to another tenant now")
        try:
            return await self._attempt(endpoint, delivery, endpoint.url)
        except RetryLater as error:
            if not endpoint.fallback_url or error.reason not in _FALL_BACK_AT:
                raise
            receipt = await self._attempt(endpoint, delivery, endpoint.fallback_url)
            return Receipt(receipt.status, f"by the fallback URL, since {error.detail}", receipt.url)

    async def _attempt(self, endpoint: WebhookEndpoint, delivery: Delivery, url: str) -> Receipt:
        trace = Trace(guard=_PRIVATE if endpoint.private else self.public)
        place = _redacted(url)
        try:
            answer = await self._call(endpoint, delivery, url, trace)
        except ProbeError as error:
            if _is_accepted(trace.http_status):
                # Whatever is wrong with the body behind it: to deliver again would be a duplicate.
                self._report(endpoint, trace, "")
                return Receipt(trace.http_status, error.detail, place)
            self._report(endpoint, trace, error.reason)
            raise RetryLater(error.reason, error.detail, trace.http_status, place) from None
        except Shortage as shortage:
            # Nothing is reported: the receiver has no part in what this machine lacks.
            after = shortage.seconds or SHORTAGE_RETRY
            raise RetryLater(SHORTAGE, shortage.why, None, place, after=after) from None
        return self._judge(endpoint, answer, trace, place)

    async def _call(self, endpoint: WebhookEndpoint, delivery: Delivery, url: str, trace: Trace) -> Answer:
        timeout = endpoint.limits.retry.timeout
        now = self.kit.now()
        secrets = [secret.reveal() for secret in endpoint.secrets]
        signed = sign(delivery.message_id or delivery.id, int(now), delivery.body, secrets)
        request = Request(
            url,
            "POST",
            headers=(*delivery.headers, *signed),
            auth=_own_headers(endpoint),
            body=delivery.body,
            tls=endpoint.tls,
            # A connection for each attempt: on a kept one its address would not be judged again.
            reuse=False,
            redirects=REDIRECTS,
            resend=True,
            max_body=MOST_ANSWER,
        )
        try:
            async with asyncio.timeout(timeout):
                return await self.kit.network.call(request, trace)
        except TimeoutError:
            raise ProbeError(Reason.TIMEOUT, f"no complete answer within {timeout:g} s") from None

    def _judge(self, endpoint: WebhookEndpoint, answer: Answer, trace: Trace, place: str) -> Receipt:
        if _is_accepted(answer.status):
            self._report(endpoint, trace, "")
            return Receipt(answer.status, url=place)
        reason = reason_of_status(answer.status) or Reason.BAD_RESPONSE
        self._report(endpoint, trace, reason, gone=answer.status == _GONE)
        detail = _words(answer)
        if answer.status == _GONE:
            raise GiveUp(reason, detail, answer.status, place)
        wait = pause_of(answer.headers, self.kit.now())
        raise RetryLater(reason, detail, answer.status, place, after=wait)

    def _report(self, endpoint: WebhookEndpoint, trace: Trace, reason: str, *, gone: bool = False) -> None:
        expiry = trace.chain_expiry or trace.certificate_expiry
        self.kit.report(EndpointReport(endpoint.name, self.kit.now(), reason, expiry, gone))


ACTION = DeliverAction


def _own_headers(endpoint: WebhookEndpoint) -> tuple[Header, ...]:
    """Return the headers of the endpoint, which may hold credentials: another origin gets none of them."""
    return tuple(
        (name, Secret(value))
        for name, value in endpoint.headers
        if not name.lower().startswith(_OF_THE_SIGNATURE)
    )


def _is_accepted(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def _words(answer: Answer) -> str:
    if answer.status == _GONE:
        return "the receiver answered HTTP 410: it wants no more webhooks"
    if 300 <= answer.status < 400:
        return f"the receiver answered HTTP {answer.status}, a redirect that is not followed with a body"
    return f"the receiver answered HTTP {answer.status}"


def _redacted(url: str) -> str:
    try:
        return urls.parse(url).redact()
    except ValueError:
        return ""
