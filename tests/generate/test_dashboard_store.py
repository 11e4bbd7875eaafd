"""What dashboards ask the store: views alone, by a role that may do nothing else, in a real PostgreSQL."""

import re
from typing import Any

import psycopg
import pytest
from psycopg import errors

from exporter.generate.dashboards import store_queries
from exporter.generate.dashboards._queries import panels_of
from exporter.generate.view_page import view_page
from exporter.store.database import Database
from exporter.store.migrate import upgrade
from exporter.store.schema import METADATA
from exporter.store.views import SCHEMA, views
from tests.generate.dashboards_platform import ALERTS
from tests.generate.dashboards_reading import columns_of
from tests.generate.stored_platform import BEGIN, END, SECRETS, Reader, connect, run_role_file, url
from tests.generate.test_dashboards import DASHBOARDS, ROOT
from tests.servers.postgres import Cluster

QUERIES = [
    pytest.param(dashboard, number, id=f"{dashboard['uid']}: {title}")
    for dashboard in DASHBOARDS.values()
    for number, (title, _) in enumerate(store_queries(dashboard, BEGIN, END))
]
PRIVATE = {
    "delivery": ("body", "headers", "detail"),
    "attempt": ("url", "detail"),
    "audit_entry": ("sealed", "hash", "before", "address_mark", "resource_mark"),
    "token": tuple(column.name for column in METADATA.tables["token"].c),
    "audit_person": ("actor", "key"),
    "audit_head": ("secret",),
    "webhook_endpoint": ("settings", "sealed"),
    "text_message": ("recipient", "text"),
    "event": ("fields",),
    "ratelimit_block": ("identifier",),
}
"""Columns that no view may show."""

MAKING = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS own AS SELECT 1; DROP TABLE own",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'a')",
)
"""What PostgreSQL lets everybody make, whatever a role was granted."""


def rows(reader: Reader, sql: str) -> list[tuple[Any, ...]]:
    return reader.execute(sql.encode()).fetchall()


@pytest.mark.parametrize(("dashboard", "number"), QUERIES)
def test_a_query_of_the_store_returns_rows_with_the_columns_that_its_panel_shows(
    dashboard: dict[str, Any], number: int, reader: Reader
) -> None:
    title, sql = store_queries(dashboard, BEGIN, END)[number]
    cursor = reader.execute(sql.encode())
    assert cursor.fetchall(), sql
    names = [column.name for column in cursor.description or ()]
    panel = next(one for one in panels_of(dashboard) if one.get("title") == title)
    if panel["type"] == "table":
        (options,) = (each["options"] for each in panel["transformations"] if each["id"] == "organize")
        assert set(options["includeByName"]) <= set(names)
        assert columns_of(panel)
    else:
        assert names == ["time", "metric", "value"]


def test_an_acknowledged_alert_is_one_incident_although_its_message_named_its_beginning_more_exactly(
    reader: Reader,
) -> None:
    queries = dict(store_queries(DASHBOARDS["grafana/dashboards/integration-alerts.json"], BEGIN, END))
    loud = [tenant for _, severity, _, tenant, _ in ALERTS if severity in ("critical", "high")]
    never = [row[4] for row in rows(reader, queries["Never acknowledged"])]
    assert never == [""] * loud.count(""), "those of tenants were acknowledged"
    noise = rows(reader, queries["Noise for what is picked"])
    assert sum(row[1] for row in noise) == len(ALERTS)
    assert sum(row[3] for row in noise) == [tenant for *_, tenant, _ in ALERTS].count("")


@pytest.mark.parametrize("path", DASHBOARDS)
def test_bars_over_time_stand_for_the_time_that_the_view_gives_them(path: str) -> None:
    """A bar that began before the view would not be drawn."""
    for panel in panels_of(DASHBOARDS[path]):
        for target in panel.get("targets", ()):
            if "GroupAlias(" in target.get("rawSql", ""):
                assert "GroupAlias(at, $__interval)" in target["rawSql"]
                assert panel["interval"] and panel["maxDataPoints"] and "hour" not in panel["title"]


@pytest.mark.parametrize(("dashboard", "number"), QUERIES)
def test_a_query_of_the_store_reads_views_alone_and_a_bounded_number_of_rows(
    dashboard: dict[str, Any], number: int
) -> None:
    _, sql = store_queries(dashboard, BEGIN, END)[number]
    read = set(re.findall(r"\b(?:FROM|JOIN)\s+([a-z_.]+)", sql))
    assert read and read <= {f"{SCHEMA}.{name}" for name in views()}
    assert "LIMIT" in sql or "GROUP BY 1, 2" in sql


