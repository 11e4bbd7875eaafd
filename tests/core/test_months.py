"""Months in UTC, and what they will have cost."""

from datetime import UTC, datetime

import pytest

from exporter.core.hours import DAY
from exporter.core.months import forecast, month_of


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "name", "days", "before"),
    [
        ("2026-11-28T14:30:00", "2026-11", 30, "2026-10"),
        ("2026-12-31T23:59:59", "2026-12", 31, "2026-11"),
        ("2027-01-01T00:00:00", "2027-01", 31, "2026-12"),
        ("2027-02-10T00:00:00", "2027-02", 28, "2027-01"),
        ("2028-02-29T12:00:00", "2028-02", 29, "2028-01"),
        ("2027-03-01T00:00:00", "2027-03", 31, "2027-02"),
    ],
)
def test_a_month_has_its_days(text: str, name: str, days: int, before: str) -> None:
    month = month_of(at(text))
    assert (month.name, month.until - month.since, month.before.name) == (name, days * DAY, before)
    assert month.since <= at(text) < month.until
    assert month.before.until == month.since


@pytest.mark.parametrize(
    ("text", "so_far", "expected"),
    [
        ("2026-11-01T00:00:00", 0.0, 300.0),  # the first second: all of it by the pace of before
        ("2026-11-16T00:00:00", 150.0, 300.0),
        ("2026-11-16T00:00:00", 0.0, 150.0),  # what was not spent is not made up for
        ("2027-02-01T06:00:00", 2.5, 280.0),
        ("2028-02-01T06:00:00", 2.5, 290.0),
        ("2026-12-31T12:00:00", 400.0, 405.0),
    ],
)
def test_the_rest_of_a_month_goes_on_as_the_last_days_did(text: str, so_far: float, expected: float) -> None:
    assert forecast(so_far, 10.0 / DAY, at(text)) == pytest.approx(expected)
