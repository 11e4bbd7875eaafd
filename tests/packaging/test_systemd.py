"""The systemd unit: systemd takes it, it is confined, and what confines it does not break the exporter."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from exporter.commands.parser import build_parser
from tests.packaging.conftest import INSTALLED, ROOT
from tests.servers.ports import free_port

UNIT = ROOT / "deploy/systemd/integration-exporter.service"
PROGRAM = f"{INSTALLED}/bin/integration-exporter"
WITHOUT_NEW_CODE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a program as MemoryDenyWriteExecute=yes does: PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN, Linux 6.3."""


def settings() -> dict[str, list[str]]:
    """Return every setting with its values in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    path = shutil.which("systemd-analyze")
    if path is None:
        pytest.skip("systemd-analyze is not installed here")
    return subprocess.run([path, *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit, started from a program that exists here: systemd looks for it."""
    path = tmp_path / UNIT.name
    script = tmp_path / "integration-exporter"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    path.write_text(UNIT.read_text().replace(PROGRAM, str(script)))
    return path


def test_systemd_finds_no_mistake(unit: Path) -> None:
    found = analyze("verify", str(unit))
    assert (found.returncode, found.stderr) == (0, "")


def test_systemd_finds_a_planted_mistake(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSytem=strict"))
    assert "ProtectSytem" in analyze("verify", str(unit)).stderr


def test_systemd_judges_it_confined(unit: Path) -> None:
    found = analyze("security", "--offline=yes", "--no-pager", str(unit))
    judged = re.search(r"exposure level for \S+: ([0-9.]+)", found.stdout)
    assert judged, found.stdout + found.stderr
    assert float(judged[1]) <= 1.5  # of 10; an unconfined service has 9.6


def test_its_words_are_words_the_exporter_knows() -> None:
    (start,) = settings()["ExecStart"]
    words = shlex.split(start.replace("${CONFIG}", "my.yml").replace("$OPTIONS", "--web.config.file=web.yml"))
    assert words[0] == PROGRAM
    options = build_parser().parse_args(["run", *words[1:]])
    assert (options.config_file, options.web_config) == ("my.yml", "web.yml")
    assert settings()["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert settings()["DynamicUser"] == ["yes"]
    assert settings()["StateDirectory"] == ["integration-exporter"]


def test_it_stops_within_the_time_that_systemd_gives_it() -> None:
    (limit,) = settings()["TimeoutStopSec"]
    given = float(limit.removesuffix("s"))
    default = build_parser().parse_args(["run"]).shutdown_timeout
    assert given >= 2 * float(default.removesuffix("s"))


def test_it_serves_and_reloads_where_no_memory_can_become_code(tmp_path: Path) -> None:
    port = free_port()
    path = tmp_path / "my.yml"
    one = "  - {name: first, provider: http, interval: 1s, options: {url: 'https://127.0.0.1:1/'}}\n"
    path.write_text(f"integrations:\n{one}")
    program = [
        sys.executable,
        "-m",
        "exporter",
        f"--config.file={path}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WITHOUT_NEW_CODE, *program],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            umask=0o077,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    try:
        if not _shows(process, port, 'integration_probe_success{integration="first"', tmp_path):
            pytest.skip("this kernel cannot refuse new code to a process")
        path.write_text(path.read_text() + one.replace("first", "second"))
        process.send_signal(signal.SIGHUP)
        assert _shows(process, port, 'integration_probe_success{integration="second"', tmp_path)
    finally:
        process.terminate()
        process.wait(timeout=60)
    assert process.returncode == 0
    (state,) = tmp_path.glob("*.db")
    assert state.stat().st_mode & 0o077 == 0


def _shows(process: subprocess.Popen[bytes], port: int, wanted: str, folder: Path) -> bool:
    """Tell whether /metrics came to show `wanted`; False when the kernel would not have it."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        if process.poll() == 77:
            return False
        assert process.poll() is None, (folder / "log").read_text()
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                if wanted in answer.read().decode():
                    return True
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.1)
    raise AssertionError((folder / "log").read_text())