@pytest.mark.parametrize("name", sorted(views()))
def test_the_role_reads_a_view_and_finds_rows(name: str, reader: Reader) -> None:
    cursor = reader.execute(f"SELECT * FROM {SCHEMA}.{name}".encode())
    found = cursor.fetchall()
    assert found
    assert tuple(column.name for column in cursor.description or ()) == views()[name].columns
    for secret in SECRETS:
        assert secret not in repr(found)


@pytest.mark.parametrize("name", sorted(views()))
def test_the_time_range_of_a_view_is_found_by_an_index(name: str, reader: Reader) -> None:
    reader.execute("SET enable_seqscan = off")
    query = f"EXPLAIN SELECT time FROM {SCHEMA}.{name} WHERE at >= {BEGIN} AND at <= {END}"
    plan = "\n".join(line for (line,) in rows(reader, query))
    reader.execute("RESET enable_seqscan")
    assert re.search(r"Index (Only )?Scan|Bitmap Index Scan", plan) and "Index Cond" in plan, plan


@pytest.mark.parametrize("table", sorted(METADATA.tables))
def test_the_role_reads_and_writes_no_table(table: str, writer: Reader) -> None:
    for sql in (f"SELECT FROM public.{table}", f"DELETE FROM public.{table}", f"TRUNCATE public.{table}"):
        with pytest.raises(errors.InsufficientPrivilege):
            writer.execute(sql.encode())


@pytest.mark.parametrize("name", sorted(views()))
def test_the_role_writes_through_no_view(name: str, writer: Reader) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        writer.execute(f"DELETE FROM {SCHEMA}.{name}".encode())


