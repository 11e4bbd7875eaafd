"""The store: reachable, of this version, with free space, and when it was last written. Only read."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, func, inspect, select, text

from exporter.commands.doctor.finding import Area, Finding
from exporter.core.configuration import StoreSettings
from exporter.core.errors import StoreError
from exporter.store.connect import LOCK_WAIT, open_engine, parse, redacted_url
from exporter.store.errors import translated
from exporter.store.migrate import steps
from exporter.store.size import size_of
from exporter.store.subjects.targets import TABLE as TARGET_STATE

LITTLE, TOO_LITTLE = 1 << 30, 64 << 20
"""Bytes free on the disk of a file below which there is a note, and a problem."""

AREA = Area("store")


def findings(settings: StoreSettings) -> Iterator[Finding]:
    """Check the database of `settings`; nothing is created, migrated or written."""
    try:
        url = parse(settings.url)
        if url.get_backend_name() != "sqlite":
            yield from _inspect(url, open_engine(url))
            return
        path = Path(str(url.database)).absolute()
        yield from _folder(path)
        if path.is_file():
            yield from _inspect(url, _read_only(path))
    except StoreError as error:
        sentence, _, remedy = str(error).partition("; ")
        yield AREA.problem(sentence, remedy or "see store.url")


def _folder(path: Path) -> Iterator[Finding]:
    folder = path.parent
    if not folder.is_dir():
        yield AREA.problem(f"the directory {folder} does not exist", "make it, or change store.url")
        return
    remedy = f"let the exporter's user write to {folder} and to the file, or change store.url"
    for entry in (folder, *(path,) * path.exists()):
        if not os.access(entry, os.W_OK):
            yield AREA.problem(f"{entry} cannot be written to by user {os.getuid()}", remedy)
    if path.is_dir():
        yield AREA.problem(f"{path} is a directory", "name a file in store.url")
    elif not path.exists():
        yield AREA.note(f"{path} does not exist; the exporter makes it when it starts")
    free = shutil.disk_usage(folder).free
    room = f"{free / (1 << 30):.1f} GiB are free on the disk of {folder}"
    remedy = "free some space, or shorten store.retention"
    if free < TOO_LITTLE:
        yield AREA.problem(room, remedy)
    else:
        yield AREA.note(room, remedy) if free < LITTLE else AREA.ok(room)


def _read_only(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=LOCK_WAIT)

    # mode=ro: the usual way to open it would create the file, its journal and its tables.
    return create_engine("sqlite://", creator=connect)


def _inspect(url: URL, engine: Engine) -> Iterator[Finding]:
    name = f"store {redacted_url(url)}"
    try:
        with translated(name), engine.connect() as connection:
            # A list: findings that are made lazily would raise outside of `translated`.
            found = list(_check_tables(connection, name))
    finally:
        engine.dispose()
    yield from found


def _check_tables(connection: Connection, name: str) -> Iterator[Finding]:
    yield AREA.ok(f"{name} answers")
    tables = set(inspect(connection).get_table_names())
    if connection.dialect.name == "postgresql":
        yield from _server(connection, has_tables="alembic_version" in tables)
    if "alembic_version" not in tables:
        yield AREA.note("it has no tables yet; the exporter makes them when it starts")
        return
    yield _version(set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()))
    if TARGET_STATE.name in tables:
        last, rows = connection.execute(select(func.max(TARGET_STATE.c.last_run), func.count())).one()
        yield _last_write(last, rows)


def _server(connection: Connection, *, has_tables: bool) -> Iterator[Finding]:
    if connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
        yield AREA.problem("the server is a standby, which only reads", "name the primary in store.url")
    may_make = text("SELECT has_schema_privilege(current_schema(), 'CREATE')")
    if not connection.execute(may_make).scalar():
        remedy = "GRANT CREATE, USAGE ON SCHEMA public to the user of store.url"
        what = "its user may not make tables"
        if has_tables:
            yield AREA.note(f"{what}, as the next version may need", remedy)
        else:
            yield AREA.problem(what, remedy)
    size = size_of(connection) / (1 << 20)
    yield AREA.ok(f"the database holds {size:,.0f} MiB; watch the free space of its server")


def _version(present: set[str]) -> Finding:
    known = steps()
    if unknown := present - set(known):
        remedy = "run that version, or give this one another place in store.url"
        return AREA.problem(f"a newer version wrote it (step {', '.join(sorted(unknown))})", remedy)
    if present == {known[-1]}:
        return AREA.ok(f"its tables are those of this version (step {known[-1]})")
    at = ", ".join(sorted(present)) or "none"
    return AREA.note(
        f"its tables are older (step {at}, this version has {known[-1]})",
        "start the exporter, which brings them up to date; make a copy first",
    )


def _last_write(last: float | None, rows: int) -> Finding:
    if last is None:
        return AREA.note(
            "no check was ever written to it", "start the exporter, or see whether another store is meant"
        )
    age = max(0.0, time.time() - last)
    when = f"{age:.0f} s" if age < 600 else f"{age / 60:.0f} min" if age < 36_000 else f"{age / 86_400:.1f} d"
    return AREA.ok(f"it knows {rows} targets; the newest check in it is {when} old")
