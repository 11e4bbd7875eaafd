"""PostgreSQL by psycopg 3: connections that keep no thread for ever, and that come back by themselves."""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event

CONNECT_WAIT = 5
"""Seconds for one address of the server to answer."""

STATEMENT_WAIT = 10.0
"""Seconds after which the server gives a statement up, so that none of ours is left running there."""

LOCK_WAIT = 5.0
"""Seconds that a statement waits for another session's lock."""

PATIENCE = 12.0
"""Seconds after which we give the server itself up: one that hangs cannot keep its own limits."""

MIGRATION_WAIT = 600.0
"""Seconds for bringing the tables up to date, and for waiting for another replica that does."""

CONNECTIONS = 8
"""For one writer, four readers, the short transactions of tokens, and one that is opened again."""

_LOCK = 0x1E85_0E09_0A7E_5EED
"""The advisory lock of this program's migrations."""

_LIMITS = {
    "statement_timeout": STATEMENT_WAIT,
    "lock_timeout": LOCK_WAIT,
    # A replica that was stopped in the middle of a transaction must not hold its locks against the others.
    "idle_in_transaction_session_timeout": 60.0,
}

T = TypeVar("T")


class DeadlineWait(psycopg.Connection[Any]):
    """A connection whose every exchange ends within `patience` seconds, else it is closed."""

    patience = PATIENCE

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Consume `gen` as psycopg does; raises OperationalError when it takes too long."""
        try:
            return super().wait(_until(gen, time.monotonic() + self.patience), *args, **kwargs)
        except _TooLateError:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.patience:g} s") from None


class _TooLateError(Exception):
    pass


def _until(gen: Generator[Any, Any, T], deadline: float) -> Generator[Any, Any, T]:
    """Pass everything on; psycopg asks again every tenth of a second, also when nothing came."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if time.monotonic() > deadline:
                raise _TooLateError
            wanted = gen.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


def open_engine(url: URL) -> Engine:
    """Return an engine for `url`; what the URL's own query says goes before our defaults."""
    engine = create_engine(
        url,
        connect_args=_arguments(url),
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_recycle=1800,
        # One that was cut while it lay idle is replaced without a word.
        pool_pre_ping=True,
    )

    def connect(_dialect: object, _record: object, arguments: Any, named: Any) -> DeadlineWait:
        return DeadlineWait.connect(*arguments, **named)

    event.listen(engine, "do_connect", connect)
    return engine


def lock_for_migration(connection: Connection) -> None:
    """Let one replica after another bring the tables up to date in this transaction, in more time."""
    _driver(connection).patience = MIGRATION_WAIT
    for name in ("statement_timeout", "lock_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {name} = {MIGRATION_WAIT * 1000:.0f}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def unlock(connection: Connection) -> None:
    """Give the connection its usual patience back; the lock and the limits ended with the transaction."""
    _driver(connection).patience = PATIENCE


def _driver(connection: Connection) -> DeadlineWait:
    found = connection.connection.driver_connection
    assert isinstance(found, DeadlineWait)  # noqa: S101  # the event above makes no others
    return found


def _arguments(url: URL) -> dict[str, Any]:
    """Return the parameters for libpq (PostgreSQL documentation, "Database Connection Control Functions")."""
    usual: dict[str, Any] = {
        "application_name": "integration-exporter",
        "connect_timeout": CONNECT_WAIT,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        # Keepalives watch an idle connection; this one bounds data that is never acknowledged (tcp(7)).
        "tcp_user_timeout": int(PATIENCE * 1000),
    }
    given = url.query.get("options", "")
    limits = " ".join(f"-c {name}={seconds * 1000:.0f}" for name, seconds in _LIMITS.items())
    theirs = given if isinstance(given, str) else " ".join(given)
    named = {name: value for name, value in usual.items() if name not in url.query}
    # Theirs come last: of two settings of one name the server takes the last one.
    return named | {"options": f"{limits} {theirs}".strip()}
