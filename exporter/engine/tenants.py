"""Asks the sources of tenants again, off the event loop, and reports how they are."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter.config.feeds.feeds import Feeds, FeedState
from exporter.core.clock import Clock
from exporter.core.configuration import Configuration, TenantFeed
from exporter.net.resolver import Threads

TICK = 1.0
"""Seconds between two looks at what is due."""

RETRY = 30.0
"""Seconds after which a source that failed is asked again, where its own period is not shorter."""

ROWS_IN_LOG = 20
"""Refused rows that one line of the log holds."""

Current = Callable[[], Configuration | None]


class TenantRefresher:
    """Keeps the tenants of the configuration in force as their sources have them.

    `reload` loads the configuration again; it is called only when an answer differs from the one in force.
    A source that is slow or away delays no other one: each is asked in a thread of its own.
    """

    def __init__(
        self, feeds: Feeds, current: Current, reload: Callable[[], Awaitable[None]], clock: Clock
    ) -> None:
        """Prepare; `current` is the configuration in force."""
        self._feeds = feeds
        self._current = current
        self._reload = reload
        self._clock = clock
        self._threads = Threads(8)
        self._due: dict[TenantFeed, float] = {}
        self._tasks: dict[TenantFeed, asyncio.Task[None]] = {}
        self._states: dict[tuple[str, str], FeedState] = {}
        self._log = structlog.get_logger("exporter.tenants")

    async def run(self) -> None:
        """Ask what is due, until cancelled."""
        try:
            while True:
                self.refresh_due()
                await asyncio.sleep(TICK)
        except asyncio.CancelledError:
            for task in self._tasks.values():
                task.cancel()
            self._threads.close()
            raise

    @property
    def busy(self) -> bool:
        """Whether a source is being asked, or what it answered is being loaded."""
        return bool(self._tasks)

    def refresh_due(self) -> None:
        """Begin to ask every source that is due now, and log those whose state changed."""
        configuration = self._current()
        feeds = configuration.feeds if configuration else ()
        now = self._clock.monotonic()
        # A new source was asked by the load that brought it.
        self._due = {feed: self._due.get(feed, now + self._period(feed)) for feed in feeds}
        for feed, due in self._due.items():
            if due <= now and feed not in self._tasks:
                task = self._tasks[feed] = asyncio.get_running_loop().create_task(self._ask(feed))
                task.add_done_callback(partial(self._forget_task, feed))
        self._log_changes()

    def _forget_task(self, feed: TenantFeed, _task: "asyncio.Task[None]") -> None:
        self._tasks.pop(feed, None)

    async def _ask(self, feed: TenantFeed) -> None:
        key = (feed.integration, feed.source)
        try:
            await self._threads.run(lambda: self._feeds.again(key))
            # Asked once more: the load for another source may have taken this one's news along.
            if self._feeds.has_news(key):
                await self._reload()
        except Exception as error:  # noqa: BLE001 - one source must never end the asking of all
            self._log.error(
                "tenants were not refreshed", integration=feed.integration, error=type(error).__name__
            )
        if feed in self._due:
            self._due[feed] = self._clock.monotonic() + self._period(feed)

    def _period(self, feed: TenantFeed) -> float:
        """Return the seconds to the next refresh: a source that fails is asked sooner."""
        key = (feed.integration, feed.source)
        failed = any(state.failure for state in self._feeds.states() if state.key == key)
        return min(feed.refresh, RETRY) if failed else feed.refresh

    def _log_changes(self) -> None:
        """Log once that a source fails or lost most tenants, that it works again, and what is refused."""
        states = {state.key: state for state in self._feeds.states()}
        for key, state in states.items():
            before = self._states.get(key)
            self._states[key] = state
            self._log_failure(state, before)
            if state.refused and (before is None or state.refused != before.refused):
                rows = list(state.refused[:ROWS_IN_LOG])
                self._log.error(
                    "rows of tenants were refused", **_facts(state), count=len(state.refused), rows=rows
                )
            if state.foreign and (before is None or state.foreign != before.foreign):
                keys = list(state.foreign[:ROWS_IN_LOG])
                self._log.warning("keys of tenants' rows are ignored", **_facts(state), keys=keys)
        for key in self._states.keys() - states.keys():
            del self._states[key]

    def _log_failure(self, state: FeedState, before: FeedState | None) -> None:
        if state.missing and not (before and before.missing):
            self._log.error("most tenants are gone from the source: they stay in force", **_facts(state))
        elif state.failure and not (before and before.failure):
            stay = "the last rows stay in force" if state.tenants else "none is in force"
            self._log.error(f"tenants cannot be refreshed: {stay}", **_facts(state))
        elif before and before.failure and not state.failure:
            self._log.info("tenants are refreshed again", **_facts(state))


def _facts(state: FeedState) -> dict[str, str]:
    facts = {"integration": state.integration, "source": state.source}
    return facts | ({"error": state.failure} if state.failure else {})


class TenantCollector(Collector):
    """Exports how many tenants there are, and how their sources are."""

    def __init__(self, feeds: Feeds, current: Current) -> None:
        """Read `feeds`, and the configuration in force, at each scrape."""
        self._feeds = feeds
        self._current = current
        self._counts: tuple[Configuration | None, dict[str, int]] = (None, {})

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the families."""
        tenants = _family("tenants", "Tenants in force here, by integration.", ("integration",))
        for name, count in sorted(self._count().items()):
            tenants.add_metric((name,), count)
        yield tenants
        labels = ("integration", "source")
        when = _family(
            "tenants_last_refresh_timestamp_seconds",
            "When the source of tenants last gave an answer that could be used.",
            labels,
        )
        good = _family(
            "tenants_refresh_successful",
            "Whether the last refresh was answered, and all its rows are in force (1), or not (0).",
            labels,
        )
        refused = _family(
            "tenants_refused_rows", "Mistakes in rows of the newest answer, which are not in force.", labels
        )
        doubted = _family(
            "tenants_doubted",
            "Tenants that stay in force although the newest answer lacks them: most were gone at once.",
            labels,
        )
        for state in self._feeds.states():
            doubted.add_metric(state.key, state.missing)
            if state.answered is not None:
                when.add_metric(state.key, state.answered)
            good.add_metric(state.key, float(state.ok))
            refused.add_metric(state.key, len(state.refused))
        yield from (when, good, refused, doubted)

    def _count(self) -> dict[str, int]:
        configuration = self._current()
        if configuration is not self._counts[0]:
            keys = configuration.targets if configuration else ()
            self._counts = (configuration, Counter(name for name, tenant in keys if tenant))
        return self._counts[1]


def _family(name: str, about: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"integration_exporter_{name}", about, labels=labels)
