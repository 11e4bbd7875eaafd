"""Encrypts what is secret in the store, with keys that can be exchanged.

Fernet (github.com/fernet/spec): AES-128 in CBC mode and HMAC-SHA-256.
"""

from typing import TYPE_CHECKING

import msgspec

from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.token import NEVER, TokenSet

if TYPE_CHECKING:
    # It takes 8 MB: a process without keys must not load it.
    from cryptography.fernet import Fernet, MultiFernet


class _Form(msgspec.Struct, omit_defaults=True):
    """What is inside a seal; `never` marks a token that never expires, which JSON has no number for."""

    access: str = ""
    refresh: str = ""
    expiry: float | None = None
    refresh_expiry: float | None = None
    never: bool = False
    obtained: float | None = None
    scopes: list[str] | None = None
    implausible: bool = False
    rotates: bool | None = None
    refused: bool = False
    before: str = ""


class Seals:
    """Seals tokens with the first of `keys` and opens what any of them sealed."""

    def __init__(self, keys: tuple[Secret, ...]) -> None:
        """Take Fernet keys (32 bytes in URL-safe base64); raises ValueError for another text."""
        self._first: Fernet | None = None
        self._all: MultiFernet | None = None
        if keys:
            self._first, self._all = _fernets(keys)

    def __bool__(self) -> bool:
        """Return whether there is any key."""
        return self._all is not None

    def seal(self, held: TokenSet, before: str = "") -> str:
        """Return `held` encrypted; `before` marks the tokens that it follows."""
        if self._all is None:
            raise StoreError("tokens are not stored: no store.token_keys is configured")
        never = held.expiry == NEVER
        form = _Form(
            access=held.access.reveal(),
            refresh=held.refresh.reveal(),
            expiry=None if never else held.expiry,
            refresh_expiry=held.refresh_expiry,
            never=never,
            obtained=held.obtained,
            scopes=None if held.scopes is None else sorted(held.scopes),
            implausible=held.implausible,
            rotates=held.rotates,
            refused=held.refused,
            before=before,
        )
        return self._all.encrypt(msgspec.json.encode(form)).decode()

    def open(self, sealed: str) -> tuple[TokenSet, str]:
        """Return what was sealed, and the mark; StoreError where no key fits."""
        form = msgspec.json.decode(self._decrypt(sealed), type=_Form)
        held = TokenSet(
            access=Secret(form.access),
            refresh=Secret(form.refresh),
            expiry=NEVER if form.never else form.expiry,
            refresh_expiry=form.refresh_expiry,
            obtained=form.obtained,
            scopes=None if form.scopes is None else frozenset(form.scopes),
            implausible=form.implausible,
            rotates=form.rotates,
            refused=form.refused,
        )
        return held, form.before

    def encrypt(self, data: bytes) -> str:
        """Return `data` encrypted; StoreError without any key."""
        if self._all is None:
            raise StoreError(
                "secrets are not stored: no store.token_keys is configured; make one with"
                " `integration-exporter tokens key`"
            )
        return self._all.encrypt(data).decode()

    def decrypt(self, sealed: str) -> bytes:
        """Return what was encrypted; StoreError where no key fits."""
        return self._decrypt(sealed)

    def renew(self, sealed: str) -> str | None:
        """Return `sealed` under the first key, None where it is already; StoreError where no key fits."""
        from cryptography.fernet import InvalidToken

        opened = self._decrypt(sealed)
        if self._first is None:
            return None
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return self._first.encrypt(opened).decode()
        return None

    def _decrypt(self, sealed: str) -> bytes:
        if self._all is None:
            raise StoreError("stored tokens cannot be read: no store.token_keys is configured")
        from cryptography.fernet import InvalidToken

        try:
            return self._all.decrypt(sealed.encode())
        except InvalidToken:
            raise StoreError(
                "a stored token cannot be read: none of store.token_keys fits; add the key it was stored with"
            ) from None


def _fernets(keys: tuple[Secret, ...]) -> "tuple[Fernet, MultiFernet]":
    from cryptography.fernet import Fernet, MultiFernet

    fernets = [Fernet(key.reveal()) for key in keys]
    return fernets[0], MultiFernet(fernets)
