"""An HTTP endpoint that answers tenants."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import PATIENCE


class Endpoint:
    """Answers what it is asked to; `seen` are the headers of the requests."""

    def __init__(self) -> None:
        self.answer: Any = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.seen: list[dict[str, str]] = []
        self.release = threading.Event()
        self.release.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append({**dict(self.headers), "path": self.path})
                outer.release.wait(PATIENCE)
                body = outer.answer if isinstance(outer.answer, bytes) else json.dumps(outer.answer).encode()
                self.send_response(outer.status)
                for name, value in ({"Content-Length": str(len(body))} | outer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients may hang up
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tenants"
