"""A URL taken apart once, refused when it could be read in two ways, and shown without what it may hide."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from exporter.core.hosts import ascii_host
from exporter.core.quoting import has_credential_form
from exporter.core.secret import REDACTED, URL_SAFE

PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_SMALL = re.compile(r"\d{1,6}\Z", re.ASCII)
_AMOUNTS = frozenset(
    ("limit", "page", "page_size", "pagesize", "per_page", "count", "offset", "size", "maxresults")
)
"""Parameters that say how much is asked for: a short number in them is not a credential."""
_LONGEST = 8_192


@dataclass(frozen=True)
class Url:
    """An http or https URL: `host` without brackets and in ASCII, `target` is what the request line asks."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: who may see the credentials."""
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """The value of the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return the whole URL, query included: for the wire, not for people."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def redact(self) -> str:
        """The URL for logs and details: of the query only small numbers of paging, no part that looks secret.

        It is not cut: a run redacts its credentials first, and half of one would not be found.
        """
        path, _, query = self.target.partition("?")
        parts = (_redact_part(unquote(part), part) for part in path.split("/"))
        pairs = parse_qsl(query, keep_blank_values=True)
        names = "&".join(f"{_redact_part(name, quote(name))}={_value(name, value)}" for name, value in pairs)
        return f"{self.scheme}://{self.authority}{'/'.join(parts)}" + (
            f"?{names or REDACTED}" if query else ""
        )


def _value(name: str, value: str) -> str:
    """Return a number that says how much is asked for as it is, *** for everything else."""
    return value if name.lower() in _AMOUNTS and _SMALL.match(value) else REDACTED


def _redact_part(text: str, written: str) -> str:
    return REDACTED if has_credential_form(text) else written


@lru_cache(maxsize=4096)  # the same few URLs are probed again and again
def parse(text: str) -> Url:
    """Return `text` taken apart; raise ValueError with what is wrong, without quoting the URL."""
    if len(text) > _LONGEST:
        raise ValueError(f"the URL is longer than {_LONGEST} characters")
    if _FORBIDDEN.search(text):
        raise ValueError("the URL holds a space, a backslash or a control character")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("the URL's host or port cannot be read") from None
    if parts.scheme not in PORTS:
        raise ValueError("the URL must start with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("the URL holds a user name or password; credentials belong in `auth`")
    if port == 0:
        raise ValueError("the URL's port must be from 1 to 65535")
    path = quote(parts.path or "/", safe=URL_SAFE)
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]{}|^`\"")
    return Url(
        parts.scheme,
        ascii_host(parts.hostname or ""),
        port or PORTS[parts.scheme],
        f"{path}?{query}" if query else path,
    )
