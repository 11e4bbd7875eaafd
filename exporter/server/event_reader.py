"""What a request asks of the statistics of events, and how they are read: a window beside the one before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from exporter.core.clock import iso
from exporter.core.defaults import HEALTH_WINDOWS, STATS_WINDOW
from exporter.core.errors import StoreError
from exporter.core.event_summary import EventStatistic, EventWindow
from exporter.core.hours import WHOLE, EarlierHours, FirstPart, HourRange, hours_before, last_hours
from exporter.core.store import Subject
from exporter.core.summary import HOUR
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, one_of, whole_number
from exporter.server.periods import periods
from exporter.server.services import SERVICES
from exporter.server.stream import store_unavailable
from exporter.server.unknown import refuse_unknown
from exporter.store.subjects.event_summaries import first_hour, statistics

READ_TIMEOUT = 30.0
USUAL_ROWS = 20

EventStatistics = Mapping[Subject, EventStatistic]
Figures = dict[str, Any]


class Comparison(NamedTuple):
    """What subjects resulted in in a window, and in the one before."""

    now: EventStatistics
    before: EventStatistics


@dataclass(frozen=True)
class EventQuestion:
    """A window, whose events are asked for, and how many rows are wanted."""

    now: float
    hours: Mapping[str, HourRange]
    window: str
    limit: int
    like: EventWindow

    def about(
        self, topic: str, hours: HourRange, by: tuple[str, ...] = (), first: FirstPart = WHOLE
    ) -> EventWindow:
        """Return the same question about a topic in a range of hours, with the columns `by` as subject."""
        like = self.like
        return EventWindow(topic, hours, by, like.integration, like.tenant, like.tenants, first)

    def before(self, window: str) -> EarlierHours:
        """Return what a window is compared with."""
        return hours_before(self.hours[window], self.now)

    def head(self) -> Figures:
        """Return what each answer says of its window."""
        return {"window": self.window, **periods(self.hours[self.window], self.now)}


class EventReader:
    """Reads statistics within one transaction; its methods may block."""

    def __init__(self, connection: Connection, question: EventQuestion) -> None:
        """Answer `question` from a connection of the store."""
        self.question = question
        self._connection = connection

    def read(self, topic: str, hours: HourRange, *by: str, first: FirstPart = WHOLE) -> EventStatistics:
        """Return what each subject resulted in in a range of hours."""
        return statistics(self._connection, self.question.about(topic, hours, by, first))

    def compare(self, topic: str, *by: str) -> Comparison:
        """Return what subjects resulted in in the window that is asked for."""
        hours = self.question.hours[self.question.window]
        _, earlier, first = self.question.before(self.question.window)
        return Comparison(self.read(topic, hours, *by), self.read(topic, earlier, *by, first=first))

    def first_hour(self, topic: str, hours: HourRange) -> int | None:
        """Return the first hour of a range in which there is anything."""
        return first_hour(self._connection, self.question.about(topic, hours))

    def windows(self, topic: str, *by: str) -> dict[str, Comparison]:
        """Return what subjects resulted in in every window."""
        ranges = self.question.hours
        earlier = {name: self.question.before(name) for name in ranges}
        whole = HourRange(
            min(one.hours.since for one in earlier.values()), max(hours.until for hours in ranges.values())
        )
        # The windows lie within one another: one look at the longest answers all of them.
        rows = self.read(topic, whole, "hour", *by)
        return {
            name: Comparison(_within(rows, hours), _within(rows, earlier[name].hours, earlier[name].first))
            for name, hours in ranges.items()
        }

    def spans(self) -> dict[str, Figures]:
        """Return of every window when it began, and how many hours it and the time before have."""
        now = self.question.now
        return {
            name: {
                "since": iso(hours.since),
                "hours": round((now - hours.since) / HOUR, 2),
                "before_hours": round((hours.since - self.question.before(name).since) / HOUR, 2),
            }
            for name, hours in self.question.hours.items()
        }


async def answer(
    request: web.Request,
    topics: tuple[str, ...],
    read: Callable[[EventReader], Figures],
    window: str = STATS_WINDOW,
) -> web.Response:
    """Answer the query of `request` about `topics` by what `read` makes of the store, off the loop.

    `window` is the one where the query names none.
    """
    services, question = request.app[SERVICES], question_of(request, window)
    if services.events is not None:
        services.events.tallies.hand_over()
    # Else the events of the last minute would still be missing, and so might their tenants.
    await services.flush()
    await refuse_unknown(request, stored=True, topics=topics)

    def look(connection: Connection) -> Figures:
        return question.head() | read(EventReader(connection, question))

    try:
        return json_answer(await services.read_store(look, READ_TIMEOUT))
    except StoreError as error:
        raise store_unavailable(error) from None


def question_of(request: web.Request, usual: str = STATS_WINDOW) -> EventQuestion:
    """Return what the query of `request` asks for; `usual` is the window where it names none."""
    query, now = request.query, request.app[SERVICES].now()
    window = one_of(request, "window", tuple(HEALTH_WINDOWS), usual)
    hours = {name: last_hours(now, count) for name, count in HEALTH_WINDOWS.items()}
    limit = max(1, whole_number(request, "limit", USUAL_ROWS, 1000))
    like = EventWindow(
        "",
        hours[window],
        (),
        query.get("integration", ""),
        query.get("tenant") or None,
        request[IDENTITY].tenants,
    )
    return EventQuestion(now, hours, window, limit, like)


def _within(rows: EventStatistics, hours: HourRange, first: FirstPart = WHOLE) -> EventStatistics:
    """Return the sums over the hours of a range; the first word of a subject of `rows` is the hour."""
    found: dict[Subject, EventStatistic] = {}
    begun: dict[Subject, EventStatistic] = {}
    for (hour, *rest), statistic in rows.items():
        if hours.since <= int(hour) < hours.until:
            subject = tuple(rest)
            sums = begun if int(hour) < first.until else found
            sums.setdefault(subject, EventStatistic(subject)).join(statistic)
    for subject, statistic in begun.items():
        found.setdefault(subject, EventStatistic(subject)).join(statistic.part(first.share))
    return found


def total(found: EventStatistics) -> EventStatistic:
    """Return the sum over all subjects."""
    whole = EventStatistic()
    for one in found.values():
        whole.join(one)
    return whole


def beside(
    figures: Callable[[EventStatistic], Figures], now: EventStatistic, before: EventStatistic | None
) -> Figures:
    """Return the figures of a window, with those of the window before under `before`."""
    return figures(now) | {"before": figures(before) if before else None}


def rows_of(
    names: tuple[str, ...], found: Comparison, figures: Callable[[EventStatistic], Figures]
) -> list[Figures]:
    """Return a row for each subject, whose words are called `names`."""
    return [
        dict(zip(names, subject, strict=True)) | beside(figures, one, found.before.get(subject))
        for subject, one in found.now.items()
    ]


def ratio(part: float, whole: float) -> float | None:
    """Return a share, None of nothing."""
    return round(part / whole, 6) if whole else None


def seconds(value: float | None) -> float | None:
    """Return a duration as answers write it."""
    return None if value is None else round(value, 6)


def money(value: float) -> float:
    """Return an amount without what adding up left behind its digits."""
    return round(value, 6)
