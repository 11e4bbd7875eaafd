"""Servers that send back what they were sent: no credential of a request may become a label."""

from collections.abc import Set as AbstractSet
from urllib.parse import quote

from exporter.config.document.credentials import SECRET_NAME, url_passwords
from exporter.core.network import Request
from exporter.core.secret import Secret, redact, reveal_all
from exporter.probes.http.options import HttpOptions


class RequestRedactor:
    """Puts stars in place of the credentials of one request, in whatever coding they were sent."""

    def __init__(
        self, request: Request, options: HttpOptions, hidden: AbstractSet[str] = frozenset()
    ) -> None:
        """Collect the credentials: `auth`, those in headers and in the URL's query, and what is `hidden`."""
        named = [pair for pair in request.headers if SECRET_NAME.search(pair[0])]
        sent = {_text(value) for _, value in (*request.auth, *request.query, *named)}
        sent |= {text.rpartition(" ")[2] for text in sent}  # behind the scheme, such as Bearer
        sent |= reveal_all(options) | url_passwords(request.url)
        # A server that repeats its query string sends the encoded form.
        self._secrets = sent | {quote(text, safe="") for text in sent} | hidden

    def __call__(self, text: str) -> str:
        """Return `text` without any of them."""
        return redact(text, self._secrets)


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
