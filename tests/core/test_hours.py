"""Which hours answer a question about the last hour, day, week or month."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.hours import (
    DAY,
    FOLDED_AFTER,
    EarlierHours,
    FirstPart,
    HourRange,
    day_of,
    hour_of,
    hours_before,
    last_hours,
)
from exporter.core.summary import HOUR

moments = st.floats(0, 4e9)


@given(now=moments, hours=st.integers(1, 24 * 100))
def test_a_window_reaches_back_as_far_as_it_says(now: float, hours: int) -> None:
    found = last_hours(now, hours)
    assert found.since <= now - hours * HOUR and now < found.until
    step = DAY if hours * HOUR >= FOLDED_AFTER else HOUR
    assert found.since % step == found.until % step == 0
    assert found.until - found.since <= hours * HOUR + 2 * step


@given(now=moments, hours=st.integers(1, 24 * 100))
def test_the_time_before_is_exactly_as_long_also_within_an_hour_or_a_day(now: float, hours: int) -> None:
    found = last_hours(now, hours)
    earlier = hours_before(found, now)
    assert found.since - earlier.since == pytest.approx(now - found.since)
    step = DAY if hours * HOUR >= FOLDED_AFTER else HOUR
    assert earlier.hours.since % step == 0 and earlier.hours.until == found.since
    assert earlier.first.until == earlier.hours.since + step and 0 < earlier.first.share <= 1
    # What counts, whole and in part, adds up to the same length.
    counted = earlier.first.share * step + earlier.hours.until - earlier.first.until
    assert counted == pytest.approx(now - found.since)


def test_an_hour_that_has_just_begun_is_compared_with_whole_ones() -> None:
    earlier = hours_before(last_hours(2 * DAY, 24), 2 * DAY)
    assert earlier == EarlierHours(0, HourRange(0, DAY), FirstPart(HOUR, 1.0))
    quarter = hours_before(last_hours(2 * DAY + 900, 1), 2 * DAY + 900)
    since = 2 * DAY - 2 * HOUR - 900
    assert quarter.since == since and quarter.hours == HourRange(2 * DAY - 3 * HOUR, 2 * DAY - HOUR)
    assert quarter.first == FirstPart(2 * DAY - 2 * HOUR, 0.25)


@given(now=moments)
def test_a_day_that_became_one_row_is_never_cut_in_two(now: float) -> None:
    """Hours from before this become days: what cuts such a day must not be asked for by the hour."""
    folded = day_of(now - FOLDED_AFTER)
    assert hours_before(last_hours(now, 24), now).hours.since >= folded


@pytest.mark.parametrize(
    ("text", "hours", "since", "until"),
    [
        ("2026-11-28T14:30:00", 1, "2026-11-28T13:00:00", "2026-11-28T15:00:00"),
        ("2026-11-28T00:00:00", 1, "2026-11-27T23:00:00", "2026-11-28T01:00:00"),
        ("2026-11-28T00:00:01", 24, "2026-11-27T00:00:00", "2026-11-28T01:00:00"),
        ("2026-11-28T14:30:00", 24 * 7, "2026-11-21T00:00:00", "2026-11-29T00:00:00"),
        ("2027-03-01T00:00:00", 24 * 30, "2027-01-30T00:00:00", "2027-03-02T00:00:00"),
    ],
)
def test_windows_begin_and_end_with_whole_hours_or_days(
    text: str, hours: int, since: str, until: str
) -> None:
    def at(moment: str) -> int:
        return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())

    assert last_hours(at(text), hours) == HourRange(at(since), at(until))


def test_a_change_of_clocks_makes_no_day_longer() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for night in (datetime(2026, 3, 29, 12, tzinfo=berlin), datetime(2026, 10, 25, 12, tzinfo=berlin)):
        found = last_hours(night.timestamp(), 24)
        assert found.until - found.since == 25 * HOUR
        assert day_of(found.until) - day_of(found.since) == DAY


def test_an_hour_begins_at_its_first_second() -> None:
    assert [hour_of(moment) for moment in (0.0, 3599.9, 3600.0)] == [0, 0, 3600]
