"""How a sender proves that a webhook is its own; the files of signatures/ each bring one scheme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from exporter.core.delivery import HeaderLines


class Refusal(StrEnum):
    """Why a webhook is refused; these are values of the label `reason`."""

    MISSING = "missing"
    MALFORMED = "malformed"
    MISMATCH = "mismatch"
    STALE = "stale"
    UNKNOWN_KEY = "unknown_key"
    KEY_UNAVAILABLE = "key_unavailable"


@dataclass(frozen=True)
class IncomingRequest:
    """A webhook as it arrived, before anything is known of it.

    `url` is the whole URL that the sender called (scheme, host, path, query as sent), by `public_url` where
    that is configured. `headers` are all lines in their order; `body` is unaltered. `received` is in Unix
    seconds, `address` that of the peer.
    """

    method: str
    url: str
    headers: HeaderLines
    body: bytes
    received: float
    address: str = ""

    def header(self, name: str) -> str:
        """Return the value of the only header of that name, "" where there is none or more than one."""
        found = [value for known, value in self.headers if known.lower() == name.lower()]
        return found[0] if len(found) == 1 else ""


@dataclass(frozen=True)
class VerifiedWebhook:
    """What a genuine webhook says of itself.

    `event_id` is what the sender dedupes by, "" where the scheme has none: the hash of the body is used then.
    `type` is the kind of event, "" where it does not say.
    """

    event_id: str = ""
    type: str = ""


class SignatureError(Exception):
    """A webhook that is not proven to be genuine; the text quotes neither secrets nor signatures."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        """Say why in a sentence."""
        super().__init__(detail)
        self.refusal, self.detail = refusal, detail


class KeyFetcher(Protocol):
    """Fetches and keeps the public keys of a sender that publishes them."""

    async def __call__(self, url: str, *, again: bool = False) -> bytes:
        """Return the document at `url`, fetched within the last hours, or later if `again`.

        SignatureError with Refusal.KEY_UNAVAILABLE when it cannot be had.
        """


class Scheme(Protocol):
    """One way to sign webhooks; the module of its file has it as SCHEME."""

    name: str
    title: str
    needs_secret: bool

    async def verify(
        self,
        request: IncomingRequest,
        secrets: Sequence[bytes],
        tolerance: float,
        options: Mapping[str, Any],
        fetch: KeyFetcher,
    ) -> VerifiedWebhook:
        """Return what the webhook says of itself; SignatureError where none of `secrets` has signed it.

        `tolerance` bounds the age of the signature in seconds, where the scheme signs a time.
        """
