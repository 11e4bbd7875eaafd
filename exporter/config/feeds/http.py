"""Asks an HTTP endpoint for tenants: Prometheus' http_sd format, or rows as in tenant files.

http_sd is the format of https://prometheus.io/docs/prometheus/latest/http_sd/: a list of
`{"targets": [...], "labels": {...}}`. Each target is a tenant id. The group's labels are its labels, but
`__option_<name>` is the text of an option; other names that begin with `__` are left out, as Prometheus
leaves them out. A redirect is not an answer: credentials go to the configured address alone.
"""

import base64
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

from exporter.config.feeds.deadline import Deadline
from exporter.config.feeds.fetch_limits import LARGEST, FetchLimits
from exporter.config.feeds.row import KEYS, TEXT, BadRow, FeedProblem
from exporter.core.body import json_from
from exporter.core.hosts import ascii_host
from exporter.core.network import DEFAULT_TLS
from exporter.core.options import TlsOptions
from exporter.core.secret import Secret
from exporter.core.tls import TlsFileError, client_context

OPTION = "__option_"
_PIECE = 1 << 16


@dataclass(frozen=True)
class HttpFeedRequest(FetchLimits):
    """What is asked of an endpoint; equal questions may share an answer. `headers` hold credentials."""

    kind: ClassVar[str] = "http"

    integration: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, Secret], ...] = ()
    tls: TlsOptions = DEFAULT_TLS
    hide_path: bool = False

    @property
    def place(self) -> str:
        """The address without credentials: who is asked. With `hide_path` its path is one, too."""
        parts = urlsplit(self.url)
        path = "" if self.hide_path else parts.path
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"

    @property
    def label(self) -> str:
        """Name of the source, for messages."""
        return f"tenants.http of {self.integration} ({self.place})"

    def ask(self) -> list[Any]:
        """Return the raw rows; FeedProblem says why there are none. Blocks up to about the timeout."""
        try:
            with Deadline(self.timeout) as deadline:
                body, content_type = self._exchange(urlsplit(self.url), deadline)
        except (OSError, http.client.HTTPException) as error:
            # A socket that the deadline cut fails in many ways; `passed` alone says that it was cut.
            if deadline.passed or isinstance(error, TimeoutError):
                raise self.late() from None
            raise FeedProblem(_words(error), "look after the endpoint, or correct the address") from None
        return rows_of(body, self.most, content_type)

    def _exchange(self, url: SplitResult, deadline: Deadline) -> tuple[bytes, str]:
        host = ascii_host(url.hostname or "")
        port = url.port or (443 if url.scheme == "https" else 80)
        with closing(self._connected(host, port, url.scheme == "https", deadline)) as opened:
            connection = http.client.HTTPConnection(host, port)
            # A socket of our own: http.client's own connect would be out of the deadline's reach.
            connection.sock = opened
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request("GET", target, headers=self._headers(url))
            with connection.getresponse() as answer:  # the socket stays open as long as it may be read
                return _body(answer), answer.headers.get("Content-Type", "")

    def _connected(self, host: str, port: int, secure: bool, deadline: Deadline) -> socket.socket:
        opened = socket.create_connection((host, port), timeout=self.timeout)
        try:
            if secure:
                name = self._server_name(host)
                # The handshake waits for `watch`: a server that never finishes it must be cut as well.
                opened = self._context().wrap_socket(
                    opened, server_hostname=name, do_handshake_on_connect=False
                )
            deadline.watch(opened.fileno)
            if isinstance(opened, ssl.SSLSocket):
                opened.do_handshake()
        except BaseException:
            opened.close()
            raise
        return opened

    def _server_name(self, host: str) -> str:
        try:
            return ascii_host(self.tls.server_name or host)
        except ValueError as error:
            raise FeedProblem(f"tls.server_name cannot be used: {error}", "correct the name") from None

    def _context(self) -> ssl.SSLContext:
        try:
            return client_context(self.tls)
        except TlsFileError as error:
            raise FeedProblem(str(error), "correct the file") from None

    def _headers(self, url: SplitResult) -> dict[str, str]:
        made = {
            "Accept": "application/json",
            "User-Agent": "integration-exporter",
            "Connection": "close",
            # Prometheus sends this one to http_sd endpoints, too.
            "X-Prometheus-Refresh-Interval-Seconds": f"{self.refresh:g}",
        }
        if url.username is not None:
            made["Authorization"] = basic(url.username, url.password or "")
        return made | {name: value.reveal() for name, value in self.headers}


def basic(username: str, password: str) -> str:
    """Return the value of the header Authorization."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def _body(answer: http.client.HTTPResponse) -> bytes:
    if answer.status != 200:
        remedy = "answer 200 with a JSON list"
        if 300 <= answer.status < 400:
            remedy = "configure the address that it redirects to: redirects are not followed"
        elif answer.status in (401, 403):
            remedy = "correct tenants.http.auth"
        raise FeedProblem(f"the endpoint answered with status {answer.status}", remedy)
    pieces, size = [], 0
    while piece := answer.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise FeedProblem(f"the answer is larger than {LARGEST >> 20} MiB", "answer with fewer rows")
    # An early end looks like the end of the body: what is left of Content-Length shows the cut.
    if answer.length:
        raise FeedProblem("the answer was cut", "look after the endpoint")
    return b"".join(pieces)


def _words(error: OSError | http.client.HTTPException) -> str:
    """Word a failure of the network; no text of the peer is repeated."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the endpoint's certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed: {error.reason or 'no reason is given'}"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved: {error.strerror}"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be reached: {error.strerror}"
    return "the endpoint does not speak HTTP, or cut the answer"


def rows_of(body: bytes, most: int, content_type: str = "") -> list[Any]:
    """Return the raw rows in the JSON `body`, at most `most`; FeedProblem where it is not such a list."""
    try:
        document = json_from(body, content_type)
    except ValueError as error:
        raise FeedProblem(f"the answer is no JSON: {error}", "answer with a JSON list of rows") from None
    if not isinstance(document, list):
        raise FeedProblem("the answer is no list", "answer with a JSON list of rows")
    rows: list[Any] = []
    for element in document:
        rows.extend(_rows(element))
        if len(rows) > most:
            raise FeedProblem(f"the answer has more than {most} tenants", "raise max_rows, or answer fewer")
    return rows


def _rows(element: Any) -> Iterator[Any]:
    if not isinstance(element, dict) or "targets" not in element:
        yield (
            element
            if isinstance(element, dict)
            else BadRow(
                "", "the row is no object", 'write {"id": ...} or {"targets": [...], "labels": {...}}'
            )
        )
        return
    targets, labels = element["targets"], element.get("labels") or {}
    # A mixture of both formats is refused: keys of a row would be lost in a group without a word.
    if meant := sorted(element.keys() & KEYS - {"labels"}):
        what = f"a group of targets has the key {meant[0]}, which a row with id has"
        yield BadRow("", what, "write rows with id, or set options by labels such as __option_<name>")
    elif not isinstance(targets, list) or not isinstance(labels, dict):
        yield BadRow(
            "", "targets is no list, or labels is no object", 'write {"targets": ["acme"], "labels": {}}'
        )
    else:
        foreign = {key: None for key in element if key not in ("targets", "labels")}
        yield from (foreign | _target(target, labels) for target in targets)


def _target(target: Any, labels: dict[str, Any]) -> dict[str, Any]:
    options = {name.removeprefix(OPTION): value for name, value in labels.items() if name.startswith(OPTION)}
    shown = {name: value for name, value in labels.items() if not name.startswith("__")}
    return {"id": target, "labels": shown, "options": options, TEXT: True}
