"""Fetches the public keys of senders that publish them, and keeps them for some hours."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.core.errors import ProbeError
from exporter.core.network import Network, Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.signature import Refusal, SignatureError

FRESH = 6 * 3_600.0
"""Seconds after which a document is fetched again."""
LONGEST = 24 * 3_600.0
"""Seconds that a document may be used for while no newer one is to be had; fal's bound (docs.fal.ai)."""
PAUSE = 60.0
"""Least seconds between two attempts: whoever sends nonsense could have us fetch with each request."""
TIMEOUT = 10.0


@dataclass
class _Document:
    """What was fetched at `at` (0: never), and when the last attempt was made."""

    body: bytes = b""
    at: float = 0.0
    tried: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class KeyCache:
    """The key documents of all senders, by URL; a KeyFetcher (core/signature.py).

    `now` is the time in Unix seconds, `tls` whom the addresses are trusted by.
    """

    network: Network
    now: Callable[[], float]
    tls: Callable[[], TlsOptions] = TlsOptions
    _documents: dict[str, _Document] = field(default_factory=dict)

    async def __call__(self, url: str, *, again: bool = False) -> bytes:
        """Return the document at `url`; with `again` a new one, unless there was an attempt a moment ago."""
        document = self._documents.setdefault(url, _Document())
        # Without the lock: nobody whose key is known waits for one who asks again.
        if again or self.now() - document.at > FRESH:
            async with document.lock:
                if self.now() - document.tried >= PAUSE:
                    await self._renew(document, url)
        if not document.body or self.now() - document.at > LONGEST:
            raise SignatureError(Refusal.KEY_UNAVAILABLE, "the sender's public keys cannot be fetched")
        return document.body

    async def _renew(self, document: _Document, url: str) -> None:
        document.tried = self.now()
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self.network.call(Request(url, tls=self.tls(), max_body=1 << 18), Trace())
        except (ProbeError, TimeoutError):
            return
        if answer.status == 200 and answer.body and not answer.packed:
            document.body, document.at = answer.body, self.now()
