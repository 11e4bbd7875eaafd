"""Forwards a webhook that has arrived to the operator's own app, as it came.

The app gets the body and the headers byte for byte, without those of the connection, and some of ours (see
core/forwarding.py). A 2xx is the receipt. A redirect is not followed: the URL is the operator's, and a
webhook goes where it says. 410 ends the delivery; with any other status it is tried again, because an app
that is being deployed or configured answers 401 and 404 as well as 503. The app may get a webhook twice and
dedupes by the event.
"""

import asyncio
from dataclasses import dataclass
from functools import lru_cache

from exporter.core.action import ActionKit
from exporter.core.delivery import SHORTAGE, Delivery, EndpointLimits, GiveUp, Receipt, RetryLater
from exporter.core.errors import SHORTAGE_RETRY, ProbeError, Shortage
from exporter.core.forwarding import ATTEMPT_HEADER, FORWARD
from exporter.core.network import Answer, Request, Trace
from exporter.core.reason import Reason
from exporter.core.webhook import Forward
from exporter.net import url as urls
from exporter.net.pause import pause_of
from exporter.net.reasons import reason_of_status

MOST_ANSWER = 64 << 10
"""Bytes of an answer at most: only its status counts."""

GONE = 410


@dataclass(frozen=True)
class ForwardAction:
    """Implements `core.delivery.Action` for webhooks of sources that have a `forward`."""

    kit: ActionKit
    kind: str = FORWARD

    def limits(self, endpoint: str) -> EndpointLimits | None:
        """Return the limits of a source's app, None where there is none: what came for it waits."""
        forward = self._forward(endpoint)
        return forward.limits if forward else None

    async def run(self, delivery: Delivery) -> Receipt:
        """Send it to the app once."""
        forward = self._forward(delivery.endpoint)
        if forward is None:
            raise RetryLater(Reason.NOT_CONFIGURED, "the source is no longer there, or has no forward")
        trace, place = Trace(), _redacted(forward.url)
        try:
            answer = await self._call(forward, delivery, trace)
        except ProbeError as error:
            if _is_accepted(trace.http_status):
                # Whatever is wrong with the body behind it: the app has it.
                return Receipt(trace.http_status, error.detail, place)
            raise RetryLater(error.reason, error.detail, trace.http_status, place) from None
        except Shortage as shortage:
            after = shortage.seconds or SHORTAGE_RETRY
            raise RetryLater(SHORTAGE, shortage.why, None, place, after=after) from None
        return self._judge(answer, place)

    def _forward(self, endpoint: str) -> Forward | None:
        source = self.kit.source(endpoint)
        return source.forward if source else None

    async def _call(self, forward: Forward, delivery: Delivery, trace: Trace) -> Answer:
        request = Request(
            forward.url,
            "POST",
            headers=(*delivery.headers, (ATTEMPT_HEADER, str(delivery.attempts + 1))),
            body=delivery.body,
            tls=forward.tls,
            max_body=MOST_ANSWER,
            repeatable=True,
            verbatim=True,
        )
        try:
            async with asyncio.timeout(forward.timeout):
                return await self.kit.network.call(request, trace)
        except TimeoutError:
            detail = f"no complete answer within {forward.timeout:g} s"
            raise ProbeError(Reason.TIMEOUT, detail) from None

    def _judge(self, answer: Answer, place: str) -> Receipt:
        if _is_accepted(answer.status):
            return Receipt(answer.status, url=place)
        reason = reason_of_status(answer.status) or Reason.BAD_RESPONSE
        detail = f"the app answered HTTP {answer.status}"
        if answer.status == GONE:
            raise GiveUp(reason, f"{detail}: it wants this webhook no more", answer.status, place)
        if 300 <= answer.status < 400:
            detail += ", a redirect that is not followed; let forward.url name the place itself"
        wait = pause_of(answer.headers, self.kit.now())
        raise RetryLater(reason, detail, answer.status, place, after=wait)


ACTION = ForwardAction


def _is_accepted(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


@lru_cache(maxsize=256)
def _redacted(url: str) -> str:
    try:
        return urls.parse(url).redact()
    except ValueError:
        return ""
