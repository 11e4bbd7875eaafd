"""What waits, what is dead, and which receivers answer, as series: brought up to date before a scrape."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from exporter.core import webhook_metrics as m
from exporter.core.delivery import Backlog, EndpointKey
from exporter.core.endpoint import EndpointFacts
from exporter.core.forwarding import FORWARD
from exporter.core.webhook import WebhookSource
from exporter.ingest.counters import EventCounters, LabelValues
from exporter.ingest.webhook_series import scope_of

PORTION = 100
"""Endpoints that are brought up to date in one step."""

_COUNTED = (m.DELIVERIES, m.DELIVERY_FAILURES)
_COUNTED_OF_SOURCES = (m.EVENTS, m.EVENT_FAILURES, m.CONSECUTIVE_FAILURES, m.LAST_EVENT)
"""Series by name and direction; those of the second line a source without an app has, too."""

DELIVER = "deliver"
"""Kind of the deliveries to receivers."""


@dataclass(frozen=True)
class ReceiverFacts:
    """How a receiver does: `watched` is False while its operator does not want deliveries at all.

    `disabled`: the exporter has disabled it by itself.
    """

    name: str
    tenant: str
    watched: bool
    sends: bool
    facts: EndpointFacts
    disabled: bool = False


class BacklogSeries:
    """Shows the backlogs of the outbox, and how receivers answer.

    `backlogs` and `receivers` return what is known now, without asking the store; `source` finds a source.
    """

    def __init__(
        self,
        counters: EventCounters,
        backlogs: Callable[[], Mapping[EndpointKey, Backlog]],
        sources: Callable[[], Iterable[WebhookSource]],
        receivers: Callable[[], Iterable[ReceiverFacts]],
    ) -> None:
        """Show nothing yet."""
        self._counters = counters
        self._backlogs, self._sources, self._receivers = backlogs, sources, receivers
        self._known: frozenset[LabelValues] = frozenset()

    def show(self) -> Iterator[None]:
        """Bring the gauges up to date, a portion at a step, and then everything that was counted."""
        places: set[LabelValues] = set()
        old: set[LabelValues] = set()
        backlogs = self._backlogs()
        for number, (place, backlog) in enumerate(self._places(backlogs), 1):
            places.add(place)
            self._counters.set(m.BACKLOG, place, backlog.waiting)
            self._counters.set(m.DEAD, place, backlog.dead)
            if backlog.waiting and backlog.oldest is not None:
                old.add(place)
                self._counters.set(m.OLDEST, place, backlog.oldest)
            if not number % PORTION:
                yield
        for metric, wanted in ((m.BACKLOG, places), (m.DEAD, places), (m.OLDEST, old)):
            self._counters.keep(metric, wanted.__contains__)
            yield
        yield from self._forget_others(frozenset(places))
        yield from self._show_receivers()
        yield from self._counters.show()

    def _forget_others(self, places: frozenset[LabelValues]) -> Iterator[None]:
        """Forget what was counted for endpoints that are gone: else their last failures would alarm on."""
        if places == self._known:
            return
        self._known = places
        for metric in _COUNTED:
            self._counters.keep(metric, lambda labels: labels[:5] in places)
            yield
        # A source without an app has counts of its own, which go with the source.
        stored = {(*scope_of(one), one.name, m.INBOUND) for one in self._sources()} | places
        for metric in _COUNTED_OF_SOURCES:
            self._counters.keep(metric, lambda labels: labels[:5] in stored)
            yield

    def _places(self, backlogs: Mapping[EndpointKey, Backlog]) -> Iterator[tuple[LabelValues, Backlog]]:
        """Yield labels and backlog of each source with an app, and of each receiver."""
        nothing = Backlog()
        for source in self._sources():
            if source.forward is not None:
                labels = (*scope_of(source), source.name, m.INBOUND)
                yield labels, backlogs.get((FORWARD, source.name), nothing)
        for receiver in self._receivers():
            labels = ("", "", receiver.tenant, receiver.name, m.OUTBOUND)
            yield labels, backlogs.get((DELIVER, receiver.name), nothing)

    def _show_receivers(self) -> Iterator[None]:
        metrics = (m.ENDPOINT_UP, m.ENDPOINT_DISABLED, m.ENDPOINT_LAST_SUCCESS, m.ENDPOINT_CERTIFICATE)
        kept: dict[str, set[LabelValues]] = {metric.name: set() for metric in metrics}
        for number, receiver in enumerate(self._receivers(), 1):
            place = ("", "", receiver.tenant, receiver.name)
            for metric, value in zip(metrics, _values(receiver), strict=True):
                if value is not None:
                    kept[metric.name].add(place)
                    self._counters.set(metric, place, value)
            if not number % PORTION:
                yield
        for metric in metrics:
            self._counters.keep(metric, kept[metric.name].__contains__)
            yield


def _values(receiver: ReceiverFacts) -> tuple[float | None, float, float | None, float | None]:
    """Return up, disabled, last success and certificate expiry, None for what is unknown."""
    facts = receiver.facts
    # One that its operator switched off is no trouble; one that the exporter switched off is.
    up = None if facts.up is None or not receiver.watched else float(facts.up and receiver.sends)
    return up, float(receiver.disabled), facts.last_success, facts.certificate_expiry
