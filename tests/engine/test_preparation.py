"""What a scrape needs is done ahead of it, as far as the pace of scrapes tells when it comes."""

import gzip
from collections.abc import Iterator

import pytest

from exporter.engine.engine import Engine
from exporter.engine.preparation import ScrapeForecast, ScrapePreparation
from exporter.engine.selfmetrics import SelfMetrics
from tests.clock import HandClock
from tests.engine.making import NoNetwork, made_configuration, made_target


@pytest.mark.parametrize(
    ("times", "due"),
    [
        ([], None),
        ([0.0, 15.0], None),
        ([0.0, 15.0, 30.0], 45.0),
        ([0.0, 15.2, 30.0, 44.9], 59.8),
        ([0.0, 15.0, 60.0], None),
        ([0.0, 4.0, 15.0, 19.0, 30.0], 34.0),
        ([0.0, 4.0, 15.0, 19.0, 30.0, 34.0], 45.0),
        ([0.0, 4.0, 6.0, 15.0, 19.0, 21.0, 30.0], 34.0),
    ],
)
def test_the_next_scrape_is_forecast_from_the_pace_of_each_scraper(
    times: list[float], due: float | None
) -> None:
    forecast = ScrapeForecast()
    for at in times:
        forecast.add(at)
    assert forecast.next() == (None if due is None else pytest.approx(due))


class Work:
    """Notes when it was asked for, and whether for what has settled alone."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.asked: list[tuple[float, bool]] = []

    def steps(self, quiet: bool) -> Iterator[None]:
        self.asked.append((round(self.clock.monotonic(), 2), quiet))
        yield


async def test_what_settled_is_taken_in_now_and_then_and_all_of_it_shortly_before_the_scrape() -> None:
    clock = HandClock()
    work = Work(clock)
    preparation = ScrapePreparation(clock, work.steps)
    for _ in range(3):
        preparation.note_scrape()
        await clock.advance(20)
    assert work.asked == [(45.0, True), (50.0, True), (55.0, True), (59.97, False)]
    preparation.note_scrape()
    preparation.stop()
    await clock.advance(20)
    assert len(work.asked) == 4


async def test_scrapes_without_a_pace_are_left_to_themselves() -> None:
    clock = HandClock()
    work = Work(clock)
    preparation = ScrapePreparation(clock, work.steps)
    for wait in (1, 20, 3, 50, 200, 7):
        preparation.note_scrape()
        await clock.advance(wait)
    assert work.asked == []


async def test_the_engine_leaves_a_scrape_that_comes_in_time_nothing_to_join() -> None:
    clock = HandClock()
    engine = Engine(NoNetwork(), clock, lambda _batch: None, SelfMetrics())
    engine.apply(made_configuration([made_target(f"shop-{number}") for number in range(20)]))
    try:
        for _ in range(3):
            await clock.advance(14.95)
            await engine.render(True, True)
            await clock.advance(0.05)
        await clock.advance(14.9)
        changing = engine.exposition.unsettled
        await clock.advance(0.04)
        assert changing > engine.exposition.unsettled == 0
        compressed = gzip.decompress(await engine.render(True, True))
        assert _lasting(compressed) == _lasting(await engine.render(True, False))
    finally:
        await engine.stop(0)


def _lasting(body: bytes) -> list[bytes]:
    """Return the lines but those of the process, which go on between two scrapes."""
    return [line for line in body.splitlines() if not line.startswith(b"process_")]
