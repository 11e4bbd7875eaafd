"""Tenants from a query: PostgreSQL and SQLite, read only, bounded, and never able to reach further."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.config.document.values import scalar
from exporter.config.feeds.feeds import Feeds
from exporter.config.feeds.row import TEXT as MARK
from exporter.config.feeds.row import FeedProblem, plain
from exporter.config.feeds.sql import SqlFeedRequest
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from tests.config.house import CATALOGUE, House
from tests.servers.postgres import Cluster, cluster

PASSWORD = "planted-tenants-password"
QUERY = "SELECT id, plan AS label_plan, key AS api_key, account FROM tenants ORDER BY id"
TEXT = """
integrations:
- name: a
  provider: shop
  interval: 1h
  tenants:
    sql:
      url: "{url}"
      query: "{query}"
      timeout: 5s
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as made:
        made.admin(
            f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'",
            "CREATE TABLE tenants (id text PRIMARY KEY, plan text, key text, account text, more jsonb)",
            "INSERT INTO tenants VALUES ('acme', 'gold', 'key-of-acme', NULL, '{\"account\": \"A1\"}'),"
            " ('beta', NULL, 'key-of-beta', 'B', NULL)",
            "GRANT ALL ON tenants TO reader",
        )
        yield made


def url_of(made: Cluster, password: str = PASSWORD) -> str:
    return (
        f"postgresql://reader:{password}@127.0.0.1:{made.port}/postgres"
        f"?sslmode=verify-full&sslrootcert={made.authority.ca_file}"
    )


def ask(url: str, query: str = QUERY, **more: Any) -> list[Any]:
    return SqlFeedRequest("a", url, query, **({"timeout": 5.0} | more)).ask()


def problem(url: str, query: str = QUERY, **more: Any) -> str:
    with pytest.raises(FeedProblem) as caught:
        ask(url, query, **more)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def load(house: House, url: str, query: str = QUERY, feeds: Feeds | None = None) -> Configuration:
    house.write({"main.yml": TEXT.format(url=url, query=query.replace('"', '\\"'))})
    return load_file(str(house.main), CATALOGUE, {}, feeds)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tenants.db"
    with sqlite3.connect(path) as opened:
        opened.execute("CREATE TABLE tenants (id, plan, key, account, more)")
        opened.execute(
            "INSERT INTO tenants VALUES ('acme', 'gold', 'key-of-acme', NULL, '{\"account\": \"A1\"}')"
        )
        opened.execute("INSERT INTO tenants VALUES ('beta', NULL, 'key-of-beta', 'B', NULL)")
    opened.close()
    return path


def test_rows_of_postgresql_become_tenants(house: House, postgres: Cluster) -> None:
    made = load(house, url_of(postgres))
    acme, beta = made.targets["a", "acme"], made.targets["a", "beta"]
    assert (acme.options.api_key.reveal(), acme.options.account, beta.options.account) == (
        "key-of-acme",
        "",
        "B",
    )
    assert (acme.labels, beta.labels) == ((("plan", "gold"),), ())
    assert PASSWORD in made.secrets
    assert PASSWORD not in made.redacted_text


def test_rows_of_a_sqlite_file_beside_the_configuration_become_tenants(house: House, file: Path) -> None:
    made = load(house, f"sqlite:///{file.name}")
    assert list(made.targets) == [("a", "acme"), ("a", "beta")]
    assert [(feed.source, feed.refresh) for feed in made.feeds] == [("sql", 300.0)]


def test_json_columns_hold_options_labels_and_thresholds(postgres: Cluster, file: Path) -> None:
    query = "SELECT id AS tenant, more AS options FROM tenants ORDER BY 1"
    expected = [{"id": "acme", "options": {"account": "A1"}}, {"id": "beta"}]
    assert ask(url_of(postgres), query) == expected
    assert ask(f"sqlite:///{file}", query) == expected


def test_values_of_the_database_s_own_types_are_read(postgres: Cluster) -> None:
    query = (
        "SELECT 7::bigint AS id, 1.50::numeric AS half, 2::numeric AS two, true AS yes, "
        "'2026-01-02'::date AS day, ARRAY['x'] AS many, 5 AS label_n, '5%' AS text"
    )
    (row,) = ask(url_of(postgres), query)
    options = {"half": "1.50", "two": "2", "yes": True, "day": "2026-01-02", "many": ["x"], "text": "5%"}
    assert row == {"id": "7", "options": options, "labels": {"n": "5"}, MARK: ["half", "two", "yes"]}
    assert [scalar(value) for value in plain(row)["options"].values() if isinstance(value, str)] == [
        *(1.5, 2, True, "2026-01-02"),
        "5%",
    ]


