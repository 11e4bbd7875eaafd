"""Brings a text message to a phone: by the first account of Twilio, by the second one, by Amazon SNS.

One attempt tries them all, one after the other: whoever is on duty waits for it. An account that is busy or
fails is asked once more before the next one is; a number that can get no message ends it at once. Where no
answer came the account may have the message all the same, and the next one sends it again: rather twice than
never.
"""

import asyncio
from dataclasses import dataclass

import msgspec

from exporter.actions._text_vendors import AcceptedText, TextRefusal, TextVendor, vendors
from exporter.core.action import ActionKit
from exporter.core.delivery import (
    SHORTAGE,
    Delivery,
    EndpointLimits,
    GiveUp,
    Receipt,
    RetryLater,
    RetryPolicy,
)
from exporter.core.errors import SHORTAGE_RETRY, Shortage
from exporter.core.reason import Reason
from exporter.core.text_message import LIFE, SMS, TextBody, TextMessages

# Three accounts with two requests each, and a pause between the two.
LIMITS = EndpointLimits(concurrency=4, retry=RetryPolicy(attempts=20, max_age=LIFE, timeout=30.0))

PAUSE = 1.0
LONGEST_PAUSE = 3.0
"""Seconds before a busy account is asked once more: usually, and where it asks for more by Retry-After."""


_DECODER = msgspec.json.Decoder(TextBody)


@dataclass(frozen=True)
class SmsAction:
    """Implements `core.delivery.Action` for text messages."""

    kit: ActionKit
    kind: str = SMS

    def limits(self, endpoint: str) -> EndpointLimits | None:
        """Return how many are sent at one time, None while no account is configured: they wait."""
        texts = self.kit.texts()
        return LIMITS if texts and texts.settings and texts.settings.twilio and endpoint == SMS else None

    async def run(self, delivery: Delivery) -> Receipt:
        """Try once by every account until one takes it."""
        texts = self.kit.texts()
        settings = texts.settings if texts else None
        if texts is None or settings is None:
            raise RetryLater(Reason.NOT_CONFIGURED, "notifications.sms is no longer configured")
        # Of a crash between its note and the outcome. A person who asks for it means another message.
        if not delivery.actor and (account := await texts.account_of(delivery.id)):
            return Receipt(detail=f"taken by {account} before")
        body = _DECODER.decode(delivery.body)
        ways = [one for one in vendors(settings, self.kit.network, body.about) if one.name not in body.tried]
        if not ways:
            raise GiveUp(Reason.NOT_CONFIGURED, "no other account is configured")
        last: TextRefusal | None = None
        for vendor in ways:
            try:
                return await self._send(vendor, body, delivery, texts)
            except TextRefusal as refusal:
                if refusal.final:
                    raise GiveUp(refusal.reason, refusal.detail, refusal.status, vendor.place) from None
                last = refusal
        assert last is not None  # noqa: S101  # there was at least one account
        raise RetryLater(last.reason, last.detail, last.status, ways[-1].place, after=last.after)

    async def _send(
        self, vendor: TextVendor, body: TextBody, delivery: Delivery, texts: TextMessages
    ) -> Receipt:
        try:
            accepted = await self._ask(vendor, body)
        except TextRefusal as refusal:
            texts.note_failure(vendor.name, refusal.reason, uncertain=refusal.uncertain)
            raise
        except Shortage as shortage:
            after = shortage.seconds or SHORTAGE_RETRY
            raise RetryLater(SHORTAGE, shortage.why, None, vendor.place, after=after) from None
        await texts.note_accepted(delivery.id, vendor.name, accepted.sid)
        return Receipt(accepted.status, f"taken by {vendor.name}", vendor.place)

    async def _ask(self, vendor: TextVendor, body: TextBody) -> AcceptedText:
        try:
            return await vendor.send(body.to, body.text, self.kit.now())
        except TextRefusal as refusal:
            wait = PAUSE if refusal.after is None else refusal.after
            # One that may have it already is not asked again: the next one is, so that it surely arrives.
            if not refusal.passing or wait > LONGEST_PAUSE:
                raise
            await asyncio.sleep(wait)
        return await vendor.send(body.to, body.text, self.kit.now())


ACTION = SmsAction
