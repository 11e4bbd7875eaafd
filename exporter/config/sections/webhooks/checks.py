"""Checks of `webhooks:` that types alone do not make: what is wrong, with the path below the part."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from exporter.config import durations
from exporter.config.document.context import Path
from exporter.config.document.values import is_missing
from exporter.config.sections.notifications.addresses import web_address

WebhookIssue = tuple[Path, str, str]
DAY = 86_400.0

_GLOB = re.compile(r"([A-Za-z0-9_.:/*?-]|\[!?[A-Za-z0-9_.:/-]+\])+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_OURS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "date", "expect", "host"}
    | {"keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"}
)
"""Headers that a delivery or the connection sets."""
_OUR_PREFIXES = ("webhook-", "svix-", "proxy-")


def base_address(text: str, path: Path) -> Iterator[WebhookIssue]:
    """Yield the finding that `text` is no URL that paths can be added to, if it is none."""
    wrong = list(web_address(text, path))
    yield from wrong
    if wrong or is_missing(text):
        return
    parts = urlsplit(text)
    if parts.query or parts.fragment or "@" in parts.netloc:
        yield path, f"{path[-1]} has more than scheme, host and path", "write it as https://hooks.example.com"
    elif parts.path.rstrip("/").endswith("/webhooks"):
        yield path, f"{path[-1]} holds the path /webhooks", "remove it: the path is added with each source"


def receiver_address(text: str, path: Path) -> Iterator[WebhookIssue]:
    """Yield what is wrong with the URL of a receiver."""
    wrong = list(web_address(text, path))
    yield from wrong
    if wrong or is_missing(text):
        return
    parts = urlsplit(text)
    if parts.fragment:
        yield path, f"{path[-1]} has a fragment, which is never sent", "remove # and what is behind it"
    if "@" in parts.netloc:
        yield path, f"{path[-1]} holds a user name or password", "remove it; a credential goes into a header"
    if "\\" in text:
        yield path, f"{path[-1]} holds a backslash", "write / or %5C"


def globs(patterns: Sequence[str], path: Path) -> Iterator[WebhookIssue]:
    """Yield each of `patterns` that is no glob of event types."""
    for index, pattern in enumerate(patterns):
        if not is_missing(pattern) and not _GLOB.fullmatch(pattern):
            remedy = 'write a type or a glob such as "invoice.*"; letters, digits, _ . : / - and * ? [ ] fit'
            yield (*path, index), "a type is no glob", remedy


def headers(given: Mapping[str, str], path: Path) -> Iterator[WebhookIssue]:
    """Yield what is wrong with the headers that a delivery should carry besides its own."""
    seen: set[str] = set()
    for name, value in given.items():
        low = name.lower()
        if not _HEADER.fullmatch(name):
            yield path, "the name of a header has a character that HTTP forbids", "write it as X-Environment"
        elif low in _OURS or low.startswith(_OUR_PREFIXES):
            yield (*path, name), "a header is one that each delivery sets itself", "remove it"
        elif low in seen:
            yield (*path, name), "a header is given twice", "remove one"
        elif not _sendable(value):
            yield (*path, name), "the value of a header cannot be sent", "write visible ASCII on one line"
        seen.add(low)


def between(text: str, least: float, most: float, path: Path) -> Iterator[WebhookIssue]:
    """Yield the finding that a duration is out of bounds, if it is."""
    if not least <= durations.seconds(text.strip()) <= most:
        remedy = f"choose from {durations.text_of(least)} to {durations.text_of(most)}"
        yield path, f"{path[-1]} is out of bounds", remedy


def _sendable(value: str) -> bool:
    return is_missing(value) or (value.isascii() and value.isprintable() and value == value.strip())