UUID = "0a1b2c3d-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("9007199254740993::bigint", "9007199254740993"),
        ("7::smallint", "7"),
        ("12345678901234567890::numeric", "12345678901234567890"),
        ("1.50::numeric(5,2)", "1.50"),
        ("1e-7::numeric", "0.0000001"),
        ("0.1::float8", "0.1"),
        ("true", "true"),
        ("false", "false"),
        (f"'{UUID}'::uuid", UUID),
        ("'2026-01-02'::date", "2026-01-02"),
        ("'2026-01-02 03:04:05+00'::timestamptz", "2026-01-02T03:04:05+00:00"),
        ("'2026-01-02 03:04:05'::timestamp", "2026-01-02T03:04:05"),
        ("'03:04:05'::time", "03:04:05"),
        ("'10.0.0.1'::inet", "10.0.0.1"),
        ("'10.0.0.0/8'::cidr", "10.0.0.0/8"),
    ],
)
def test_a_value_of_any_natural_type_is_a_text_where_a_text_is_wanted(
    house: House, postgres: Cluster, value: str, text: str
) -> None:
    query = f"SELECT 'x' AS id, {value} AS account, {value} AS label_kind, NULL AS label_none"
    target = load(house, url_of(postgres), query).targets["a", "x"]
    assert (target.options.account, target.labels) == (text, (("kind", text),))
    secret = load(house, url_of(postgres), f"SELECT 'x' AS id, {value} AS api_key").targets["a", "x"]
    assert secret.options.api_key.reveal() == text


@pytest.mark.parametrize(
    ("value", "text"), [("7::bigint", "7"), ("7::numeric(9)", "7"), (f"'{UUID}'::uuid", UUID)]
)
def test_an_id_may_be_a_whole_number_or_a_uuid(
    house: House, postgres: Cluster, value: str, text: str
) -> None:
    assert list(load(house, url_of(postgres), f"SELECT {value} AS tenant").targets) == [("a", text)]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("NULL", "the column id is NULL; leave such rows out"),
        (
            "1.5::float8",
            "the column id holds a broken number, which is no id; select CAST(... AS text) AS id",
        ),
        ("1.5::numeric", "the column id holds a broken number"),
        ("'NaN'::numeric", "the column id holds a broken number"),
        ("'2026-01-02'::date", "the column id holds a date, which is no id"),
        ("now()", "the column id holds a moment, which is no id"),
        ("'10:00'::time", "the column id holds a time of the day"),
        ("true", "the column id holds true or false"),
        ("'x'::bytea", "the column id holds bytes; select CAST(... AS text) AS id"),
    ],
)
def test_an_id_that_is_none_is_a_mistake_of_its_row_with_the_remedy_of_sql(
    house: House, postgres: Cluster, value: str, what: str
) -> None:
    feeds = Feeds()
    load(house, url_of(postgres), f"SELECT {value} AS id, 'k' AS api_key", feeds)
    (line,) = feeds.states()[0].refused
    assert f"row 1: {what}" in line


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ("'x'::bytea AS account", "the column account holds bytes; select CAST(... AS text) AS account"),
        (
            "interval '1h' AS label_n",
            "the column label_n holds an interval; select CAST(... AS text) AS label_n",
        ),
        ("ARRAY[1] AS label_n", "the column label_n holds an array"),
        ("'{}'::jsonb AS label_n", "the column label_n holds a JSON object"),
        ("5 AS labels", "the column labels holds no JSON object; select a JSON object AS labels"),
        ("'[' AS options", "the column options holds text that is no JSON"),
        ("'[]'::json AS options", "the column options holds no JSON object"),
        ("ARRAY['x'] AS account", "account: expected text, found a list; write one value"),
        ("1.5 AS size", "size: expected a whole number, found a number; select a whole number"),
        ("'ten' AS size", "size: expected a whole number, found text; select a whole number"),
        ("""'{"account": ["x"]}'::jsonb AS options""", "account: expected text, found a list"),
    ],
)
def test_a_column_that_cannot_be_used_is_a_mistake_of_its_row_with_the_remedy_of_sql(
    house: House, postgres: Cluster, columns: str, what: str
) -> None:
    feeds = Feeds()
    load(house, url_of(postgres), f"SELECT 'x' AS id, {columns}", feeds)
    (line,) = feeds.states()[0].refused
    assert f"row 1 (x): {what}" in line


