"""`healthcheck` against real servers: its exit code is what containers and service managers act on."""

import os
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.servers.authority import self_signed
from tests.servers.threaded_http import serving


class Answers(BaseHTTPRequestHandler):
    """Answers /200 and readiness with 200, /503 with 503 and a sentence, and sends /away elsewhere."""

    def do_GET(self) -> None:
        named = {"/away": 302, "/-/ready": 200, "/prefix/-/ready": 200}
        status = named.get(self.path) or int(self.path.lstrip("/"))
        body = b"the configuration is being loaded\nand more"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def ask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exporter", "healthcheck", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_a_server_that_answers_200_is_healthy() -> None:
    with serving(Answers) as port:
        found = ask(f"http://localhost:{port}/200")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize("end", ["", "/"])
def test_the_url_of_an_exporter_is_asked_for_its_readiness(end: str) -> None:
    with serving(Answers) as port:
        base = f"http://127.0.0.1:{port}"
        assert ask(base + end).returncode == 0
        assert ask(INTEGRATION_EXPORTER_URL=base + end).returncode == 0
        assert ask(INTEGRATION_EXPORTER_URL=f"{base}/prefix{end}").returncode == 0
        message = ask(f"{base}/503", INTEGRATION_EXPORTER_URL=base)
    assert "answers 503" in message.stderr


@pytest.mark.parametrize("path", ["503", "404", "204", "away"])
def test_any_other_answer_is_reported_with_its_first_line(path: str) -> None:
    with serving(Answers) as port:
        found = ask(f"http://127.0.0.1:{port}/{path}")
    assert found.returncode == 1
    status = "302" if path == "away" else path
    assert f"answers {status}: " in found.stderr
    assert "and more" not in found.stderr


def test_a_certificate_for_another_name_is_fine_on_this_machine(tmp_path: Path) -> None:
    with serving(Answers, self_signed(tmp_path)) as port:
        found = ask(f"https://127.0.0.1:{port}/200")
    assert found.returncode == 0, found.stderr


def test_a_port_that_nobody_listens_on_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = ask(f"http://127.0.0.1:{port}/-/ready")
    assert found.returncode == 1
    assert "does not answer" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:10055", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:nine/"])
def test_what_is_no_url_is_one_sentence(url: str) -> None:
    found = ask(url)
    assert found.returncode == 1
    assert "Traceback" not in found.stderr


def test_it_starts_quickly_because_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from exporter.cli import main; main(['healthcheck', 'http://127.0.0.1:1/']); "
        "print(*sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert {"aiohttp", "sqlalchemy", "yaml", "msgspec", "shtab"}.isdisjoint(found.stdout.split())
