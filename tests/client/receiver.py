"""A receiver of events that keeps what it gets, refuses wrong paths and tokens, and fails on request."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers.threaded_http import serving

TOKEN = "ingest-token"


@dataclass
class Receiver:
    """`answers` are given first, one a request: (status, headers, body); then everything is taken."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    most: int = 1000

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.connections.add(self.client_address)
            if self.path != "/api/v1/events" or self.headers["Authorization"] != f"Bearer {TOKEN}":
                receiver.refused.append((self.path, str(self.headers["Authorization"])))
                self._answer(401 if self.path == "/api/v1/events" else 404, {}, b"")
                return
            if receiver.answers:
                self._answer(*receiver.answers.pop(0))
                return
            events = json.loads(body)
            if len(events) > receiver.most:
                self._answer(413, {}, b"")
                return
            receiver.events += events
            receiver.batches.append(len(events))
            self._answer(202, {}, b"{}")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler, context) as port:
        receiver.url = f"http{'s' if context else ''}://localhost:{port}"
        yield receiver
