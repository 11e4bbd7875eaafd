"""Tenants from a query: PostgreSQL and SQLite, read only, bounded, and never able to reach further."""

import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.config.feeds.memory import Feeds
from exporter.config.feeds.row import FeedProblem
from exporter.config.feeds.sql import SqlQuestion
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
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
    return SqlQuestion("a", url, query, **({"timeout": 5.0} | more)).ask()


def problem(url: str, query: str = QUERY, **more: Any) -> str:
    with pytest.raises(FeedProblem) as caught:
        ask(url, query, **more)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def load(house: House, url: str, query: str = QUERY, feeds: Feeds | None = None) -> Configuration:
    house.write({"main.yml": TEXT.format(url=url, query=query)})
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
    assert PASSWORD not in made.shown


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
    options = {"half": 1.5, "two": 2, "yes": True, "day": "2026-01-02", "many": ["x"], "text": "5%"}
    assert row == {"id": "7", "options": options, "labels": {"n": "5"}}


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


def test_a_server_that_hangs_is_left_after_the_timeout(postgres: Cluster) -> None:
    assert postgres.process is not None
    began = time.monotonic()
    children = postgres.process.pid
    postgres.signal(signal.SIGSTOP)
    try:
        told = problem(url_of(postgres), timeout=2.0)
    finally:
        postgres.signal(signal.SIGCONT)
    assert "2" in told and children
    assert time.monotonic() - began < 20


def test_a_wrong_password_and_a_server_that_is_away_are_told_without_the_password(postgres: Cluster) -> None:
    assert "password authentication failed" in problem(url_of(postgres, "wrong-" + "planted"))
    assert "refused" in problem("postgresql://reader:" + PASSWORD + "@127.0.0.1:9/postgres")
    assert "unable to open" in problem("sqlite:////nonexistent/x.db")


def test_data_of_rows_is_never_quoted_in_an_error(postgres: Cluster) -> None:
    told = problem(url_of(postgres), "SELECT id, key::int AS window FROM tenants")
    assert "key-of-acme" not in told
    assert "22P02" in told


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
    wrong = house.mistakes(text.replace("FROM tenants", "FROM nowhere"))
    assert "tenants.sql of a (SELECT id, plan" in wrong[0].what
    assert PASSWORD not in str(wrong)


def test_a_column_that_is_no_option_is_a_mistake_of_each_row(house: House, file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(house, f"sqlite:///{file}", "SELECT id, key AS api_keys, 1 AS dear FROM tenants")
    told = [str(mistake) for mistake in caught.value.mistakes]
    assert len(told) == 4
    assert any("row 1 (acme): unknown key api_keys; did you mean api_key?" in line for line in told)
    assert any("row 2 (beta): the option dear cannot be set by a tenant" in line for line in told)


def test_a_value_that_is_no_text_number_or_json_breaks_its_row_alone(house: House, file: Path) -> None:
    url, feeds = f"sqlite:///{file}", Feeds()
    query = "SELECT id, key AS api_key, more AS options FROM tenants"
    load(house, url, query.replace(", more AS options", ""), feeds)
    with sqlite3.connect(file) as opened:
        opened.execute("UPDATE tenants SET more = '[' WHERE id = 'acme'")
        opened.execute("UPDATE tenants SET key = 'new', more = NULL WHERE id = 'beta'")
    opened.close()
    with pytest.raises(ConfigError):
        load(house, url, query)
    load(house, url, "SELECT id, key AS api_key FROM tenants", feeds)
    made = load(house, url, "SELECT id, key AS api_key FROM tenants", feeds)
    assert made.targets["a", "beta"].options.api_key.reveal() == "new"
