"""A value that never shows itself."""

import json
import re
from collections.abc import Set as AbstractSet
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

REDACTED = "***"
SHORTEST = 4
"""Characters of the shortest credential that is replaced: shorter ones would blot out ordinary words."""

URL_SAFE = "/%:@!$&'()*+,;=~-._"
"""What a path of a URL leaves as it is, besides letters and digits (net/url.py)."""

_SAME_EVERYWHERE = re.compile(r"[A-Za-z0-9_.~-]+")


class Secret:
    """A credential: prints as *** everywhere and is read only by `reveal()`.

    Equal secrets are equal, so an unchanged credential leaves its target unchanged.
    It cannot be pickled or turned into JSON by accident.
    """

    __slots__ = ("_value", "file")

    def __init__(self, value: str, file: str = "") -> None:
        """Keep `value`; `file` is the path it was read from, "" where the configuration holds it."""
        self._value = value
        self.file = file

    def reveal(self) -> str:
        """Return the credential itself; call this only where it is sent to its vendor."""
        return self._value

    def __repr__(self) -> str:
        """Return ***."""
        return REDACTED

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Return ***, whatever the format."""
        return REDACTED

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        # Not in constant time: both sides are ours. What callers send is compared by hmac.compare_digest.
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Hash by value, as equality asks."""
        return hash(("Secret", self._value))

    def __bool__(self) -> bool:
        """Return whether there is any credential at all."""
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("a Secret cannot be pickled")


def redact(text: str, secrets: AbstractSet[str]) -> str:
    """Return `text` with each of `secrets` of four or more characters replaced by ***.

    Longer ones go first, so that a secret that contains another one leaves no tail.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, REDACTED)
    return text


def forms(secret: str) -> set[str]:
    """Return `secret` as it may be in a text: as it is, as part of a URL, in quotes and in JSON."""
    # Most credentials are made of these signs, and no way of writing changes them.
    if _SAME_EVERYWHERE.fullmatch(secret):
        return {secret}
    return {
        secret,
        quote(secret, safe=""),
        quote(secret, safe=URL_SAFE),
        quote_plus(secret),
        # The messages of Python and of JSON parsers quote with escapes.
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        "".join(map(_printable, secret)),
    }


def _printable(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")


def reveal_all(value: Any) -> set[str]:
    """Collect the text of every Secret inside `value`: structs, mappings and sequences."""
    if isinstance(value, Secret):
        return {value.reveal()}
    if isinstance(value, dict):
        return set().union(*map(reveal_all, value.values())) if value else set()
    if isinstance(value, (list, tuple, set, frozenset)):
        return set().union(*map(reveal_all, value)) if value else set()
    fields = getattr(value, "__struct_fields__", ())
    return set().union(*(reveal_all(getattr(value, field)) for field in fields)) if fields else set()
