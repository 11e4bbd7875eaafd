"""What AI services cost: by endpoint, day or month, and what this month will come to."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from exporter.core.clock import iso
from exporter.core.defaults import COST_SUBJECTS, HEALTH_WINDOWS, STATS_WINDOW
from exporter.core.event_summary import AI, EventStatistic
from exporter.core.hours import DAY, HourRange, day_of, hour_of
from exporter.core.months import forecast, month_of
from exporter.core.summary import HOUR
from exporter.server.answers import one_of
from exporter.server.event_reader import EventReader, Figures, answer, beside, money, ratio, rows_of, total

PACE_DAYS = 7
"""Days before today whose costs, with those of today, say how the month goes on: a whole week."""

LONGEST = tuple(HEALTH_WINDOWS)[-1]

MONTHS = 13
"""Months that are answered at most, as far as `store.retention.statistics` keeps them."""


async def costs(request: web.Request) -> web.Response:
    """Answer rows by endpoint, day or month, the totals of every window, and the forecast of the month."""
    by = one_of(request, "by", COST_SUBJECTS, COST_SUBJECTS[0])

    def read(reader: EventReader) -> Figures:
        windows = reader.windows(AI)
        return {
            "by": by,
            "windows": {
                name: span | beside(_figures, total(windows[name].now), total(windows[name].before))
                for name, span in reader.spans().items()
            },
            "month": _month(reader),
            "costs": _ROWS[by](reader),
        }

    return await answer(request, (AI,), read, LONGEST if by == "day" else STATS_WINDOW)


def _figures(found: EventStatistic) -> Figures:
    return {
        "calls": found.number,
        "errors": found.failed,
        "error_ratio": ratio(found.failed, found.number),
        "cost_usd": money(found.amount),
        "cost_per_call_usd": money(found.amount / found.number) if found.number else None,
    }


def _endpoints(reader: EventReader) -> list[Figures]:
    rows = rows_of(("endpoint", "integration"), reader.compare(AI, "name", "integration"), _figures)
    rows.sort(key=lambda row: (-row["cost_usd"], -row["calls"], row["endpoint"]))
    return rows[: reader.question.limit]


def _days(reader: EventReader) -> list[Figures]:
    """Return a row for each day (UTC) of the window, the newest first."""
    hours = reader.question.hours[reader.question.window]
    days = _by_day(reader, HourRange(day_of(hours.since), hours.until))
    return [{"day": _date(day)} | _figures(days[day]) for day in sorted(days, reverse=True)]


def _months(reader: EventReader) -> list[Figures]:
    """Return a row for each month (UTC) of which anything is kept, the newest first."""
    first = month_of(reader.question.now)
    until = first.until
    for _ in range(MONTHS - 1):
        first = first.before
    months: defaultdict[str, EventStatistic] = defaultdict(EventStatistic)
    for day, one in _by_day(reader, HourRange(first.since, until)).items():
        months[month_of(day).name].join(one)
    return [{"month": name} | _figures(months[name]) for name in sorted(months, reverse=True)]


_ROWS = {"endpoint": _endpoints, "day": _days, "month": _months}


def _by_day(reader: EventReader, hours: HourRange) -> Mapping[int, EventStatistic]:
    return {int(day): one for (day,), one in reader.read(AI, hours, "day").items()}


def _month(reader: EventReader) -> dict[str, Any]:
    """Return what this month has cost so far, what it will come to, and what the one before cost."""
    now = reader.question.now
    month, today = month_of(now), day_of(now)
    since = min(month.before.since, today - PACE_DAYS * DAY)
    days = _by_day(reader, HourRange(since, hour_of(now) + HOUR))
    so_far, before = (
        sum(one.amount for day, one in days.items() if part.since <= day < part.until)
        for part in (month, month.before)
    )
    pace, known = _pace(days, reader, now)
    return {
        "month": month.name,
        "since": iso(month.since),
        "cost_usd": money(so_far),
        "forecast_usd": None if pace is None else money(forecast(so_far, pace, now)),
        "pace_usd_per_day": None if pace is None else money(pace * DAY),
        "pace_days": round(known / DAY, 2),
        "before": {"month": month.before.name, "cost_usd": money(before)},
    }


def _pace(days: Mapping[int, EventStatistic], reader: EventReader, now: float) -> tuple[float | None, float]:
    """Return dollars a second over the last days, also those of the month before, and how long that was.

    Where nothing is known from before, it is the time since the first call; None within its first hour.
    """
    begin = day_of(now) - PACE_DAYS * DAY
    if not any(day < begin for day in days):
        begin = reader.first_hour(AI, HourRange(begin, hour_of(now) + HOUR)) or hour_of(now)
    spent = sum(one.amount for day, one in days.items() if day >= day_of(begin))
    known = now - begin
    return (spent / known if known >= HOUR else None), known


def _date(day: int) -> str:
    return str(iso(day)).partition("T")[0]
