"""Runs the programs of docs/webhooks-receiving.md, and sends them what we sign."""

import base64
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.core.delivery import HeaderLines
from exporter.signatures.standard import sign

PAGE = Path(__file__).parent.parent / "docs" / "webhooks-receiving.md"
BLOCK = re.compile(r"^`(?P<name>[\w.]+)`(?:, by (?P<by>[\w: ]+))?\n\n```\w+\n(?P<text>.*?)^```$", re.M | re.S)
PROGRAMS = {(found["name"], found["by"]): found["text"] for found in BLOCK.finditer(PAGE.read_text())}
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEXT = "whsec_HxwdHhscGRoYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="
RECEIVERS = [
    ("receiver.py", "verify.py", "standardwebhooks"),
    ("receiver.py", "verify.py", "svix"),
    ("receiver.py", "verify.py", "the standard library"),
    ("receiver.mjs", "verify.mjs", "node:crypto"),
]
READ_ALONE = ("verify.mjs", "standardwebhooks")
BODY = '{"type": "order.paid", "data": {"name": "Jürgen 👋"}}'.encode()


class Receiver:
    """A program of the page, in a folder of its own."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder, self.program = folder, program
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> None:
        command = [sys.executable if self.program.endswith(".py") else "node", self.program, "0"]
        environment = {**os.environ, "WEBHOOK_SECRET": SECRET}
        with (self.folder / "errors").open("a") as errors:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on "), (self.folder / "errors").read_text()
        self.port = int(line.split()[-1])

    def stop(self) -> str:
        """End it, and return what it printed."""
        if self._process is None:
            return ""
        self._process.terminate()
        printed, _ = self._process.communicate()
        self._process = None
        return printed

    def send(self, body: bytes, headers: HeaderLines) -> int:
        url = f"http://127.0.0.1:{self.port}/hook"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json", **dict(headers)})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code


@pytest.fixture(params=RECEIVERS, ids=lambda one: f"{one[0]}-{one[2]}")
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    program, verifier, by = request.param
    (tmp_path / program).write_text(PROGRAMS[program, None])
    (tmp_path / verifier).write_text(PROGRAMS[verifier, by])
    made = Receiver(tmp_path, program)
    made.start()
    yield made
    made.stop()


def now() -> int:
    return int(time.time())


def test_every_program_of_the_page_is_run_or_named_here() -> None:
    run = {(program, None) for program, _, _ in RECEIVERS} | {(name, by) for _, name, by in RECEIVERS}
    assert PROGRAMS.keys() == run | {READ_ALONE}
    assert PAGE.read_text().count("\n```python\n") + PAGE.read_text().count("\n```js\n") == len(PROGRAMS)


def test_what_we_sign_is_worked_on_once_however_often_it_comes(receiver: Receiver) -> None:
    for at in (now(), now() - 200, now() + 200):
        assert receiver.send(BODY, sign("msg_1", at, BODY, [SECRET])) == 204
    assert receiver.send(BODY, sign("msg_2", now(), BODY, [NEXT, SECRET])) == 204
    assert receiver.stop() == "working on order.paid\n" * 2
    receiver.start()
    assert receiver.send(BODY, sign("msg_1", now(), BODY, [SECRET])) == 204
    assert receiver.send(BODY, sign("msg_3", now(), BODY, [SECRET])) == 204
    assert receiver.stop() == "working on order.paid\n"


def test_what_is_not_genuine_is_refused(receiver: Receiver) -> None:
    good = dict(sign("msg_1", now(), BODY, [SECRET]))
    assert receiver.send(BODY.replace(b"paid", b"Paid"), tuple(good.items())) == 401
    for name in good:
        assert (
            receiver.send(BODY, tuple((known, text) for known, text in good.items() if known != name)) == 401
        )
    for name, value in (
        ("webhook-id", "msg_2"),
        ("webhook-timestamp", str(int(good["webhook-timestamp"]) + 1)),
        ("webhook-timestamp", "soon"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,%%%"),
        ("webhook-signature", good["webhook-signature"].replace("v1,", "v2,")),
        ("webhook-signature", "v1," + base64.b64encode(bytes(32)).decode()),
    ):
        assert receiver.send(BODY, tuple({**good, name: value}.items())) == 401, value
    assert receiver.send(BODY, sign("msg_1", now(), BODY, [NEXT])) == 401
    for at in (now() - 600, now() + 600):
        assert receiver.send(BODY, sign("msg_1", at, BODY, [SECRET])) == 401
    assert receiver.send(BODY, tuple(good.items())) == 204
    assert receiver.stop() == "working on order.paid\n"


def test_work_that_fails_is_done_when_the_webhook_comes_again(receiver: Receiver) -> None:
    wrong = b"no json"
    with suppress(OSError):  # Python's small server closes the connection without an answer
        assert receiver.send(wrong, sign("msg_1", now(), wrong, [SECRET])) == 500
    assert receiver.send(BODY, sign("msg_1", now(), BODY, [SECRET])) == 204
    assert receiver.stop() == "working on order.paid\n"


def test_the_program_that_is_not_run_is_read(tmp_path: Path) -> None:
    name, _ = READ_ALONE
    (tmp_path / name).write_text(PROGRAMS[READ_ALONE])
    subprocess.run(["node", "--check", name], cwd=tmp_path, check=True, timeout=60)


def test_the_command_lines_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh\n(export .*?)^```$", PAGE.read_text(), re.M | re.S)
    (tmp_path / "receiver.py").write_text(PROGRAMS["receiver.py", None])
    (tmp_path / "verify.py").write_text(PROGRAMS["verify.py", "the standard library"])
    made = Receiver(tmp_path, "receiver.py")
    made.start()
    try:
        lines = [line for line in script.splitlines() if not line.startswith("python")]
        text = "\n".join(lines).replace(":8080/", f":{made.port}/")
        assert shutil.which("curl") and shutil.which("openssl")
        done = subprocess.run(["sh", "-ec", text], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == ["401", "204"]
    finally:
        assert made.stop() == "working on ping\n"
