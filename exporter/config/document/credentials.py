"""What of a text is treated as a credential: by the name of its key or variable, by its form, in a URL."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from exporter.config import durations
from exporter.config.document.values import scalar
from exporter.core.quoting import has_credential_form
from exporter.core.secret import REDACTED, SHORTEST, forms

SECRET_NAME = re.compile(
    r"secret|passw|token|api[-_]?key|authorization|(^|[-_])auth$|cookie|credential|private|signature"
    r"|routing[-_]?key",
    re.IGNORECASE,
)
"""A key or header whose name speaks of a credential."""

QUERY_SECRET = re.compile(
    r"([?&][^=&#\s]*(?:secret|passw|token|key|auth|sig)[^=&#\s]*=)([^&#\s]+)", re.IGNORECASE
)
"""A query parameter of a URL whose name speaks of a credential: its name and its value."""

SHORTEST_VALUE = 8
"""Characters of the shortest value that counts where neither its variable's name nor its form says so."""

_NAME = re.compile(
    r"secret|passw?|pwd|token|auth|cookie|cred|private|signature|hook|dsn|(^|_)(key|pin)s?(_|$)", re.I
)
"""A variable whose name speaks of a credential."""

_CUT = re.compile(r"[?#&]")
_WORD = re.compile(r"[a-z]{1,16}")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\.)+[a-z]{2,20}(:[0-9]{1,5})?")
_ADDRESS = re.compile(r"[0-9.]+(:[0-9]+)?|\[?[0-9a-f:]+\]?")


def is_credential(name: str, value: str) -> bool:
    """Return whether a variable surely holds a credential: by its name, or by the form of its value."""
    return bool(_NAME.search(name)) or has_credential_form(value)


def hidden_texts(value: str, *, sure: bool) -> set[str]:
    """Return what of a value may not show, in every form; nothing of a harmless one.

    Of a URL its path, the values of its query and its fragment are hidden, scheme and host are not; of a
    value that may be the end of one (`hook/T0?sig=x`) these parts, too. `sure` says that it is a credential,
    which may be short.
    """
    parts = set(_parts_of_url(value)) if "://" in value else {value, *_parts_of_end(value)}
    return {
        form
        for part in parts
        if len(part) >= (SHORTEST if sure else SHORTEST_VALUE) and not _is_harmless(part, sure)
        for form in forms(part) | {part.lower()}  # as the name of a host
    }


def _parts_of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        # What cannot be taken apart is hidden as a whole.
        yield url
        return
    yield parts.path
    yield parts.fragment
    for text in (parts.query, parts.password or ""):
        yield from (text, unquote(text))
    for pair in parts.query.split("&"):
        yield from (pair.partition("=")[2], unquote(pair.partition("=")[2]))


def _parts_of_end(text: str) -> Iterator[str]:
    """Yield what a URL that ends in `text` shows apart: path, parameters, their values, fragment."""
    pieces = _CUT.split(text)
    for piece in pieces if len(pieces) > 1 else ():
        for part in (piece, piece.partition("=")[2]):
            yield from (part, unquote(part))


def _is_harmless(text: str, sure: bool) -> bool:
    """Return whether `text` is a number, a duration, true, false or a host; without `sure` also a word."""
    if isinstance(scalar(text), str):
        kinds = (_HOST, _ADDRESS) if sure else (_HOST, _ADDRESS, _WORD)
        return bool(re.search(durations.PATTERN, text)) or any(kind.fullmatch(text) for kind in kinds)
    return not sure or len(text) < SHORTEST_VALUE


def url_passwords(text: str) -> set[str]:
    """Return the credentials inside a URL, as they stand and decoded: its password, and query values.

    A query value counts when its name speaks of a credential.
    """
    if "://" not in text:
        return set()
    try:
        password = urlsplit(text).password
    except ValueError:
        password = None
    found = {match[2] for match in QUERY_SECRET.finditer(text)} | {password or ""}
    # Both forms: a library may quote the password decoded.
    return (found | set(map(unquote, found))) - {"", REDACTED}
