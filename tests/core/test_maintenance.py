"""When a window is open: once or each week, by the clock of its zone, also when that is put back."""

from datetime import UTC, datetime, time

import pytest

from exporter.core.maintenance import MaintenanceSpan, MaintenanceWindow, WeeklySchedule

DAY = 86_400.0
EVERY_DAY = frozenset(range(7))


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def weekly(days: frozenset[int], start: str, end: str, zone: str = "Europe/Berlin") -> MaintenanceWindow:
    last = None if end == "24:00" else time.fromisoformat(end)
    return MaintenanceWindow("w", weekly=WeeklySchedule(days, time.fromisoformat(start), last, zone))


def shown(span: MaintenanceSpan | None) -> tuple[str, str] | None:
    if span is None:
        return None
    starts, ends = (datetime.fromtimestamp(one, UTC).strftime("%d %H:%M") for one in (span.starts, span.ends))
    return starts, ends


def test_one_that_is_open_once_is_planned_open_and_over() -> None:
    window = MaintenanceWindow("w", once=MaintenanceSpan(100.0, 200.0))
    assert [window.is_open(moment) for moment in (99.0, 100.0, 199.9, 200.0)] == [False, True, True, False]
    assert [window.next_span(moment) is not None for moment in (0.0, 199.0, 200.0)] == [True, True, False]
    assert list(window.spans(90.0, 5.0)) == []
    assert list(window.spans(90.0, 10.0)) == [window.once]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-27T12:00:00+01:00", ("29 01:00", "29 03:00")),  # a Friday
        ("2026-11-29T03:59:00+01:00", ("29 01:00", "29 03:00")),
        ("2026-11-29T04:00:00+01:00", ("06 01:00", "06 03:00")),
    ],
)
def test_a_weekly_one_is_open_on_its_days_by_the_clock_of_its_zone(
    now: str, expected: tuple[str, str]
) -> None:
    window = weekly(frozenset({6}), "02:00", "04:00")
    assert shown(window.next_span(at(now))) == expected


def test_one_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    window = weekly(frozenset({0}), "23:30", "00:30")  # Monday to Tuesday
    assert window.is_open(at("2026-12-01T00:29:00+01:00"))
    assert not window.is_open(at("2026-11-30T00:10:00+01:00"))
    until_midnight = weekly(frozenset({0}), "22:00", "24:00")
    assert shown(until_midnight.next_span(at("2026-11-30T12:00:00+01:00"))) == ("30 21:00", "30 23:00")


def test_all_day_every_day_leaves_no_gap() -> None:
    window = weekly(EVERY_DAY, "00:00", "24:00")
    begin = at("2026-10-24T00:00:00+02:00")  # over the night in which the clock is put back
    assert all(window.is_open(begin + hour * 3600.0) for hour in range(72))
    assert len(list(window.spans(begin + DAY - 60.0, 600.0))) == 2


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # 29 March 2026: 02:00 is followed by 03:00, so a window of three hours on the clock has two.
        ("01:00", "04:00", ("29 00:00", "29 02:00")),
        # Neither time is there. What the clocks before and after the change mean by them is both in it.
        ("02:10", "02:50", ("29 00:10", "29 01:50")),
        ("02:30", "03:15", ("29 00:30", "29 01:15")),
    ],
)
def test_where_the_clock_is_put_forward_it_is_rather_too_long(
    start: str, end: str, expected: tuple[str, str]
) -> None:
    window = weekly(frozenset({6}), start, end)
    assert shown(window.next_span(at("2026-03-28T12:00:00+01:00"))) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # 25 October 2026: from 02:00 to 03:00 the clock goes twice.
        ("01:00", "04:00", ("24 23:00", "25 03:00")),
        ("02:10", "02:50", ("25 00:10", "25 01:50")),
        ("02:30", "03:15", ("25 00:30", "25 02:15")),
    ],
)
def test_where_the_clock_is_put_back_it_begins_the_first_time_and_closes_the_second(
    start: str, end: str, expected: tuple[str, str]
) -> None:
    window = weekly(frozenset({6}), start, end)
    assert shown(window.next_span(at("2026-10-24T12:00:00+02:00"))) == expected


def test_no_span_ends_before_it_begins_in_any_hour_of_a_year() -> None:
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"):
        for hour in range(24):
            window = weekly(EVERY_DAY, f"{hour:02}:30", f"{hour:02}:31", zone)
            spans = list(window.spans(at("2026-01-01T00:00:00+00:00"), 370 * DAY))
            assert len(spans) >= 370 and all(60 <= one.ends - one.starts <= 2 * 3600 + 60 for one in spans)