def test_numbers_in_json_columns_and_texts_of_numbers_fit_what_is_wanted(
    house: House, postgres: Cluster
) -> None:
    query = (
        """SELECT 'x' AS id, '{"account": 5, "size": 7}'::jsonb AS options,"""
        """ '{"n": 1, "yes": true, "none": null}'::json AS labels"""
    )
    target = load(house, url_of(postgres), query).targets["a", "x"]
    assert (target.options.account, target.options.size) == ("5", 7)
    assert target.labels == (("n", "1"), ("yes", "true"))
    query = "SELECT 'x' AS id, 5::numeric AS size, true AS account, true AS strict"
    options = load(house, url_of(postgres), query).targets["a", "x"].options
    assert (options.size, options.account, options.strict) == (5, "true", True)


def test_exactly_as_many_rows_as_may_be_are_taken(postgres: Cluster, file: Path) -> None:
    for url in (url_of(postgres), f"sqlite:///{file}"):
        assert len(ask(url, most=2)) == 2
        assert "more than 1 rows" in problem(url, most=1)


@pytest.mark.parametrize(
    "odd", ["(repeat('[', 5000) || repeat(']', 5000))::json", "'{\"account\": 1e999}'::json", "'5'::json"]
)
def test_json_that_cannot_be_read_costs_its_row_alone(house: House, postgres: Cluster, odd: str) -> None:
    feeds = Feeds()
    query = f"SELECT 'x' AS id, {odd} AS options UNION ALL SELECT 'y', NULL"
    assert list(load(house, url_of(postgres), query, feeds).targets) == [("a", "y")]
    assert "row 1 (x): the column options holds no JSON object" in feeds.states()[0].refused[0]


@pytest.mark.parametrize("odd", ["'infinity'::timestamptz", "'-infinity'::date", "'infinity'::timestamp"])
def test_a_date_that_python_has_not_is_text(house: House, postgres: Cluster, odd: str) -> None:
    made = load(house, url_of(postgres), f"SELECT 'x' AS id, {odd} AS account")
    assert made.targets["a", "x"].options.account == odd.split("'")[1]


def test_nothing_can_be_written(postgres: Cluster, file: Path) -> None:
    words = "INSERT INTO tenants (id) VALUES ('x') RETURNING id"
    assert "read-only transaction" in problem(url_of(postgres), words) or "syntax" in problem(
        url_of(postgres), words
    )
    sneaky = "SELECT id, set_config('transaction_read_only', 'off', true) AS x FROM tenants"
    assert "transaction" in problem(url_of(postgres), sneaky)
    assert "readonly" in problem(f"sqlite:///{file}", words)
    assert postgres.admin("SELECT count(*) FROM tenants") == [(2,)]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT plan FROM tenants", "no column id"),
        ("SELECT id, id AS tenant FROM tenants", "both columns"),
        ("SELECT id, 1 AS x, 2 AS x FROM tenants", "two columns of one name"),
        ("SELECT id FROM nowhere", "nowhere"),
        ("SELECT a.id FROM tenants a, tenants b, tenants c", "more than 3 rows"),
    ],
)
def test_a_query_that_cannot_serve_says_why(postgres: Cluster, file: Path, query: str, what: str) -> None:
    for url in (url_of(postgres), f"sqlite:///{file}"):
        assert what in problem(url, query, most=3)


def test_a_query_that_takes_too_long_is_ended(postgres: Cluster, file: Path) -> None:
    assert "within 0.3 s" in problem(url_of(postgres), "SELECT 'x' AS id, pg_sleep(30)", timeout=0.3)
    endless = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT max(id) AS id FROM n"
    assert "within 0.3 s" in problem(f"sqlite:///{file}", endless, timeout=0.3)


def test_a_server_that_stops_in_the_middle_of_a_query_is_left_after_the_timeout(postgres: Cluster) -> None:
    stopped: list[int] = []

    def stop() -> None:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'FETCH % FROM tenants'"
        )
        end = time.monotonic() + 60
        while not stopped and time.monotonic() < end:
            stopped.extend(row[0] for row in postgres.admin(query))
        for process in stopped:  # its statement_timeout stands still with it
            os.kill(process, signal.SIGSTOP)

    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        message = problem(url_of(postgres), "SELECT 'x' AS id, pg_sleep(60) FROM tenants", timeout=5.0)
    finally:
        stopper.join()
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    assert stopped
    assert message.startswith("no complete answer within 5 s")


