"""How vendors sign, from their documentation and apart from the schemes, and the way tests have it judged."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest

from exporter.core.delivery import HeaderLines
from exporter.core.signature import (
    IncomingRequest,
    Refusal,
    Scheme,
    SignatureError,
    Trust,
    VerifiedWebhook,
)

NOW = 1_795_255_200
URL = "https://hooks.example.com/webhooks/test"
JSON = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Signer:
    """A vendor as the contract needs it.

    `sign` takes a body, a secret and the time, and returns the request. `secrets` are three that the scheme
    takes. `proofs` are the headers without which nothing is proven. `options` are those of a source.
    `document` returns the public keys that belong to secrets, where the vendor publishes them.
    """

    scheme: Scheme
    sign: Callable[[bytes, str, int], IncomingRequest]
    secrets: tuple[str, str, str]
    proofs: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    document: Callable[[Sequence[str]], bytes] | None = None
    body: bytes = b'{"id": "evt_1", "type": "invoice.paid", "data": {"name": "J\\u00fcrgen"}}'

    def trust(self, *secrets: str, tolerance: float = 300.0) -> Trust:
        """Return what a source with these secrets trusts."""
        options = msgspec.convert(dict(self.options), self.scheme.options)
        published = self.document(secrets) if self.document else b""
        own = [] if self.document else [secret.encode() for secret in secrets]
        return Trust(own, Published(published), tolerance, options)

    async def verify(
        self, request: IncomingRequest, *secrets: str, tolerance: float = 300.0
    ) -> VerifiedWebhook:
        """Verify `request` as a source with these secrets does."""
        return await self.scheme.verify(request, self.trust(*secrets, tolerance=tolerance))

    async def refusal(self, request: IncomingRequest, *secrets: str, tolerance: float = 300.0) -> Refusal:
        """Return why the source refuses `request`; the text quotes nothing that is secret."""
        with pytest.raises(SignatureError) as caught:
            await self.verify(request, *secrets, tolerance=tolerance)
        for text in (*secrets, *(value for name, value in request.headers if name in self.proofs)):
            assert len(text) < 8 or text not in str(caught.value)
        return caught.value.refusal


@dataclass
class Published:
    """Answers with public keys as they are now, and counts the questions."""

    body: bytes
    later: bytes | None = None
    asked: int = 0

    async def __call__(self, url: str, *, again: bool = False) -> bytes:
        self.asked += 1
        return self.later if again and self.later is not None else self.body


def post(body: bytes, at: float, *headers: tuple[str, str], url: str = URL) -> IncomingRequest:
    return IncomingRequest("POST", url, headers, body, at, "192.0.2.1")


def with_header(request: IncomingRequest, name: str, value: str) -> IncomingRequest:
    lines = tuple((known, value if known == name else text) for known, text in request.headers)
    return replace(request, headers=lines)


def without(headers: HeaderLines, name: str) -> HeaderLines:
    return tuple(line for line in headers if line[0] != name)


def hmac_hex(secret: str, content: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), content, getattr(hashlib, algorithm)).hexdigest()
