"""A real PostgreSQL, Debian's, in a folder of its own, as the system's user postgres where we are root."""

import atexit
import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.authority import Authority
from tests.servers.ports import free_port

USER = "monitor"
PASSWORD = "planted'database password=4242"
ROLES = f"""
CREATE ROLE monitor LOGIN PASSWORD '{PASSWORD.replace("'", "''")}';
GRANT pg_monitor TO monitor;
CREATE ROLE stranger LOGIN PASSWORD 'stranger-password';
CREATE ROLE app LOGIN PASSWORD 'app-password' NOSUPERUSER;
CREATE DATABASE closed;
REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
"""
OBJECTS = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE ledger (id int PRIMARY KEY, amount int);
INSERT INTO ledger VALUES (1, 0), (2, 0);
GRANT SELECT, UPDATE ON ledger TO app;
"""
CONF = """
listen_addresses = '127.0.0.1'
superuser_reserved_connections = 3
shared_preload_libraries = 'pg_stat_statements'
fsync = off
synchronous_commit = off
shared_buffers = 8MB
wal_level = replica
max_wal_senders = 3
deadlock_timeout = 100ms
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
autovacuum = off
log_min_messages = fatal
"""
HBA = """
local all all trust
local replication all trust
host all nobody 127.0.0.1/32 reject
hostssl all all 127.0.0.1/32 scram-sha-256
"""


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, of the newest version installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    assert found, "install Debian's package postgresql"
    return str(found[-1])


def _as_postgres() -> dict[str, Any]:
    # PostgreSQL refuses to run as root.
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}


def _run(*words: str) -> None:
    done = subprocess.run(words, **_as_postgres(), capture_output=True, text=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


def _own(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, "postgres", "postgres")


def _folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="pg-"))
    _own(made)
    return made


@functools.cache
def _template() -> Path:
    """Return a folder with a cluster that was made once for all tests of this process."""
    home = _folder()
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    data = home / "data"
    _run(program("initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-N", "--locale=C.UTF-8")
    with (data / "postgresql.conf").open("a") as conf:
        conf.write(CONF)
    (data / "pg_hba.conf").write_text(HBA)
    authority = Authority(home)
    cluster = Cluster(home, authority)
    cluster.show(authority)
    cluster.start()
    cluster.admin(*ROLES.strip().splitlines())
    cluster.admin(*OBJECTS.strip().splitlines())
    cluster.stop()
    return home


@dataclass
class Cluster:
    """One server in `home`/data; `admin` runs statements as its superuser."""

    home: Path
    authority: Authority
    port: int = field(default_factory=free_port)
    connections: int = 14
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    def start(self, *, wait: bool = True) -> None:
        command = [program("postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.home)]
        command += ["-N", str(self.connections)]
        log = (self.home / "log").open("ab")
        self.process = subprocess.Popen(command, **_as_postgres(), stdout=log, stderr=log, cwd="/")
        log.close()
        for _ in range(3000):
            assert self.process.poll() is None, (self.home / "log").read_text()
            pid_file = self.data / "postmaster.pid"
            status = pid_file.read_text().splitlines()[7:8] if pid_file.exists() else []
            if status and (status[0].strip() in ("ready", "standby") or not wait):
                return
            time.sleep(0.02)
        raise AssertionError((self.home / "log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)  # fast: whoever is connected is cut
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)  # immediate
                self.process.wait(timeout=60)
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def show(self, authority: Authority, *, until: float = 30.0) -> None:
        """Show a new certificate of `authority`; a running server needs SIGHUP."""
        leaf = authority.ca.issue_cert(
            "localhost", "127.0.0.1", not_after=_days(until), not_before=_days(min(until, 0) - 1)
        )
        for name, text in (
            ("server.crt", b"".join(part.bytes() for part in leaf.cert_chain_pems)),
            ("server.key", leaf.private_key_pem.bytes()),
        ):
            path = self.data / name
            path.touch(mode=0o600)
            path.write_bytes(text)
            _own(path)

    def connect(self, user: str = "postgres", database: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.home), port=self.port, user=user, dbname=database, autocommit=True
        )

    def admin(self, *statements: str) -> list[Any]:
        with self.connect() as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def options(self, **changes: Any) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "database": "postgres",
            "user": USER,
            "password": PASSWORD,
            "sslmode": "verify-full",
            "sslrootcert": self.authority.ca_file,
            **changes,
        }


def _days(days: float) -> Any:
    import datetime

    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


@contextlib.contextmanager
def cluster(connections: int = 14) -> Iterator[Cluster]:
    """Run a fresh server, which takes so many at a time; three of them are the superuser's."""
    template = _template()
    home = _folder()
    try:
        _run("/bin/cp", "-a", str(template / "data"), str(home / "data"))
        authority = Authority(home)
        made = Cluster(home, authority, connections=connections)
        made.show(authority)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def standby(primary: Cluster) -> Iterator[Cluster]:
    """Run a standby of `primary`, streaming."""
    home = _folder()
    try:
        source = f"host={primary.home} port={primary.port} user=postgres application_name=replica1"
        _run(
            program("pg_basebackup"),
            "-D",
            str(home / "data"),
            "-d",
            source,
            "-R",
            "-N",
            "-c",
            "fast",
            "-X",
            "stream",
        )
        auto = home / "data" / "postgresql.auto.conf"
        assert re.search("primary_conninfo", auto.read_text())
        made = Cluster(home, primary.authority, connections=primary.connections)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
