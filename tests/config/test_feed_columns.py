"""What a column of a query means, without any database: names, types, and the words for what cannot serve."""

import datetime
import decimal
import ipaddress
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from exporter.config.feeds.columns import reader
from exporter.config.feeds.row import TEXT, BadRow, FeedProblem

NUMBER = "0a1b2c3d-0000-4000-8000-000000000001"
UTC = datetime.UTC


def read(columns: Sequence[str], *values: Any) -> Any:
    return reader(columns)(values)


def option(value: Any) -> Any:
    """Return the option that a column holds, or what is reported of it."""
    found = read(("id", "x"), "a", value)
    return (found.what, found.remedy) if isinstance(found, BadRow) else found["options"]["x"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((), "the query has no column id or tenant; select the tenant's id AS id"),
        (("plan",), "the query has no column id or tenant; select the tenant's id AS id"),
        (("id", "tenant"), "the query has both columns id and tenant; select the tenant's id AS id"),
        (("id", "x", "x"), "the query has two columns of one name; give each column a name of its own"),
        (("id", "id"), "the query has two columns of one name; give each column a name of its own"),
    ],
)
def test_columns_that_cannot_serve_are_reported_with_what_to_select(
    columns: Sequence[str], message: str
) -> None:
    with pytest.raises(FeedProblem) as caught:
        reader(columns)
    assert str(caught.value) == message


def test_each_column_goes_where_its_name_says() -> None:
    names = ("plan", "tenant", "label_city", "options", "labels", "thresholds", "size")
    values: tuple[Any, ...] = (
        "x",
        "a",
        "z",
        '{"plan": "other", "q": 1}',
        {"city": "other", "n": 2},
        {"error_ratio": {}},
        5,
    )
    assert read(names, *values) == {
        "id": "a",
        "labels": {"city": "z", "n": "2"},
        "options": {"plan": "x", "q": 1, "size": 5},
        "thresholds": {"error_ratio": {}},
        TEXT: ["q", "size"],
    }


def test_null_says_nothing_in_each_kind_of_column() -> None:
    names = ("id", "x", "label_y", "options", "labels", "thresholds")
    assert read(names, "a", *[None] * 5) == {"id": "a"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("5%", "5%"),
        (5, 5),
        (True, True),
        (1.5, 1.5),
        (decimal.Decimal("1.50"), "1.50"),
        (decimal.Decimal("1E+3"), "1000"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.time(3, 4, 5), "03:04:05"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (uuid.UUID(NUMBER), NUMBER),
        *(
            (kind(text), text)
            for kind, text in (
                (ipaddress.IPv4Address, "10.0.0.1"),
                (ipaddress.IPv6Address, "::1"),
                (ipaddress.IPv4Interface, "10.0.0.1/8"),
                (ipaddress.IPv6Interface, "::1/64"),
                (ipaddress.IPv4Network, "10.0.0.0/8"),
                (ipaddress.IPv6Network, "fe80::/64"),
            )
        ),
        ({"k": 1}, {"k": 1}),
        (
            ["x", None, decimal.Decimal("2.00"), decimal.Decimal("2.5"), datetime.date(2026, 1, 2)],
            ["x", None, 2, 2.5, "2026-01-02"],
        ),
        (b"x", ("the column x holds bytes", "select CAST(... AS text) AS x")),
        (memoryview(b"x"), ("the column x holds bytes", "select CAST(... AS text) AS x")),
        (datetime.timedelta(1), ("the column x holds an interval", "select CAST(... AS text) AS x")),
        (object(), ("the column x holds a value of a type of its own", "select CAST(... AS text) AS x")),
        ([b"x"], ("the column x holds bytes", "select CAST(... AS text) AS x")),
    ],
)
def test_a_value_of_a_plain_column_is_what_json_would_say(value: Any, found: Any) -> None:
    assert option(value) == found
    assert type(option(value)) is type(found)


