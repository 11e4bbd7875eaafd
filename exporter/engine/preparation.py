"""Does the work of a scrape ahead of it: the next one comes when the pace of the last ones says."""

from collections import deque
from collections.abc import Callable, Iterator

from exporter.core.clock import Clock, Handle

SCRAPERS = 4
"""Most scrapers whose paces are kept apart: replicas of Prometheus ask in turn."""

UNEVEN = 0.1
"""Largest difference of two periods that are the same pace, as a part of them."""

LEAD = 0.03
"""Seconds before a scrape by which all is done: neither clock is exact."""

LOOKS = 4
"""Parts of the time to the next scrape; after each but the last, what has settled is taken in."""

SLICE, PAUSE = 0.001, 0.002
"""Seconds of work at a time, and between two such times: runs of probes come first."""

ScrapeWork = Callable[[bool], Iterator[None]]
"""Does the work a step at a time: with True only what has settled, else all of it."""


class ScrapeForecast:
    """When the next scrape comes; times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        """Start without scrapes."""
        self._times: deque[float] = deque(maxlen=2 * SCRAPERS + 1)

    def add(self, at: float) -> None:
        """Take note of a scrape."""
        self._times.append(at)

    def next(self) -> float | None:
        """Return when the next scrape is due, None while the last ones keep no pace."""
        times = self._times
        for scrapers in range(1, (len(times) - 1) // 2 + 1):
            period = times[-1] - times[-1 - scrapers]
            before = times[-1 - scrapers] - times[-1 - 2 * scrapers]
            if abs(period - before) <= UNEVEN * period:
                return times[-scrapers] + period
        return None


class ScrapePreparation:
    """Runs `steps` between two scrapes: now and then for what has settled, and for all shortly before.

    What is taken in once need not be taken in by the scrape, unless it changes again. Where the scrapes keep
    no pace nothing is done ahead, and each does its own work.
    """

    def __init__(self, clock: Clock, steps: ScrapeWork) -> None:
        """Prepare; nothing runs before some scrapes came at a pace."""
        self._clock = clock
        self._steps = steps
        self._forecast = ScrapeForecast()
        self._plan: deque[tuple[float, bool]] = deque()
        self._handle: Handle | None = None
        self._work: Iterator[None] | None = None
        self._began = self._took = 0.0

    def note_scrape(self) -> None:
        """Plan for the scrape after this one; what is under way for this one is left to it."""
        self.stop()
        now = self._clock.monotonic()
        self._forecast.add(now)
        due = self._forecast.next()
        if due is None or due <= now:
            return
        part = (due - now) / LOOKS
        self._plan.extend((now + part * look, True) for look in range(1, LOOKS))
        # As long before as the last time took, so that hardly anything changes again before the scrape.
        self._plan.append((max(now, due - LEAD - min(self._took, part)), False))
        self._wait()

    def stop(self) -> None:
        """Do no more."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._work = None
        self._plan.clear()

    def _wait(self) -> None:
        wait = max(0.0, self._plan[0][0] - self._clock.monotonic())
        self._handle = self._clock.later(wait, self._begin)

    def _begin(self) -> None:
        self._began = self._clock.monotonic()
        self._work = self._steps(self._plan[0][1])
        self._go_on()

    def _go_on(self) -> None:
        if self._work is None:
            return
        end = self._clock.monotonic() + SLICE
        for _ in self._work:
            if self._clock.monotonic() >= end:
                self._handle = self._clock.later(PAUSE, self._go_on)
                return
        _, quiet = self._plan.popleft()
        if not quiet:
            self._took = self._clock.monotonic() - self._began
        if self._plan:
            self._wait()
