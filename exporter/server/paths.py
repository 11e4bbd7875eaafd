"""Where the server is found: the prefix of its routes and the address people use."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from exporter.core.errors import StartError

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*\Z")


@dataclass(frozen=True)
class Paths:
    """`route_prefix` is the prefix of every route, `link_prefix` the prefix of every link; both "" or "/a/b".

    They differ where a reverse proxy cuts a prefix off. `origin` is scheme and host of the external
    URL, "" where none is given.
    """

    route_prefix: str = ""
    link_prefix: str = ""
    origin: str = ""

    @classmethod
    def of(cls, external_url: str = "", route_prefix: str | None = None) -> "Paths":
        """Read `--web.external-url` and `--web.route-prefix`; the prefix defaults to the URL's path.

        Raises StartError with the remedy when one of them cannot be read.
        """
        origin, path = _external(external_url)
        route = path if route_prefix is None else _prefix(route_prefix, "--web.route-prefix")
        return cls(route, path if external_url else route, origin)

    def link(self, path: str) -> str:
        """Return the link to `path` (which starts with a slash) as a browser must ask for it."""
        return self.link_prefix + path


def _external(url: str) -> tuple[str, str]:
    if not url:
        return "", ""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or parts.username:
        raise StartError(
            "--web.external-url is not a plain web address; write it like https://host.example/exporter"
        )
    return f"{parts.scheme}://{parts.netloc}".lower(), _prefix(parts.path, "--web.external-url")


def _prefix(text: str, flag: str) -> str:
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if not _PREFIX.match(prefix):
        raise StartError(f"{flag} has an odd path {text!r}; use letters, digits, '.', '_', '~', '-' and '/'")
    return prefix
