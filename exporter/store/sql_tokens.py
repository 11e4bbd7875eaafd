"""Tokens in the platform's own database, read and written by the statements of the configuration."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.token import NEVER, UPDATE_PARAMETERS, SqlTokens, TokenSet, plausible

POOL = 8
"""Connections to one database; each locked row takes one."""

_LIMITS = (
    "-c lock_timeout=30000 -c statement_timeout=35000 -c idle_in_transaction_session_timeout=60000"
    " -c application_name=integration-exporter"
)
"""PostgreSQL's own bounds in milliseconds: a lock that is never released must not be waited for for ever."""


class LockedRow:
    """A tenant's row that no other session can lock until `close`; `held` is what it says."""

    def __init__(self, connection: Connection, source: "SqlTokenSource", binds: Mapping[str, str]) -> None:
        """Read and lock the row in a transaction of its own."""
        self._connection = connection
        self._source = source
        self._binds = binds
        self.held = source.read_row(connection, source.locking, binds)

    def write(self, held: TokenSet) -> None:
        """Write the tokens back and commit; StoreError unless that changed exactly one row."""
        values = {
            "access_token": held.access.reveal(),
            "refresh_token": held.refresh.reveal() or None,
            "expires_at": _seconds(held.expiry),
            "refresh_expires_at": _seconds(held.refresh_expiry),
        }
        wanted = {name: value for name, value in values.items() if name in self._source.takes}
        with _translated():
            count = self._connection.execute(self._source.update, wanted | dict(self._binds)).rowcount
            if count != 1:
                self._connection.rollback()
                raise StoreError(f"tokens.sql.update changed {count} rows where it must change one")
            self._connection.commit()

    def close(self) -> None:
        """Release the row."""
        with suppress(SQLAlchemyError):
            self._connection.rollback()
        with suppress(SQLAlchemyError):
            self._connection.close()


class SqlTokenSource:
    """One database with tokens; it may be used from several threads."""

    def __init__(self, settings: SqlTokens) -> None:
        """Take the settings; nothing is opened yet. StoreError for a URL that is of no use."""
        self._engine = _engine(settings.url)
        # SQLite locks no rows: there `BEGIN IMMEDIATE` takes the whole file.
        lock = " FOR UPDATE" if self._engine.dialect.name == "postgresql" else ""
        plain = settings.select.rstrip().removesuffix(";").rstrip()
        self._select = text(plain)
        self.locking = text(plain if "for update" in plain.lower() else plain + lock)
        self.update = text(settings.update)
        self.takes = frozenset(UPDATE_PARAMETERS) & set(self.update.compile().params)

    def read(self, binds: Mapping[str, str]) -> TokenSet | None:
        """Return what the row of a tenant says, None where there is no row."""
        with _translated(), self._engine.connect() as connection:
            return self.read_row(connection, self._select, binds)

    def lock(self, binds: Mapping[str, str]) -> LockedRow:
        """Lock the row of a tenant, waiting for the session that has it."""
        with _translated():
            connection = self._engine.connect().execution_options(exporter_writes=True)
            try:
                return LockedRow(connection, self, binds)
            except BaseException:
                connection.close()
                raise

    def read_row(
        self, connection: Connection, query: TextClause, binds: Mapping[str, str]
    ) -> TokenSet | None:
        """Return the tokens that `query` finds; StoreError where it finds several rows or no such columns."""
        wanted = {name: binds[name] for name in query.compile().params if name in binds}
        # Two are enough to see the mistake: without a WHERE there may be a row for every tenant.
        rows = connection.execute(query, wanted).mappings().fetchmany(2)
        if len(rows) > 1:
            raise StoreError("tokens.sql.select finds several rows where it must find one; see its WHERE")
        return _token_set(rows[0]) if rows else None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def _engine(url: Secret) -> Engine:
    try:
        parsed = make_url(url.reveal())
    except ArgumentError:
        raise StoreError("tokens.sql.url is not a URL") from None
    if parsed.get_backend_name() == "sqlite":
        # A row is locked in one thread, and written and closed in others: each blocking call has its own.
        engine = create_engine(parsed, connect_args={"timeout": 30, "check_same_thread": False})
        event.listen(engine, "connect", _manual)
        event.listen(engine, "begin", _begin)
        return engine
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": _LIMITS},
    )


def _manual(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own transactions begin without the write lock


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("exporter_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _token_set(row: Mapping[Any, Any]) -> TokenSet:
    known = {str(name).lower() for name in row}
    if not known & {"access_token", "refresh_token"}:
        raise StoreError(
            "tokens.sql.select returns neither access_token nor refresh_token; name its columns so"
        )
    expiry, odd = _moment(row.get("expires_at"))
    refresh_expiry, _ = _moment(row.get("refresh_expires_at"))
    scope = row.get("scope")
    return TokenSet(
        access=Secret(str(row.get("access_token") or "")),
        refresh=Secret(str(row.get("refresh_token") or "")),
        expiry=expiry,
        refresh_expiry=refresh_expiry,
        scopes=frozenset(scope.split()) if isinstance(scope, str) else None,
        implausible=odd,
    )


def _moment(value: Any) -> tuple[float | None, bool]:
    """Return Unix seconds, and whether the value was there but can be no time."""
    if value is None:
        return None, False
    if isinstance(value, datetime):
        moment = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    else:
        found = _number(str(value).strip())
        if found is None:
            return None, True
        moment = found
    return (moment, False) if plausible(moment) and moment != NEVER else (None, True)


def _number(written: str) -> float | None:
    with suppress(ValueError):
        return float(written)
    with suppress(ValueError):
        moment = datetime.fromisoformat(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _seconds(expiry: float | None) -> float | None:
    return None if expiry is None or expiry == NEVER else expiry


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what goes wrong into a StoreError that quotes nothing: the statement's values are credentials."""
    try:
        yield
    except SQLAlchemyError as error:
        original = getattr(error, "orig", None)
        code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
        what = f"{type(original or error).__name__}{f' ({code})' if code else ''}"
        raise StoreError(f"the database of tokens.sql fails: {what}") from None
