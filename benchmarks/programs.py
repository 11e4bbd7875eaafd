"""Starts the programs that are measured, reads what they cost, and ends them."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil

EXPORTER = [sys.executable, "-m", "exporter"]

INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Environment of what is measured: an installed package has its bytecode, so a checkout may keep it too."""


class Program:
    """A child process; `log` takes what it prints. Used in `with`, it never outlives the measurement."""

    def __init__(
        self, command: list[str], log: Path, ready: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it, and wait until `ready` (a URL) answers 200."""
        self.log = log
        self.ready = ready
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **INSTALLED, **(environment or {})},
            )
        self.facts = psutil.Process(self._process.pid)
        if ready:
            try:
                self.wait(ready)
            except BaseException:
                self.stop()
                raise

    def wait(self, url: str, limit: float = 180.0) -> None:
        """Return when `url` answers 200; SystemExit with the end of the log if it never does."""
        end = time.monotonic() + limit
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{url} did not answer: {self.log.read_text()[-2000:]}")

    def cpu(self) -> float:
        """Return the CPU seconds so far, user and system, of the process and its children."""
        children = self.facts.children(recursive=True)
        # Not by ticks of 10 ms for the process itself: it may take less than that in a second.
        return cpu_clock(self.facts.pid) + sum(sum(process.cpu_times()[:2]) for process in children)

    def waited(self) -> float:
        """Return the seconds for which the first thread, that of the loop, wanted a core and had none."""
        return int(Path(f"/proc/{self.facts.pid}/schedstat").read_text().split()[1]) / 1e9

    def rss(self) -> int:
        """Return the resident memory in bytes."""
        return int(self.facts.memory_info().rss)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self, limit: float = 20.0) -> None:
        """End it: politely, then by force."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "Program":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()


def cpu_clock(process: int) -> float:
    """Return the CPU seconds of a process so far, to the nanosecond: those of its threads, ended ones too."""
    # The number of its clock as clock_getcpuclockid(3) gives it on Linux.
    return time.clock_gettime(~process << 3 | 2)


def exporter(folder: Path, port: int, *arguments: str) -> Program:
    """Start the exporter on `folder`/config.yml and wait until it is ready."""
    command = [
        *EXPORTER,
        f"--config.file={folder / 'config.yml'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.admin-token-file={folder / 'admin-token'}",
        *arguments,
    ]
    return Program(command, folder / "exporter.log", f"http://127.0.0.1:{port}/-/ready")


def prometheus(folder: Path, port: int, configuration: str, program: str = "") -> Program:
    """Start Prometheus with `configuration` (YAML) and the database of `folder`, empty if there is none."""
    path = folder / "prometheus.yml"
    path.write_text(configuration)
    command = [
        program or installed("prometheus"),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--storage.tsdb.retention.time=60d",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    return Program(command, folder / "prometheus.log", f"http://127.0.0.1:{port}/-/ready")


def installed(name: str) -> str:
    """Return the path of a peer's program; SystemExit tells how to get it."""
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"{name} is not installed: apt-get install {name}")
    return path


def fetch(url: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the body of a GET."""
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=dict(headers or {})), timeout=60
    ) as answer:
        return bytes(answer.read())


def post(url: str, token_file: Path) -> int:
    """Return the status of a POST without a body, made as a script of an operator would."""
    headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
    request = urllib.request.Request(url, b"", headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
