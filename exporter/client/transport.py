"""One request to the exporter over a connection that is kept."""

import http.client
import json
import ssl
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

PATH = "/api/v1/events"
MOST_ANSWER = 1 << 20
"""Bytes of an answer that are read."""


@dataclass(frozen=True)
class PostAnswer:
    """What a request resulted in: `status` 0 where no answer came, `error` then says why.

    `after` is the number of seconds to wait as the exporter asked, `rejected` how many events it refused.
    """

    status: int
    error: str = ""
    after: float | None = None
    rejected: int = 0

    @property
    def taken(self) -> bool:
        """Whether the exporter took the batch, but for the `rejected` events."""
        return 200 <= self.status < 300

    @property
    def final(self) -> bool:
        """Whether the same batch would be refused again."""
        # Refused for who we are or where we ask (401, 403, 404) may be a deployment under way: try again.
        return 400 <= self.status < 500 and self.status not in (401, 403, 404, 408, 425, 429)


class Transport:
    """Posts bodies to `url`/api/v1/events; for one thread. ValueError for a URL that is no HTTP one."""

    def __init__(self, url: str, token: str, timeout: float, context: ssl.SSLContext | None) -> None:
        """Take the URL apart; nothing is contacted yet."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address of the exporter must be a URL such as http://127.0.0.1:10055")
        self._host, self._port = parts.hostname, parts.port
        self._context = (context or ssl.create_default_context()) if parts.scheme == "https" else None
        self._path = parts.path.rstrip("/") + PATH
        self._timeout = timeout
        self._headers = {"Content-Type": "application/json", "User-Agent": "integration-exporter-client"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes) -> PostAnswer:
        """Post `body`; never raises."""
        fresh = self._connection is None
        answer = self._try(body)
        # A kept connection may have been closed by the other side since: that says nothing of the exporter.
        return self._try(body) if answer.status == 0 and not fresh else answer

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _try(self, body: bytes) -> PostAnswer:
        try:
            connection = self._connection = self._connection or self._open()
            connection.request("POST", self._path, body, self._headers)
            response = connection.getresponse()
            text = response.read(MOST_ANSWER)
            if response.will_close or not response.isclosed():
                self.close()
            return PostAnswer(
                response.status,
                after=_seconds(response.headers.get("Retry-After", "")),
                rejected=_rejected(text) if response.status == 207 else 0,
            )
        except Exception as error:  # noqa: BLE001 - a thread of somebody's app survives whatever the network does
            self.close()
            return PostAnswer(0, error=f"{type(error).__name__}: {error}")

    def _open(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout, context=self._context
        )


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _rejected(text: bytes) -> int:
    """Return how many events the answer lists as refused."""
    try:
        return len(json.loads(text)["rejected"])
    except (ValueError, KeyError, TypeError):
        return 0
