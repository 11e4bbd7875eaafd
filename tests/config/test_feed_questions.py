"""From `tenants` to what is asked: each mistake has its line, what is wrong and what to write."""

import os
from pathlib import Path

import pytest

from exporter.config.feeds.feeds import Feeds
from exporter.config.feeds.http import HttpFeedRequest
from exporter.config.feeds.sql import SqlFeedRequest
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from tests.config.endpoint import Endpoint
from tests.config.house import CATALOGUE, House

HTTP = """
integrations:
- name: a
  provider: shop
  interval: 1h
  tenants:
    http:
      {more}
      url: "http://127.0.0.1:9/"
"""
SQL = HTTP.replace("http:\n", "sql:\n      query: SELECT id FROM rows\n").replace(
    "http://127.0.0.1:9/", "{url}"
)


@pytest.mark.parametrize(
    ("more", "what", "remedy"),
    [
        ("refresh: 999ms", "the time between two refreshes is below a second", "write at least 1s"),
        ("timeout: 0s", "the timeout is out of bounds", "choose from 1ms to 5m"),
        ("timeout: 301s", "the timeout is out of bounds", "choose from 1ms to 5m"),
        (
            "auth: {basic: {username: u, password: p}, bearer: {token: t}}",
            "both basic and bearer are set",
            "keep one of them",
        ),
        ("headers: {'a b': x}", "a header cannot be sent", "use plain names, and values on one line"),
        ("headers: {'': x}", "a header cannot be sent", "use plain names, and values on one line"),
        ("headers: {'ä': x}", "a header cannot be sent", "use plain names, and values on one line"),
        ('headers: {a: "x\\ny"}', "a header cannot be sent", "use plain names, and values on one line"),
        ('headers: {a: "\\u0100"}', "a header cannot be sent", "use plain names, and values on one line"),
        ("url_file: main.yml", "both url and url_file are set", "keep one of them"),
    ],
)
def test_a_mistake_in_a_question_says_where_it_is_and_what_to_write(
    house: House, more: str, what: str, remedy: str
) -> None:
    (mistake,) = house.mistakes(HTTP.format(more=more))
    assert mistake.what.rpartition(": ")[2] == what and mistake.remedy == remedy
    assert mistake.line == 8


def test_a_folder_of_a_cache_that_is_not_there_is_reported(house: House) -> None:
    (mistake,) = house.mistakes(HTTP.format(more="cache: no/rows.json"))
    assert mistake.what.endswith(f"{house.folder}/no is no folder")
    assert (mistake.remedy, mistake.line) == ("create it, or correct the path", 8)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ftp://x/y", "the address is no web address"),
        ("http://x:0/", "the address is no web address"),
        ("http://x:99999/", "the address cannot be read"),
        ("http://[::1/", "the address cannot be read"),
        ("http://x/a b", "the address has odd characters"),
        ("http://x/ü", "the address has odd characters"),
        ("http://x/\\t", "the address has odd characters"),
    ],
)
def test_an_address_that_cannot_be_asked_is_reported_with_an_example(
    house: House, url: str, what: str
) -> None:
    (mistake,) = house.mistakes(HTTP.format(more="refresh: 1m").replace("http://127.0.0.1:9/", url))
    assert mistake.what.endswith(what)
    assert (mistake.remedy, mistake.line) == ("write https://host/path", 9)


@pytest.mark.parametrize(
    ("url", "what", "remedy"),
    [
        (
            "mysql://x/y",
            "the address of the database is neither postgresql:// nor sqlite:///",
            "write postgresql://user:password@host/database or sqlite:///file.db",
        ),
        (
            "sqlite:///:memory:",
            "the address names no SQLite file",
            "write postgresql://user:password@host/database or sqlite:///file.db",
        ),
        (
            "nonsense",
            "the address of the database cannot be read",
            "write postgresql://user:password@host/database or sqlite:///file.db",
        ),
        ("", "the source has no url", "add url: ... or url_file: ..."),
    ],
)
def test_an_address_of_a_database_that_is_none_is_reported(
    house: House, url: str, what: str, remedy: str
) -> None:
    (mistake,) = house.mistakes(SQL.format(more="refresh: 1m", url=url))
    assert mistake.what.endswith(what) and mistake.remedy == remedy


def test_a_file_of_the_address_that_is_not_there_is_reported(house: House) -> None:
    text = HTTP.format(more="url_file: absent").replace('url: "http://127.0.0.1:9/"', "refresh: 1m")
    message = {mistake.what: mistake.remedy for mistake in house.mistakes(text)}
    assert message["url_file: the file that it names does not exist"] == "create it or correct the path"