@pytest.mark.parametrize(
    "sql",
    [
        f"CREATE TABLE {SCHEMA}.own (a int)",
        "CREATE TABLE public.own (a int)",
        f"DROP VIEW {SCHEMA}.errors",
        "CREATE ROLE other",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_the_role_makes_and_drops_nothing(sql: str, writer: Reader) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        writer.execute(sql.encode())


def test_the_role_has_limits(reader: Reader) -> None:
    names = ("statement_timeout", "default_transaction_read_only", "search_path")
    assert [rows(reader, f"SHOW {name}")[0][0] for name in names] == ["10s", "on", SCHEMA]
    reader.execute("SET statement_timeout = 20")
    with pytest.raises(errors.QueryCanceled):
        reader.execute("SELECT pg_sleep(20)")
    reader.execute("RESET statement_timeout")


def test_the_file_may_run_again_and_then_changes_the_password(server: Cluster, reader: Reader) -> None:
    run_role_file(server, "platform", "another")
    try:
        with connect(server, password="another") as other:
            assert rows(other, "SELECT count(*) FROM errors")[0][0] > 0
        with pytest.raises(psycopg.OperationalError):
            connect(server)
    finally:
        run_role_file(server, "platform")


@pytest.mark.parametrize(("table", "columns"), PRIVATE.items(), ids=list(PRIVATE))
def test_what_is_private_is_in_no_view(table: str, columns: tuple[str, ...]) -> None:
    assert set(columns) <= {column.name for column in METADATA.tables[table].c}
    for view in views().values():
        if view.table.name == table:
            assert not set(columns) & {view.at, *view.names, *view.times.values()}


def test_a_view_is_of_a_table_with_the_columns_that_it_names() -> None:
    assert len(views()) >= 12
    for view in views().values():
        assert {view.at, *view.names, *view.times.values()} <= set(view.table.c.keys())
        assert view.about.endswith(".") and "'" not in view.about
        assert len(set(view.columns)) == len(view.columns)


def test_the_page_lists_every_view() -> None:
    page = (ROOT / "docs/reference/store-views.md").read_text()
    assert page == view_page(views().values())


class Fresh:
    """A database of its own beside the platform's, opened as often as a test wants."""

    def __init__(self, server: Cluster, name: str, owner: str = "app") -> None:
        self.server, self.name = server, name
        server.admin(f"CREATE DATABASE {name} OWNER {owner}")

    def database(self) -> Database:
        return Database(url(self.server, self.name))

    def open(self) -> None:
        store = self.database()
        store.open()
        store.close()

    def admin(self, *statements: str) -> list[Any]:
        with self.server.connect(database=self.name) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def count(self) -> int:
        found: int = self.admin(f"SELECT count(*) FROM pg_views WHERE schemaname = '{SCHEMA}'")[0][0]
        return found


def test_views_are_made_again_only_when_they_are_not_those_of_this_version(server: Cluster) -> None:
    fresh = Fresh(server, "again")
    fresh.open()
    first = fresh.admin(f"SELECT '{SCHEMA}.errors'::regclass::oid")
    fresh.open()
    assert fresh.admin(f"SELECT '{SCHEMA}.errors'::regclass::oid") == first
    # As an older version left them: a column less, and a view that is no more.
    fresh.admin(
        f"DROP VIEW {SCHEMA}.errors",
        f"CREATE VIEW {SCHEMA}.errors AS SELECT 1 AS at",
        f"ALTER VIEW {SCHEMA}.errors OWNER TO app",
        f"COMMENT ON VIEW {SCHEMA}.errors IS 'integration-exporter: old'",
        f"COMMENT ON SCHEMA {SCHEMA} IS 'integration-exporter: old'",
    )
    fresh.open()
    columns = f"SELECT * FROM {SCHEMA}.errors LIMIT 0"
    with server.connect(database="again") as connection:
        names = [column.name for column in connection.execute(columns.encode()).description or ()]
    assert tuple(names) == views()["errors"].columns


def test_the_role_reads_views_that_are_made_again_without_another_grant(server: Cluster) -> None:
    fresh = Fresh(server, "granted")
    fresh.open()
    run_role_file(server, "granted")
    fresh.admin(f"COMMENT ON SCHEMA {SCHEMA} IS NULL")
    fresh.open()
    with connect(server, "granted") as reader:
        assert rows(reader, "SELECT count(*) FROM errors") == [(0,)]


def test_what_everybody_may_make_is_taken_away_as_the_page_says(server: Cluster) -> None:
    (block,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/dashboards.md").read_text(), re.DOTALL)
    fresh = Fresh(server, "taken")
    fresh.open()
    run_role_file(server, "taken")
    with connect(server, "taken", options="-c default_transaction_read_only=off") as session:
        for sql in MAKING:
            session.execute(sql.encode())
        fresh.admin(*block.replace("DATABASE exporter", "DATABASE taken").strip().splitlines())
        for sql in MAKING:
            with pytest.raises(errors.InsufficientPrivilege):
                session.execute(sql.encode())
    # The exporter itself goes on.
    fresh.admin(f"COMMENT ON SCHEMA {SCHEMA} IS NULL")
    fresh.open()
    assert fresh.count() == len(views())


def test_views_of_others_in_the_schema_stay(server: Cluster) -> None:
    fresh = Fresh(server, "others")
    fresh.open()
    fresh.admin(f"CREATE VIEW {SCHEMA}.mine AS SELECT 1 AS a", f"COMMENT ON SCHEMA {SCHEMA} IS NULL")
    fresh.open()
    assert fresh.count() == len(views()) + 1


def test_views_that_others_build_on_ours_keep_no_exporter_from_its_start(server: Cluster) -> None:
    fresh = Fresh(server, "built")
    fresh.open()
    fresh.admin(
        f"CREATE VIEW public.mine AS SELECT * FROM {SCHEMA}.errors", f"COMMENT ON SCHEMA {SCHEMA} IS NULL"
    )
    fresh.open()
    assert fresh.count() == len(views())


def test_who_may_make_no_schema_has_a_store_without_views(server: Cluster) -> None:
    fresh = Fresh(server, "modest", owner="postgres")
    fresh.admin("GRANT CREATE ON SCHEMA public TO app")
    fresh.open()
    assert fresh.count() == 0


def test_steps_that_change_tables_find_no_view_in_their_way(server: Cluster) -> None:
    fresh = Fresh(server, "older")
    fresh.open()
    change = "ALTER TABLE failure ALTER COLUMN detail TYPE varchar(900)"
    with pytest.raises(errors.FeatureNotSupported, match="used by a view"):
        fresh.admin(change)
    store = fresh.database()
    with store.attach(writes=True) as connection:
        upgrade(connection)
        connection.exec_driver_sql(change)
    store.close()
    assert fresh.count() == 0
    fresh.open()
    assert fresh.count() == len(views())
