"""An app whose exporter is dead, silent, slow or broken: it answers as ever, and its queue is bounded."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from exporter.client import Client
from tests.client.receiver import TOKEN
from tests.client.test_middleware import APPS, ask, served
from tests.servers.threaded_http import serving
from tests.waiting import until_true

REQUESTS, QUEUE = 60, 20


@contextmanager
def dead() -> Iterator[str]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def silent() -> Iterator[str]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()  # the system takes connections, and nobody ever answers
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def answering(status: int, hold: threading.Event | None = None) -> Iterator[str]:
    """Answer with `status`, and while there is something to hold not before the test lets it go."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if hold is not None:
                hold.wait(60.0)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as port:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            if hold is not None:
                hold.set()


@contextmanager
def slow() -> Iterator[str]:
    with answering(202, threading.Event()) as url:
        yield url


@contextmanager
def broken() -> Iterator[str]:
    with answering(500) as url:
        yield url


STATES = {"dead": dead, "silent": silent, "slow": slow, "broken": broken}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("framework", APPS)
def test_an_app_answers_every_request_and_keeps_a_bounded_number_of_events(
    framework: str, state: str
) -> None:
    with STATES[state]() as url:
        client = Client(url, TOKEN, queue=QUEUE, batch=5, interval=0.01, timeout=30.0)
        app = APPS[framework](client)
        with served(app)(app) as port:
            assert {ask(port, f"/orders/{number}")[0] for number in range(REQUESTS)} == {200}
        # The app is through, and the sender still waits for its first answer, or for its next attempt.
        found = client.statistics
        assert found.sent == 0
        assert 0 < found.queued <= QUEUE + 5
        assert found.queued + found.dropped == REQUESTS
        if state in ("dead", "broken"):
            until_true(lambda: client.statistics.failing)
        assert client.close(0.0) is False
