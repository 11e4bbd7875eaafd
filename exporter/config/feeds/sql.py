"""Asks a database for tenants: PostgreSQL by psycopg 3, or a SQLite file, by a query of the operator's.

The query runs in a read-only transaction of its own, bounded in time by the server
(`statement_timeout`) and by us, and in rows. Columns: `id` or `tenant`; `label_<name>` is a label;
`labels`, `options` and `thresholds` hold JSON objects; any other column is the option of that name. NULL
means that the row says nothing.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import msgspec

from exporter.config.feeds.columns import reader
from exporter.config.feeds.deadline import Deadline
from exporter.config.feeds.fetch_limits import LARGEST, FetchLimits
from exporter.config.feeds.row import FeedProblem

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult, Engine

_PORTION = 1_000
# PostgreSQL, appendix A: login, catalogue, syntax and rights, resources, operator, connection, state
# of the transaction, limits. Class 22 is not among them: its messages quote values.
_TELLING = ("28", "3D", "42", "53", "57", "08", "25", "54")
"""Classes of SQLSTATE whose messages quote names of the query and the address, never the data of a row."""


@dataclass(frozen=True)
class SqlFeedRequest(FetchLimits):
    """What is asked of a database; equal questions may share an answer. `url` holds a password."""

    kind: ClassVar[str] = "sql"

    integration: str
    url: str = field(repr=False)
    query: str = ""

    @property
    def place(self) -> str:
        """Which database is asked, without credentials, and what."""
        url = _parsed(self.url)
        return f"{url.drivername}://{url.host or ''}:{url.port or ''}/{url.database or ''} {self.query}"

    @property
    def label(self) -> str:
        """Name of the source, for messages."""
        words = " ".join(self.query.split())
        return f"tenants.sql of {self.integration} ({words if len(words) <= 60 else words[:57] + '...'})"

    def ask(self) -> list[Any]:
        """Return the raw rows; FeedProblem says why there are none. Blocks up to about the timeout."""
        # Here, because SQLAlchemy takes longer to load than --help may.
        from sqlalchemy.exc import SQLAlchemyError

        with Deadline(self.timeout) as deadline:
            try:
                with _opened(_parsed(self.url), self.timeout, deadline) as connection:
                    return self._read(connection)
            except (SQLAlchemyError, sqlite3.Error, OSError) as error:
                raise self._problem(error, deadline.passed) from None

    def _read(self, connection: "Connection") -> list[Any]:
        rows: list[Any] = []
        size, read = 0, None
        for columns, portion in _portions(connection, self.query.strip().rstrip(";")):
            read = read or reader(columns)
            rows.extend(map(read, portion))
            size += sum(len(value) for row in portion for value in row if isinstance(value, str | bytes))
            self._check(len(rows), size)
        return rows

    def _check(self, rows: int, size: int) -> None:
        if rows > self.most:
            raise FeedProblem(
                f"the query returns more than {self.most} rows", "raise max_rows, or select fewer"
            )
        if size > LARGEST:
            raise FeedProblem(f"the rows are larger than {LARGEST >> 20} MiB", "select fewer columns")

    def _problem(self, error: Exception, cut: bool) -> FeedProblem:
        original = getattr(error, "orig", None) or error
        state = str(getattr(original, "sqlstate", None) or "")
        # 57014 is query_canceled: the statement_timeout of the server was over.
        if (
            cut
            or state == "57014"
            or type(original).__name__ == "ConnectionTimeout"
            or "interrupted" in str(original)
        ):
            return self.late()
        words = " ".join(str(original).split())[:300] if _may_tell(original, state) else ""
        said = words or f"{type(original).__name__}{f' (SQLSTATE {state})' if state else ''}"
        return FeedProblem(f"the database does not answer the query: {said}", "correct url, query or rights")


def _portions(
    connection: "Connection", query: str
) -> Iterator[tuple[tuple[str, ...], Sequence[Sequence[Any]]]]:
    """Yield the columns with one portion of rows after another, at least one, which may be empty."""
    if connection.dialect.name == "sqlite":
        with closing(_execute(connection, query)) as result:
            if not result.returns_rows:
                raise FeedProblem("the query returns no rows", "write a SELECT")
            columns = tuple(result.keys())
            yield columns, result.fetchmany(_PORTION)
            while portion := result.fetchmany(_PORTION):
                yield columns, portion
        return
    # A cursor, so that a query without end costs a portion of memory, not all of it.
    _execute(connection, f"DECLARE tenants NO SCROLL CURSOR FOR {query}")
    portion = ()
    while not portion or len(portion) == _PORTION:
        result = _execute(connection, f"FETCH {_PORTION} FROM tenants")
        portion = result.fetchall()
        yield tuple(result.keys()), portion
        if not portion:
            return


def _execute(connection: "Connection", statement: str) -> "CursorResult[Any]":
    # Without parameters a percent sign in the statement is a percent sign.
    return connection.execution_options(no_parameters=True).exec_driver_sql(statement)


def _may_tell(error: BaseException, state: str) -> bool:
    if isinstance(error, sqlite3.Error):
        return True  # it names tables, columns and files
    return state.startswith(_TELLING) if state else type(error).__name__ == "OperationalError"


def url_problem(text: str) -> str:
    """Return what is wrong with the address of a database, "" when it can be used."""
    from sqlalchemy.exc import ArgumentError

    try:
        url = _parsed(text)
    except (ArgumentError, ValueError):
        return "the address of the database cannot be read"
    if url.drivername not in ("postgresql+psycopg", "sqlite"):
        return "the address of the database is neither postgresql:// nor sqlite:///"
    if url.drivername == "sqlite" and (url.database or ":memory:") == ":memory:":
        return "the address names no SQLite file"
    return ""


def _parsed(text: str) -> "URL":
    from sqlalchemy import make_url

    url = make_url(text)
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url.set(drivername="sqlite") if url.drivername == "sqlite+pysqlite" else url


@contextmanager
def _opened(url: "URL", timeout: float, deadline: Deadline) -> Iterator["Connection"]:
    """Open a read-only transaction and close everything behind it."""
    engine = _sqlite(url, timeout) if url.drivername == "sqlite" else _postgres(url, timeout, deadline)
    try:
        with engine.connect() as connection:
            if url.drivername != "sqlite":
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                # A bound of the server: a socket that is cut does not stop the query that runs there.
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(timeout * 1000))}")
            yield connection
    finally:
        engine.dispose()


def _sqlite(url: "URL", timeout: float) -> "Engine":
    from sqlalchemy import NullPool, create_engine

    def connect() -> sqlite3.Connection:
        end = time.monotonic() + timeout
        # mode=ro: a mistyped path must not create an empty database.
        file = f"file:{quote(url.database or '')}?mode=ro"
        opened = sqlite3.connect(file, uri=True, timeout=timeout, check_same_thread=False)
        # SQLite has no statement_timeout: it asks the handler every 10,000 instructions.
        opened.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        opened.execute("PRAGMA query_only = ON")
        return opened

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _postgres(url: "URL", timeout: float, deadline: Deadline) -> "Engine":
    from sqlalchemy import NullPool, create_engine, event

    arguments = {
        "connect_timeout": max(2, round(timeout)),  # libpq takes 1 for 2
        "prepare_threshold": None,  # poolers lose prepared statements
        "application_name": "integration-exporter tenants",
    }
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments, json_deserializer=_json)

    def watch(opened: Any, _record: Any) -> None:
        deadline.watch(lambda: int(opened.pgconn.socket))
        _keep_odd_dates(opened)

    # Before SQLAlchemy's own first questions, which may hang, too.
    event.listen(engine, "connect", watch, insert=True)
    return engine


def _json(body: bytes) -> Any:
    """Return what a JSON column holds, `body` itself where we cannot read it: its row is refused then."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body


def _keep_odd_dates(connection: Any) -> None:
    """Let dates that Python cannot hold, such as infinity, come as text: else one of them loses all rows."""
    from psycopg import DataError
    from psycopg.types import datetime as types

    def lenient(usual: Any) -> type[Any]:
        class Lenient(usual):  # type: ignore[misc]  # the base is one of psycopg's loaders
            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except DataError:
                    return bytes(data).decode()

        return Lenient

    for name, usual in (
        ("date", types.DateLoader),
        ("timestamp", types.TimestampLoader),
        ("timestamptz", types.TimestamptzLoader),
    ):
        connection.adapters.register_loader(name, lenient(usual))