@pytest.mark.parametrize(
    ("value", "marked"),
    [(5, True), (True, True), (1.5, True), (decimal.Decimal(5), True), ("5", False), ([5], False)],
)
def test_numbers_and_booleans_of_columns_may_stand_for_texts(value: Any, marked: bool) -> None:
    assert (TEXT in read(("id", "x"), "a", value)) is marked
    assert (TEXT in read(("id", "options"), "a", {"x": value})) is (
        marked and not isinstance(value, decimal.Decimal)
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a", "a"),
        (7, "7"),
        (decimal.Decimal("7.0"), "7"),
        (uuid.UUID(NUMBER), NUMBER),
    ],
)
def test_an_id_is_a_text_a_whole_number_or_a_uuid(value: Any, found: str) -> None:
    assert read(("id",), value) == {"id": found} == read(("tenant",), value)


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        (None, "is NULL", "leave such rows out by WHERE, or give them an id"),
        (
            True,
            "holds true or false, which is no id",
            "select CAST(... AS text) AS tenant, or another column",
        ),
        (
            1.5,
            "holds a broken number, which is no id",
            "select CAST(... AS text) AS tenant, or another column",
        ),
        (
            datetime.date(2026, 1, 2),
            "holds a date, which is no id",
            "select CAST(... AS text) AS tenant, or another column",
        ),
        (
            datetime.datetime(2026, 1, 2, tzinfo=UTC),
            "holds a moment, which is no id",
            "select CAST(... AS text) AS tenant, or another column",
        ),
        (
            datetime.time(1),
            "holds a time of the day, which is no id",
            "select CAST(... AS text) AS tenant, or another column",
        ),
        (
            decimal.Decimal("1.5"),
            "holds a broken number, which is no id",
            "select CAST(... AS text) AS tenant",
        ),
        (
            decimal.Decimal("NaN"),
            "holds a broken number, which is no id",
            "select CAST(... AS text) AS tenant",
        ),
        (
            decimal.Decimal("Infinity"),
            "holds a broken number, which is no id",
            "select CAST(... AS text) AS tenant",
        ),
        (["x"], "holds an array", "select CAST(... AS text) AS tenant"),
        ({}, "holds a JSON object", "select CAST(... AS text) AS tenant"),
        (b"x", "holds bytes", "select CAST(... AS text) AS tenant"),
    ],
)
def test_what_is_no_id_costs_its_row_with_the_remedy(value: Any, what: str, remedy: str) -> None:
    assert read(("tenant",), value) == BadRow("", f"the column tenant {what}", remedy)


@pytest.mark.parametrize(
    ("name", "value", "what", "remedy"),
    [
        ("labels", "[", "holds text that is no JSON", "select a JSON object AS labels"),
        ("options", "[" * 100_000, "holds text that is no JSON", "select a JSON object AS options"),
        ("thresholds", "[]", "holds no JSON object", "select a JSON object AS thresholds"),
        ("options", 5, "holds no JSON object", "select a JSON object AS options"),
        ("label_x", [], "holds an array", "select CAST(... AS text) AS label_x"),
        ("label_x", {}, "holds a JSON object", "select CAST(... AS text) AS label_x"),
    ],
)
def test_a_column_that_cannot_be_used_names_its_row_itself_and_the_remedy(
    name: str, value: Any, what: str, remedy: str
) -> None:
    assert read(("x", "id", name), 1, "acme", value) == BadRow("acme", f"the column {name} {what}", remedy)


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5"), (1.5, "1.5"), (True, "true"), (decimal.Decimal("1.50"), "1.50"), ("x", "x")]
)
def test_a_label_is_the_text_that_the_database_would_write(value: Any, text: str) -> None:
    assert read(("id", "label_x"), "a", value)["labels"] == {"x": text}


def test_what_is_no_text_in_the_labels_of_a_json_column_is_left_to_the_judgement_of_the_row() -> None:
    assert read(("id", "labels"), "a", {"x": None, "y": ["z"], "n": 5})["labels"] == {
        "x": None,
        "y": ["z"],
        "n": "5",
    }
