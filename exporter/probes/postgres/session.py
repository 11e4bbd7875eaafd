"""One session with a PostgreSQL server, by psycopg and libpq: opened, read from, closed."""

import asyncio
import contextlib
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from exporter.core.errors import ProbeError, Shortage
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.net.shortages import present_shortage, shortage_in
from exporter.probes.postgres import failures, startup
from exporter.probes.postgres.options import PostgresOptions, ascii_hosts

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Parameters = dict[str, str]

APPLICATION = "integration-exporter"


def parameters(options: PostgresOptions) -> Parameters:
    """Return libpq's parameters; raise ValueError, without quoting, where `url` or a host cannot be read."""
    found: Parameters = {}
    if options.url:
        try:
            found = {key: str(value) for key, value in conninfo_to_dict(options.url.reveal()).items()}
        except psycopg.Error as error:
            raise ValueError(_url_problem(options.url.reveal(), str(error))) from None
        # An unescaped `/` or `:` in a password moves the parts of a URL: a piece may be read as the port.
        if not re.fullmatch("[0-9,]*", found.get("port", "")):
            raise ValueError("url is no connection string of PostgreSQL")
    own = {
        "host": options.host,
        "port": str(options.port or ""),
        "dbname": options.database,
        "user": options.user,
        "password": options.password.reveal() if options.password else "",
        "sslmode": options.sslmode,
        "sslrootcert": options.sslrootcert,
    }
    found.update({key: value for key, value in own.items() if value})
    if "host" in found:
        found["host"] = ascii_hosts(found["host"])
    # Kerberos would ask the machine's ticket cache, which is not expected of a monitor.
    defaults = {"port": "5432", "sslmode": "prefer", "gssencmode": "disable", "user": "postgres"}
    return {**defaults, **found, "application_name": APPLICATION}


def _url_problem(url: str, said: str) -> str:
    """Return what is wrong with `url`; of `said`, libpq's words, only the plain name of a parameter."""
    if re.match(r"postgres(ql)?\+\w+://", url):
        return "url names a driver, as SQLAlchemy does; let it begin with postgresql://"
    if unknown := re.search(r'invalid (?:URI query parameter|connection option):? "([a-z_]{1,30})"', said):
        return f"url has a parameter that PostgreSQL does not know: {unknown[1]}; remove it"
    return "url is no connection string of PostgreSQL"


@asynccontextmanager
async def session(options: PostgresOptions, kit: Kit, timeout: float) -> AsyncIterator["Session"]:
    """Sign in and yield a session that only reads; raise ProbeError where that fails."""
    try:
        given = parameters(options)
    except ValueError as error:
        raise ProbeError(Reason.NOT_CONFIGURED, str(error)) from None
    connection = await _connect(given, kit, timeout)
    try:
        yield Session(connection, timeout, kit.log)
    finally:
        await connection.close()


