"""Makes the views of all subjects in a schema of their own, which Grafana's role may use and no table.

They are made again whenever they are not those of this version, and dropped before tables change.
"""

from functools import cache
from hashlib import sha256

import structlog
from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from exporter.store.schema import subjects
from exporter.store.view import View

SCHEMA = "grafana"
"""The schema of the views; whoever may use it may read all of them."""

MARK = "integration-exporter: "
"""Begins the comments on what is ours: views that others put into the schema stay as they are."""

_OURS = f"""
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = '{SCHEMA}' AND relkind = 'v'
AND starts_with(obj_description(pg_class.oid, 'pg_class'), '{MARK}')
"""  # noqa: S608 - names of our own alone
_MAY = f"""
SELECT CASE WHEN to_regnamespace('{SCHEMA}') IS NULL
THEN has_database_privilege(current_database(), 'CREATE')
ELSE pg_has_role((SELECT nspowner FROM pg_namespace WHERE nspname = '{SCHEMA}'), 'USAGE') END
"""  # noqa: S608 - names of our own alone


@cache
def views() -> dict[str, View]:
    """Return every view by name, sorted."""
    found = [view for module in subjects() for view in getattr(module, "VIEWS", ())]
    return {view.name: view for view in sorted(found, key=lambda one: one.name)}


def create_views(connection: Connection) -> None:
    """Make the views in PostgreSQL where they are not those of this version.

    The exporter itself does not need them: what keeps it from making them is only logged.
    """
    statements = _statements(connection.dialect)
    mark = MARK + sha256("\n".join(statements).encode()).hexdigest()
    if _comment(connection) == mark:
        return
    log = structlog.get_logger(__name__)
    if not connection.exec_driver_sql(_MAY).scalar():
        log.info("no views for Grafana: the user of the store may not make them", schema=SCHEMA)
        return
    try:
        # A transaction of its own within: others may have built on our views.
        with connection.begin_nested():
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            drop_views(connection)
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS '{mark}'")
    except DBAPIError as error:
        log.warning("the views for Grafana are not up to date", schema=SCHEMA, error=str(error.orig))


def drop_views(connection: Connection) -> None:
    """Drop our views: PostgreSQL changes no column that a view shows."""
    for name in connection.exec_driver_sql(_OURS).scalars().all():
        connection.exec_driver_sql(f'DROP VIEW {SCHEMA}."{name}"')
    if connection.exec_driver_sql(f"SELECT to_regnamespace('{SCHEMA}')").scalar():
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS NULL")


def _statements(dialect: Dialect) -> list[str]:
    """Return what makes the views."""
    made = []
    for view in views().values():
        text = view.query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        made.append(f"CREATE VIEW {SCHEMA}.{view.name} AS {text}")
        made.append(f"COMMENT ON VIEW {SCHEMA}.{view.name} IS '{MARK}{view.about}'")
        # To everyone who may use the schema: that is granted by name, and outlives the views.
        made.append(f"GRANT SELECT ON {SCHEMA}.{view.name} TO PUBLIC")
    return made


def _comment(connection: Connection) -> str | None:
    query = f"SELECT obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace')"
    found: str | None = connection.exec_driver_sql(query).scalar()
    return found
