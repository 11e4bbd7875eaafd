"""Ports for servers of tests: nobody else is given one between the look for it and the start."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.ports import FIRST, HOST, WIDTH, free_port, free_row

FOLDER = Path(__file__).parent
FINDS = re.compile(
    r"^ *def _?(free|unused|find)_port\b|^from exporter\.demo\.services import .*free_port", re.M
)


def test_another_test_process_has_other_ports() -> None:
    mine = free_port()
    script = "from tests.servers.ports import free_port; print(free_port())"
    said = subprocess.run([sys.executable, "-c", script], cwd=FOLDER.parent, capture_output=True, check=True)
    assert (int(said.stdout) - FIRST) // WIDTH != (mine - FIRST) // WIDTH


def test_a_port_comes_again_only_much_later() -> None:
    assert len({free_port() for _ in range(WIDTH // 2)}) == WIDTH // 2


@pytest.mark.parametrize(("kind", "host"), [(socket.SOCK_STREAM, "127.0.0.2"), (socket.SOCK_DGRAM, HOST)])
def test_a_port_that_somebody_has_is_left_out(kind: socket.SocketKind, host: str) -> None:
    first = free_row(3)
    between = free_row(3)
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((host, first))
        found = {free_port() for _ in range(WIDTH - 1)}  # once around
    assert first not in found and {first + 1, between, between + 2} <= found


def test_no_other_file_looks_for_a_port() -> None:
    found = [str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.py") if FINDS.search(file.read_text())]
    assert found == ["servers/ports.py"], "take a port of tests/servers/ports.py, which no other worker gets"