def test_a_server_that_hangs_is_left_after_the_timeout(postgres: Cluster) -> None:
    assert postgres.process is not None
    began = time.monotonic()
    children = postgres.process.pid
    postgres.signal(signal.SIGSTOP)
    try:
        message = problem(url_of(postgres), timeout=2.0)
    finally:
        postgres.signal(signal.SIGCONT)
    assert message.startswith("no complete answer within 2 s") and children
    assert time.monotonic() - began < 60


def test_a_wrong_password_and_a_server_that_is_away_are_reported_without_the_password(
    postgres: Cluster,
) -> None:
    assert "password authentication failed" in problem(url_of(postgres, "wrong-" + "planted"))
    assert "refused" in problem("postgresql://reader:" + PASSWORD + "@127.0.0.1:9/postgres")
    assert "unable to open" in problem("sqlite:////nonexistent/x.db")


def test_data_of_rows_is_never_quoted_in_an_error(postgres: Cluster) -> None:
    message = problem(url_of(postgres), "SELECT id, key::int AS window FROM tenants")
    assert "key-of-acme" not in message
    assert "22P02" in message


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://x/y", "neither postgresql"),
        ("postgresql+asyncpg://x/y", "neither postgresql"),
        ("sqlite://", "names no SQLite file"),
        ("nonsense", "cannot be read"),
        ("", "has no url"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_mistake_with_its_line(house: House, url: str, what: str) -> None:
    (mistake,) = house.mistakes(TEXT.format(url=url, query=QUERY))
    assert what in mistake.what
    assert mistake.line in (7, 8)


def test_the_address_may_stand_in_a_file_and_shows_nowhere(house: House, postgres: Cluster) -> None:
    house.write({"url": url_of(postgres) + "\n"})
    text = TEXT.format(url="", query=QUERY).replace('url: ""', "url_file: url")
    made = house.load(text)
    assert len(made.targets) == 2
    assert PASSWORD in made.secrets
    assert str(house.folder / "url") in made.files
    house.write({"main.yml": text.replace("FROM tenants", "FROM nowhere")})
    feeds = Feeds()
    assert not load_file(str(house.main), CATALOGUE, {}, feeds).targets
    (state,) = feeds.states()
    assert "tenants.sql of a (SELECT id, plan" in state.failure and "nowhere" in state.failure
    assert PASSWORD not in str(state)


def test_a_column_that_is_no_option_is_a_mistake_of_each_row(house: House, file: Path) -> None:
    feeds = Feeds()
    load(house, f"sqlite:///{file}", "SELECT id, key AS api_keys, 1 AS dear FROM tenants", feeds)
    message = feeds.states()[0].refused
    assert len(message) == 4
    assert any("row 1 (acme): unknown key api_keys; did you mean api_key?" in line for line in message)
    assert any("row 2 (beta): the option dear cannot be set by a tenant" in line for line in message)


def test_a_value_that_is_no_text_number_or_json_breaks_its_row_alone(house: House, file: Path) -> None:
    url = f"sqlite:///{file}"
    query = "SELECT id, key AS api_key, more AS options FROM tenants"
    with sqlite3.connect(file) as opened:
        opened.execute("UPDATE tenants SET more = '[' WHERE id = 'acme'")
        opened.execute("UPDATE tenants SET key = 'new', more = NULL WHERE id = 'beta'")
    opened.close()
    made = load(house, url, query, feeds := Feeds())
    assert [(target.tenant, target.options.api_key.reveal()) for target in made.targets.values()] == [
        ("beta", "new")
    ]
    assert "row 1 (acme): the column options holds text that is no JSON" in feeds.states()[0].refused[0]


def test_two_rows_of_a_query_may_not_name_one_secret_file(house: House, file: Path) -> None:
    house.write({"secrets/acme": "key-a"})
    query = "SELECT id, 'acme' AS api_key_file FROM tenants ORDER BY id DESC"
    house.write(
        {"main.yml": TEXT.format(url=f"sqlite:///{file.name}", query=query) + "    secrets_dir: secrets\n"}
    )
    feeds = Feeds()
    made = load_file(str(house.main), CATALOGUE, {}, feeds)
    assert [target.options.api_key.reveal() for target in made.targets.values()] == ["key-a"]
    assert list(made.targets) == [("a", "acme")]  # the file bears its name, though its row comes later
    assert "row 1 (beta): the tenant beta names a secret file" in feeds.states()[0].refused[0]
