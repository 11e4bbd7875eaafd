"""A real Prometheus on loopback that knows a made-up past, and nothing else."""

import http.client
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port

PATIENCE = 60.0


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus; `now` is the time (Unix seconds) that questions without a time are about."""

    address: str
    now: float
    _answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False, compare=False)

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """Return the series of `expr` now; what Prometheus refuses raises ValueError with its words."""
        # Several tests judge one answer, which does not change.
        if expr not in self._answers:
            self._answers[expr] = self._ask(expr)
        return self._answers[expr]

    def _ask(self, expr: str) -> list[dict[str, Any]]:
        body = urllib.parse.urlencode({"query": expr, "time": self.now}).encode()
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/query", body, timeout=PATIENCE) as answer:
                result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return result
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"{expr}: {error.read().decode()}") from error

    def value(self, expr: str) -> float:
        """Return the value of an expression that has exactly one series."""
        (series,) = self.ask(expr)
        return float(series["value"][1])


@contextmanager
def knowing(lines: Iterable[str], now: float, folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus whose storage holds the samples of an OpenMetrics text; it is ended at the end."""
    text, data, log = folder / "metrics.txt", folder / "data", folder / "prometheus.log"
    text.write_text("\n".join(lines) + "\n")
    made = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", str(text), str(data)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert made.returncode == 0, made.stderr
    (folder / "prometheus.yml").write_text("global: {}\n")
    address = f"127.0.0.1:{free_port()}"
    command = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=50y",
        f"--web.listen-address={address}",
    ]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            _wait(f"http://{address}", process, log)
            yield Prometheus(f"http://{address}", now)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/-/ready", timeout=20):
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    raise RuntimeError(f"Prometheus is not ready:\n{log.read_text()}")
