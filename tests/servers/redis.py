"""A real Redis, Debian's, on a port of this machine; it keeps nothing on the disk unless asked to."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ports import free_port

PASSWORD = "planted-redis-password-4242"


@dataclass
class RedisProcess:
    """One server with its files in `home`; `url` has its password."""

    home: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "install Debian's package redis-server"
        words = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.home), "--save", "")
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, *words, "--requirepass", PASSWORD], stdout=log, stderr=log
            )
        for _ in range(3000):
            assert self.process.poll() is None, (self.home / "log").read_text()
            if self._answers():
                return
            time.sleep(0.02)
        raise AssertionError((self.home / "log").read_text())

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once; what it knew is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as made:
            made.sendall(b"PING\r\n")
            return bool(made.recv(100))  # also a refusal, for want of the password, is an answer
        return False


@contextlib.contextmanager
def redis_server(home: Path) -> Iterator[RedisProcess]:
    """Run a fresh server."""
    made = RedisProcess(home)
    made.start()
    try:
        yield made
    finally:
        made.kill()
