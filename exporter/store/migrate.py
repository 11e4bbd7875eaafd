"""Brings the tables to the state that this version knows."""

from pathlib import Path

from sqlalchemy import Connection

from exporter.core.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Run what is missing of `migrations/versions` in the transaction of `connection`.

    Raises StoreError when the database knows a step that this version does not: an older program must not
    write into newer tables.
    """
    # Alembic takes a quarter of a second to import, which only a process that keeps a store should pay.
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if strange := present - known:
        raise StoreError(
            f"the store was written by a newer version (step {', '.join(sorted(strange))}); "
            "run that version, or give this one another file in store.url"
        )
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the tables cannot be brought up to date: {error}") from error
