"""How a sender proves that a webhook is its own; the files of signatures/ each bring one scheme."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from exporter.core.delivery import HeaderLines
from exporter.core.options import Options


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
        found = self._all(name)
        return found[0] if len(found) == 1 else ""

    def proof(self, name: str) -> str:
        """Return the only header of that name; SignatureError where it is missing, empty or there twice.

        Of two lines the one that was verified need not be the one that somebody else reads.
        """
        found = self._all(name)
        if len(found) > 1:
            raise SignatureError(Refusal.MALFORMED, f"the header {name} is there {len(found)} times")
        if not found or not found[0]:
            raise SignatureError(Refusal.MISSING, f"the header {name} is missing")
        return found[0]

    def _all(self, name: str) -> list[str]:
        return [value.strip() for known, value in self.headers if known.lower() == name.lower()]


class VerifiedWebhook(NamedTuple):
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


@dataclass(frozen=True)
class Trust:
    """What one source takes for a proof.

    `secrets` are as they are configured, in UTF-8: any of them may have signed. `tolerance` bounds the age
    of a signature in seconds, where the scheme signs a time. `options` are of the scheme's own type. `fetch`
    brings public keys.
    """

    secrets: Sequence[bytes]
    fetch: KeyFetcher
    tolerance: float = 300.0
    options: Any = field(default_factory=Options)


Verify = Callable[[IncomingRequest, Trust], Awaitable[VerifiedWebhook]]
"""Returns what a genuine webhook says of itself; SignatureError where nothing trusted has signed it.

Whatever bytes a request holds, nothing else is raised.
"""

Challenge = Callable[[IncomingRequest, bytes], bytes]
"""Returns the answer to a GET by which a sender asks whether the source is ours; SignatureError if it is not.

It takes the request and the `verify_token` of the source.
"""


@dataclass(frozen=True)
class Scheme:
    """One way to sign webhooks; the module of its file in signatures/ has it as SCHEME.

    `name` is that of the file. `options` are what a source says beside its secrets. `signs_url` schemes need
    `public_url`. `signs_time` schemes refuse what is older than the tolerance. `problems` yields what is
    wrong with options and secrets, with the remedy behind "; ", and quotes no secret. `advice` is what an
    operator should know of options that work and are unwise, "" for nothing. `challenge` answers a GET.
    `answer` is what a genuine webhook is answered, of the content type `answer_type`: some senders act on it.
    """

    name: str
    title: str
    verify: Verify
    options: type[Options] = Options
    needs_secret: bool = True
    signs_url: bool = False
    signs_time: bool = False
    problems: Callable[[Any, Sequence[str]], Iterable[str]] = lambda _options, _secrets: ()
    advice: Callable[[Any], str] = lambda _options: ""
    challenge: Challenge | None = None
    answer: bytes = b""
    answer_type: str = "text/plain"