class Session:
    """Statements within one read-only transaction each, bounded on the server as well as here."""

    def __init__(self, connection: Connection, timeout: float, log: Callable[[str], None]) -> None:
        """Read from `connection`; the server stops a statement after `timeout` seconds; `log` names each."""
        self._connection = connection
        self._log = log
        self._milliseconds = int(timeout * 1000)

    async def read(self, *statements: str) -> list[list[tuple[Any, ...]]]:
        """Return the rows of each statement, all in one transaction; raise ProbeError."""
        return await self._guarded(lambda: self._read(statements))

    async def try_read(self, statement: str) -> list[tuple[Any, ...]] | None:
        """Return the rows, None where the relation is not there, not loaded or not for us."""

        # In a transaction of its own: one failed statement aborts all that share a transaction.
        async def attempt() -> list[tuple[Any, ...]] | None:
            try:
                return (await self._read((statement,)))[0]
            except (
                psycopg.errors.UndefinedTable,
                psycopg.errors.UndefinedColumn,
                psycopg.errors.InsufficientPrivilege,
                psycopg.errors.ObjectNotInPrerequisiteState,
            ):
                return None

        return await self._guarded(attempt)

    async def _read(self, statements: tuple[str, ...]) -> list[list[tuple[Any, ...]]]:
        found = []
        async with self._transaction():
            # Within the transaction, because poolers hand each one to another connection.
            await self._connection.execute("SET TRANSACTION READ ONLY")
            await self._connection.execute(f"SET LOCAL statement_timeout = {self._milliseconds}")
            await self._connection.execute(f"SET LOCAL lock_timeout = {self._milliseconds}")
            for statement in statements:
                self._log(f"reading {_relation(statement)}")
                # As bytes, because psycopg's types take a text only if it is a literal.
                cursor = await self._connection.execute(statement.encode())
                found.append(await cursor.fetchall())
        return found

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """Run the block in a transaction; the first failure counts, not one of rolling back after it.

        psycopg's own blocks send ROLLBACK where BEGIN was refused, and log in the server's words that it
        failed: each run at the console of a pooler, and each one whose connection is cut.
        """
        await self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                await self._connection.execute("ROLLBACK")
            raise
        await self._connection.execute("COMMIT")

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        """Await `call`; cut the connection when we are cancelled: psycopg alone would wait for the server."""
        task = asyncio.ensure_future(call())
        try:
            # Shielded: psycopg, when cancelled, asks the server to cancel and waits for its answer.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._disconnect()
            with contextlib.suppress(psycopg.Error, asyncio.CancelledError):
                await task
            raise
        except psycopg.Error as error:
            raise _error_of(error) from None

    def _disconnect(self) -> None:
        # A duplicate, so that closing the object leaves libpq's own descriptor open; shutdown() reaches both.
        with (
            contextlib.suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(self._connection.pgconn.socket)) as twin,
        ):
            twin.shutdown(socket.SHUT_RDWR)


def _relation(statement: str) -> str:
    """Return what a statement of ours reads, for the log of a run."""
    found = re.search(r"\bFROM\s+([\w.]+)", statement)
    return found[1] if found else "settings"


def _error_of(error: psycopg.Error) -> ProbeError:
    if error.sqlstate:
        return failures.of_error(error.sqlstate, str(error))
    return failures.of_text(str(error)) or ProbeError(Reason.CONNECT, "the server closed the connection")


async def _connect(given: Parameters, kit: Kit, timeout: float) -> Connection:
    host, port = given.get("host", ""), given["port"]
    # A socket file, a list of hosts and a given address are libpq's own affair.
    plain = bool(host) and not host.startswith(("/", "@")) and "," not in host and "hostaddr" not in given
    if plain:
        address = await startup.find_address(host, int(port), given["sslmode"], kit)
        # The session goes to the address that was measured; `host` stays for the certificate.
        given = {**given, "hostaddr": address}
    kit.log(f"signing in as {given['user']}")
    try:
        return await psycopg.AsyncConnection.connect(
            **given,  # type: ignore[arg-type]  # any of libpq's parameters
            # psycopg raises smaller values to 2.
            connect_timeout=max(2, int(timeout)),
            autocommit=True,
            # A pooler may run the next transaction on a server that lacks our prepared statements.
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        text = str(error)
    # Outside of the except block: libpq's text is not chained, since it may repeat what we sent.
    raise await _why(given, text, kit, plain)


async def _why(given: Parameters, text: str, kit: Kit, plain: bool) -> ProbeError | Shortage:
    """Return why libpq could not connect, from its text or, where that is in another language, by asking."""
    # libpq reports no errno: without this a lack of descriptors here would be blamed on the server.
    if shortage := shortage_in(text) or present_shortage():
        return shortage
    known = failures.of_text(text)
    if known is not None and known.reason is not Reason.CONNECT:
        return known
    if not plain:
        return known or ProbeError(Reason.CONNECT, "the server could not be reached")
    database = given.get("dbname", given["user"])
    try:
        wants_credential = await startup.check_refusal(
            given["hostaddr"], int(given["port"]), given["user"], database, given["sslmode"], kit
        )
    except ProbeError as error:
        return error
    if known is not None:
        return known
    if wants_credential and failures.speaks_of_password(text):
        return ProbeError(Reason.AUTH, "the server asked for a credential and refused the one we have")
    # Anything else may refuse a session whose credential was right: limits, poolers, a closed database.
    when = "after it took the credential" if wants_credential else "for an unknown cause"
    return ProbeError(Reason.BAD_RESPONSE, f"the server refused the session {when}; its log says why")