@pytest.mark.parametrize(
    ("content", "what", "remedy"),
    [(b"\xff\xfe", "is not UTF-8 text", "save it as UTF-8"), (b"", "is empty", "put the credential into it")],
)
def test_a_file_of_the_address_that_cannot_be_used_is_reported_with_its_line(
    house: House, content: bytes, what: str, remedy: str
) -> None:
    house.write({"address": content})
    text = HTTP.format(more="url_file: address").replace('url: "http://127.0.0.1:9/"', "refresh: 1m")
    (mistake,) = house.mistakes(text)
    assert mistake.what == f"the file {house.folder}/address {what}"
    assert (mistake.remedy, mistake.line) == (remedy, 8)


def question(house: House, text: str) -> tuple[Configuration, HttpFeedRequest | SqlFeedRequest]:
    """Load `text` while nobody answers, and return what would be asked."""
    house.write({"main.yml": text})
    feeds = Feeds()
    made = load_file(str(house.main), CATALOGUE, {}, feeds)
    known = feeds.memory_of(("a", "http")) or feeds.memory_of(("a", "sql"))
    assert known is not None
    assert isinstance(known.question, HttpFeedRequest | SqlFeedRequest)
    return made, known.question


def test_the_terms_of_a_question_are_those_of_the_file_up_to_their_bounds(house: House) -> None:
    more = "{refresh: 1s, timeout: 300s, max_rows: 7, allow_empty: true, loss_after: 2h, cache: rows.json}"
    lines = more.strip("{}").replace(", ", "\n      ")
    _, asked = question(house, HTTP.format(more=lines))
    assert (asked.refresh, asked.timeout, asked.most, asked.allow_empty, asked.loss_after) == (
        *(1.0, 300.0, 7, True),
        7200.0,
    )
    assert asked.cache_file == os.fspath(house.folder / "rows.json")
    _, plain = question(house, HTTP.format(more="headers: {}"))
    assert (
        plain.refresh,
        plain.timeout,
        plain.most,
        plain.allow_empty,
        plain.loss_after,
        plain.cache_file,
    ) == (
        *(300.0, 10.0, 20_000, False, 3_600.0),
        "",
    )


def test_credentials_are_sent_as_they_are_and_hidden_in_every_form(house: House) -> None:
    more = "auth: {basic: {username: u, password: planted-p}}\n      headers: {x_own-Name: v, A: w}"
    made, asked = question(house, HTTP.format(more=more))
    assert isinstance(asked, HttpFeedRequest)
    assert [(name, value.reveal()) for name, value in asked.headers] == [
        ("A", "w"),
        ("Authorization", "Basic dTpwbGFudGVkLXA="),
        ("x_own-Name", "v"),
    ]
    assert {"planted-p", "dTpwbGFudGVkLXA="} <= made.secrets


def test_the_password_in_an_address_that_stands_in_a_file_is_a_secret(house: House) -> None:
    house.write({"address": "http://app:planted-pass@127.0.0.1:9/planted-path\n"})
    text = HTTP.format(more="url_file: address").replace('url: "http://127.0.0.1:9/"', "refresh: 1m")
    made, asked = question(house, text)
    assert "planted-pass" in made.secrets
    assert asked.place == "http://127.0.0.1:9"
    _, open_one = question(house, HTTP.format(more="refresh: 1m").replace(":9/", ":9/tenants"))
    assert open_one.place == "http://127.0.0.1:9/tenants"


def test_a_sqlite_file_is_looked_for_beside_the_configuration_and_a_server_as_it_is_named(
    house: House,
) -> None:
    _, asked = question(house, SQL.format(more="timeout: 1s", url="sqlite:///sub/rows.db"))
    assert isinstance(asked, SqlFeedRequest)
    assert asked.url == f"sqlite:///{house.folder}/sub/rows.db"
    server = "postgresql://u:planted@127.0.0.1:9/base"
    _, asked = question(house, SQL.format(more="timeout: 1s", url=server))
    assert isinstance(asked, SqlFeedRequest)
    assert asked.url == server
    assert asked.place == "postgresql+psycopg://127.0.0.1:9/base SELECT id FROM rows"
    assert asked.label == "tenants.sql of a (SELECT id FROM rows)"


def test_a_long_query_is_named_by_its_beginning(house: House) -> None:
    for length, shown in ((60, "x" * 60), (61, "x" * 57 + "...")):
        assert SqlFeedRequest("a", "sqlite:///x", "x" * length).label == f"tenants.sql of a ({shown})"


def test_a_question_of_another_integration_is_another(endpoint: Endpoint, tmp_path: Path) -> None:
    assert HttpFeedRequest("a", endpoint.url) == HttpFeedRequest("a", endpoint.url)
    assert HttpFeedRequest("a", endpoint.url) != HttpFeedRequest("b", endpoint.url)
    assert SqlFeedRequest("a", f"sqlite:///{tmp_path}/x", "q") != SqlFeedRequest(
        "a", f"sqlite:///{tmp_path}/x", "r"
    )
