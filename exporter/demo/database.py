"""A PostgreSQL of the demo's own, where its programs are installed: for the store, and to look at."""

import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from exporter.core.defaults import HOST
from exporter.demo.services import DemoProcess
from exporter.generate import provisioning
from exporter.store.views import SCHEMA

FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
"""Where distributions have the programs of a server, which are on nobody's PATH."""

NAME, OWNER, MONITOR = "exporter", "exporter", "monitor"
USER = "postgres"
"""Whom a server becomes that root starts: PostgreSQL refuses to run as root."""

OLDEST = 15
"""The first version whose psql reads a variable of the environment, which the file of the role does."""

ROLES = f"""\
CREATE ROLE {OWNER} LOGIN PASSWORD '{{owner}}';
CREATE ROLE {MONITOR} LOGIN PASSWORD '{{monitor}}';
GRANT pg_monitor TO {MONITOR};
CREATE DATABASE {NAME} OWNER {OWNER};
\\c {NAME}
{{statements}}
-- The exporter makes its views in it at its start; the role of Grafana needs it before.
CREATE SCHEMA {SCHEMA} AUTHORIZATION {OWNER};
"""


@dataclass(frozen=True)
class DemoDatabase:
    """Where a store in PostgreSQL is: the URLs of the exporter and of who looks at it; Grafana's secret."""

    store: str
    monitor: str = ""
    port: int = 0
    password: str = ""

    def grafana(self) -> dict[str, str]:
        """Return the variables of Grafana's data source; none where the role is not ours to make."""
        if not self.port:
            return {}
        return {
            "INTEGRATION_STORE_HOST": f"{HOST}:{self.port}",
            "INTEGRATION_STORE_DATABASE": NAME,
            "INTEGRATION_STORE_USER": provisioning.READER,
            "INTEGRATION_STORE_PASSWORD": self.password,
            "INTEGRATION_STORE_SSLMODE": "disable",
        }


def find_programs(root: Path = Path("/")) -> Path | None:
    """Return the folder of the newest server's programs; None where there is none that we can run."""
    found = [path for pattern in FOLDERS for path in root.glob(pattern) if _has_all(path)]
    return max(found, key=_version, default=None) if _can_run() else None


@asynccontextmanager
async def own_database(folder: Path, port: int) -> AsyncIterator[DemoDatabase]:
    """Run a server with the programs in `folder` until the end of the block; StartError where it fails.

    It listens on `port` of this machine.
    """
    # A folder of its own: the demo's is closed to the user that a server run by root must become.
    home = Path(tempfile.mkdtemp(prefix="integration-exporter-demo-db-"))
    try:
        server = _Server(folder, home, port)
        try:
            await server.start()
            yield await server.prepare()
        finally:
            await server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


class _Server:
    def __init__(self, programs: Path, home: Path, port: int) -> None:
        self._programs, self._home, self._port = programs, home, port
        self._user = USER if os.getuid() == 0 else ""
        if self._user:
            shutil.chown(home, self._user, self._user)

    async def start(self) -> None:
        """Make the cluster and start it; loopback asks for passwords, the socket is in our folder alone."""
        data = str(self._home / "data")
        words = ["--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256", "--username=postgres"]
        await self._run("initdb", "-D", data, *words, "--encoding=UTF8", "--locale=C")
        settings = {
            "port": self._port,
            "listen_addresses": HOST,
            "unix_socket_directories": self._home,
            "fsync": "off",  # nothing of a demo outlives it
        }
        if self._has_statements:
            settings["shared_preload_libraries"] = "pg_stat_statements"
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        await self._run("pg_ctl", "start", "-w", "-D", data, "-l", str(self._home / "log"), "-o", options)

    async def prepare(self) -> DemoDatabase:
        """Make roles and the database."""
        owner, monitor, reader = (secrets.token_hex(16) for _ in range(3))
        statements = "CREATE EXTENSION pg_stat_statements;" if self._has_statements else ""
        roles = ROLES.format(owner=owner, monitor=monitor, statements=statements)
        await self._ask(roles + provisioning.files()[provisioning.ROLE], reader)
        place = f"{HOST}:{self._port}/{NAME}?sslmode=disable"
        return DemoDatabase(
            f"postgresql://{OWNER}:{owner}@{place}",
            f"postgresql://{MONITOR}:{monitor}@{place}",
            self._port,
            reader,
        )

    async def stop(self) -> None:
        """Stop it, whoever is connected; it may run although starting it was cut short."""
        if (self._home / "data/postmaster.pid").exists():
            await self._run("pg_ctl", "stop", "-D", str(self._home / "data"), "-m", "fast")

    async def _ask(self, sql: str, reader: str) -> None:
        # Opened for its owner alone: it holds passwords.
        file = self._home / "roles.sql"
        file.touch(mode=0o600)
        file.write_text(sql)
        if self._user:
            shutil.chown(file, self._user, self._user)
        words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self._home), "-p", str(self._port)]
        await self._run("psql", *words, "-U", "postgres", "-f", str(file), INTEGRATION_STORE_PASSWORD=reader)
        file.unlink()

    async def _run(self, name: str, *words: str, **environment: str) -> None:
        command = [str(self._programs / name), *words]
        log = self._home / f"{name}.log"
        # The folder that we run in may be closed to the user that the server becomes.
        service = DemoProcess(name, command, "", log, environment, self._home, self._user)
        await service.run()

    @property
    def _has_statements(self) -> bool:
        # Other distributions have it in a package of its own.
        return any(self._programs.parent.glob("**/pg_stat_statements.so"))


def _can_run() -> bool:
    try:
        return os.getuid() != 0 or bool(pwd.getpwnam(USER))
    except KeyError:
        return False


def _has_all(folder: Path) -> bool:
    return _version(folder) >= OLDEST and all(
        (folder / name).exists() for name in ("initdb", "pg_ctl", "psql")
    )


def _version(folder: Path) -> int:
    """Return the version that the path of a folder of programs names, 0 where it names none."""
    digits = "".join(sign if sign.isdigit() else " " for sign in str(folder.parent)).split()
    return int(digits[-1]) if digits else 0
