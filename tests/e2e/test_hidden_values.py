"""Values of variables and secret files show nowhere, whatever option they were put in: seen from outside."""

import asyncio
import json
import os
import threading
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.asking import ask, read, tell, until
from tests.e2e.conftest import COMMAND
from tests.e2e.test_process import Process, Start, start

__all__ = ["start"]

PLACES = ("path", "host", "query", "fragment", "header", "body", "regexp", "header regexp", "jmespath", "dns")
PLANTED = {place: f"Planted{number}Value-of-{place.replace(' ', '-')}" for number, place in enumerate(PLACES)}
ODD = "pl@nted/oddüvalue+9"
PATHS = (
    "/",
    "/metrics",
    "/config",
    "/api/v1/targets",
    "/api/v1/status",
    "/api/v1/errors",
    "/api/v1/errors?format=csv",
    "/api/v1/errors?format=ndjson",
    "/api/v1/changes",
    "/api/v1/history",
)

CONFIGURATION = """\
defaults: {{interval: 1s, timeout: 1s}}
integrations:
- name: refused
  provider: http
  options:
    url: "{base}/500/bot${{P0}}/${{ODD}}/getMe?a=${{P2}}&${{P2}}=1#${{P3}}"
    method: POST
    headers: {{X-Plain: "a ${{P4}}"}}
    body: "b ${{P5}}"
- name: unresolved
  provider: http
  options: {{url: "http://${{P1}}.invalid/"}}
- name: asserted
  provider: http
  options: {{url: "{base}/200/${{P0}}", expect: {{matches: ["${{P6}}"]}}}}
- name: header
  provider: http
  options: {{url: "{base}/200/x", expect: {{headers: [{{name: X-Any, matches: "${{P7}}"}}]}}}}
- name: expression
  provider: http
  options: {{url: "{base}/200/x", expect: {{body: ["path == '${{P8}}'"]}}}}
- name: extracted
  provider: http
  options:
    url: "{base}/200/${{P0}}"
    extract: [{{metric: number, path: n, help: A number., labels: {{path: path}}}}]
- name: redirected
  provider: http
  options: {{url: "{base}/302/${{P0}}", redirects: 1}}
- name: filed
  provider: http
  options: {{url_file: hook}}
- name: asked
  provider: dns
  options: {{name: "${{P9}}.invalid", server: 127.0.0.1, port: {port}, transport: tcp}}
store: {{url: "sqlite:///{folder}/state.db"}}
"""


class Echo(BaseHTTPRequestHandler):
    """Answers with the status that the path begins with, and sends the path back in body and redirects."""

    def do_GET(self) -> None:
        status = int(self.path.split("/")[1])
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.path}x")
        text = json.dumps({"n": 1, "path": self.path}).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def variables() -> dict[str, str]:
    return {f"P{number}": PLANTED[place] for number, place in enumerate(PLACES)} | {"ODD": ODD}


def leaked(text: str) -> list[str]:
    parts = [*PLANTED.values(), *(value.lower() for value in PLANTED.values()), "oddüvalue", "odd%C3%BCvalue"]
    parts += ["PlantedInTheFile", "odd%c3%bcvalue"]
    return [part for part in parts if part in text]


async def test_no_place_shows_what_came_by_a_variable_or_a_file(
    start: Start, port: int, tmp_path: Path
) -> None:
    base = f"http://127.0.0.1:{port}"
    (tmp_path / "hook").write_text(f"{base}/500/T1/PlantedInTheFile/x?k=PlantedInTheFile2\n")
    text = CONFIGURATION.format(base=base, port=port, folder=tmp_path)
    (tmp_path / "my.yml").write_text(text)
    process = await start("--config.file=my.yml", "--log.level=debug", **variables())
    names = {"refused", "unresolved", "asserted", "header", "expression", "redirected", "filed", "asked"}
    await until("everything failed", lambda: _failed(process, names))
    await until("the label is there", lambda: _exported(process))
    for path in PATHS:
        assert leaked(await read(f"{process.base}{path}")) == [], path
    for name in (*names, "extracted"):
        story = await read(f"{process.base}/probe?target={name}&debug=true")
        assert leaked(story) == [], name
        if name in ("refused", "filed"):
            assert f"sending {'POST' if name == 'refused' else 'GET'} {base}" in story
        assert leaked(await _printed(tmp_path, "probe", "-v", name)) == [], name
    assert await _reload_leaks(process, tmp_path, text) == []
    await process.service.stop()
    assert leaked(process.log) == []
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    assert leaked(kept.decode("latin-1")) == []


async def _failed(process: Process, names: set[str]) -> bool:
    rows = (await ask(f"{process.base}/api/v1/errors"))["errors"]
    return names <= {row["integration"] for row in rows}


async def _exported(process: Process) -> bool:
    return 'integration_http_number{integration="extracted"' in await process.metrics()


async def _reload_leaks(process: Process, folder: Path, text: str) -> list[str]:
    """Make a mistake in every option that holds a variable, and return what the answer and `check` show."""
    spoiled = text.replace("${", "(${").replace("http://(", "http//").replace("n: a", "n: [a")
    (folder / "my.yml").write_text(spoiled)
    status, answer = await tell(f"{process.base}/-/reload")
    assert status == 500, answer
    return leaked(answer) + leaked(await _printed(folder, "check"))


async def _printed(folder: Path, *words: str) -> str:
    command, *rest = words
    run = await asyncio.create_subprocess_exec(
        *COMMAND,
        command,
        "--config.file=my.yml",
        *rest,
        cwd=folder,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | variables() | {"PYTHONPATH": str(Path.cwd())},
    )
    message, wrong = await run.communicate()
    assert message + wrong
    return (message + wrong).decode()
