"""Brings the tables to the state that this version knows."""

from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
)

from exporter.core.errors import StoreError
from exporter.store.connect import WRITES
from exporter.store.schema import METADATA

MIGRATIONS = Path(__file__).parent / "migrations"

_STAMP = Table(  # as Alembic makes it, which must find it later
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def bring_up_to_date(engine: Engine) -> None:
    """Bring the tables up to date in one transaction, one process after another."""
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        if engine.dialect.name == "sqlite":
            with connection.begin():
                migrate(connection)
            return
        # psycopg and libpq take as long to load as --help may take in all.
        from exporter.store import postgres
        from exporter.store.views import create_views

        try:
            with connection.begin():
                postgres.lock_for_migration(connection)
                migrate(connection)
                create_views(connection)
        finally:
            postgres.unlock(connection)


def migrate(connection: Connection) -> None:
    """Make the tables, or run what is missing of `migrations/versions`, in the transaction of `connection`.

    Raises StoreError when the database knows a step that this version does not: an older program must not
    write into newer tables.
    """
    # Alembic takes a quarter of a second and 11 MB, which only a process that has a step to do should pay.
    known = steps()
    names = set(inspect(connection).get_table_names())
    present: set[str] = set()
    if _STAMP.name in names:
        present = set(connection.execute(select(_STAMP.c.version_num)).scalars())
    if strange := present - set(known):
        raise StoreError(
            f"the store was written by a newer version (step {', '.join(sorted(strange))}); "
            "run that version, or give this one another file in store.url"
        )
    if not names & {_STAMP.name, *METADATA.tables}:
        _make(connection, known[-1])
    elif present != {known[-1]}:
        upgrade(connection)


def steps() -> list[str]:
    """Return the names of the steps, oldest first: what the names of their files begin with."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the steps that the database lacks, up to `to`; StoreError where it is not what a step expects."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    from exporter.store.views import drop_views

    if connection.dialect.name == "postgresql":
        drop_views(connection)
    config = Config()
    # Alembic's settings are those of a ConfigParser, in which % begins a reference.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise StoreError(f"the tables cannot be brought up to date: {error}") from error


def _make(connection: Connection, newest: str) -> None:
    """Make every table of an empty database at once; a test compares them with what the steps make."""
    METADATA.create_all(connection)
    _STAMP.create(connection)
    connection.execute(insert(_STAMP).values(version_num=newest))
