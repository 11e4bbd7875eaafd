"""Readers of one field: what is not what it should be is None and drift, never zero."""

from collections.abc import Callable
from typing import Any

import pytest

from exporter.core.document import Document, is_moment

Read = Callable[[Document], object]


def read(value: Any, how: Read) -> tuple[object, list[str]]:
    """Return what `how` makes of the field `a.b`, and the drift that it reports."""
    drift: list[str] = []
    return how(Document({"a": {"b": value}}, drift.append)), drift


def number(document: Document) -> object:
    return document.number("a", "b")


def amount(document: Document) -> object:
    return document.at("a").amount("b")


def moment(document: Document) -> object:
    return document.moment("a", "b")


def date(document: Document) -> object:
    return document.date("a", "b")


NO_NUMBERS: tuple[Any, ...] = (None, True, "1", [], {}, 10**400, -(10**400))
NO_DATES: tuple[Any, ...] = (None, 1_800_000_000, [], "soon", "", "2027-13-01", "0001-01-01", "9999-12-31")


@pytest.mark.parametrize(
    ("how", "value", "found"),
    [
        (number, -2.5, -2.5),
        (number, 0, 0.0),
        (number, -(10**299), -1e299),
        (amount, 0, 0.0),
        (amount, 0.25, 0.25),
        (amount, 10**18, 1e18),
        (moment, 1_800_000_000, 1_800_000_000.0),
        (moment, 1_000_000_000.5, 1_000_000_000.5),
        (date, "2027-01-15T08:00:00Z", 1_800_000_000.0),
        (date, "2027-01-15T08:00:00", 1_800_000_000.0),
        (date, "2027-01-15T10:00:00+02:00", 1_800_000_000.0),
    ],
)
def test_a_field_that_is_as_it_should_be_is_read_without_drift(how: Read, value: Any, found: float) -> None:
    assert read(value, how) == (found, [])


@pytest.mark.parametrize(
    ("how", "value"),
    [
        *((how, odd) for how in (number, amount, moment) for odd in NO_NUMBERS),
        *((date, odd) for odd in NO_DATES),
        (date, "0001-01-01T00:00:00+23:00"),
        (amount, -1),
        (amount, -1e-9),
        *((moment, odd) for odd in (0, -1, 1e9, 1e11, -1e40, 1e40, 1_800_000_000_000)),
    ],
)
def test_a_field_that_cannot_be_is_unknown_and_drift_under_its_path(how: Read, value: Any) -> None:
    assert read(value, how) == (None, ["a.b"])


def test_what_a_reader_cannot_use_is_drift_once() -> None:
    drift: list[str] = []
    Document({"list": [{"x": "strange"}]}, drift.append).at("list", 0).unknown("x")
    assert drift == ["list[].x"]


@pytest.mark.parametrize(
    ("seconds", "fits"), [(1e9, False), (1e9 + 1, True), (1e11 - 1, True), (1e11, False)]
)
def test_moments_lie_between_2001_and_5138(seconds: float, fits: bool) -> None:
    assert is_moment(seconds) is fits
