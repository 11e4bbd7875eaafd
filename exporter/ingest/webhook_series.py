"""What happens to webhooks, as series: one place counts for the intake and for the outbox."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from exporter.core import webhook_metrics as m
from exporter.core.delivery import Attempt, Delivery
from exporter.core.forwarding import FORWARD
from exporter.core.reason import Reason
from exporter.core.signature import Refusal
from exporter.core.webhook import Webhooks, WebhookSource
from exporter.ingest.counters import EventCounters, LabelValues

SourceLabels = tuple[str, str, str]
"""Integration, provider and tenant of a source; all but the tenant are "" for an endpoint."""

_OF_SOURCES = (
    *(m.EVENTS, m.EVENT_FAILURES, m.CONSECUTIVE_FAILURES, m.LAST_EVENT, m.RECEIVED, m.DUPLICATES),
    *(m.SIGNATURE_FAILURES, m.SILENCE_LIMIT, m.SOURCE_SINCE),
)

LONGEST_TYPE = 128
"""Characters of a type that may be a label."""


class WebhookSeries:
    """Counts webhooks by source and endpoint; series of what is no longer configured go away at a reload."""

    def __init__(self, counters: EventCounters) -> None:
        """Start without sources and endpoints."""
        self._counters = counters
        self._scopes: dict[str, SourceLabels] = {}

    def apply(self, webhooks: Webhooks, now: float) -> None:
        """Show the sources of `webhooks` from 0 on, and forget those that are gone or have other labels."""
        self._scopes = {source.name: scope_of(source) for source in webhooks.sources}
        for metric in _OF_SOURCES:
            self._counters.keep(metric, self._is_wanted)
        for source in webhooks.sources:
            self._begin(source, now)

    def receive(self, source: WebhookSource, event_type: str, now: float) -> None:
        """Count a genuine webhook that is new and stored."""
        scope = scope_of(source)
        self._counters.add(m.RECEIVED, (*scope, source.name, type_label(source.types, event_type)))
        self._counters.set(m.LAST_EVENT, (*scope, source.name, m.INBOUND), now)
        if source.forward is None:
            self._count_event(scope, source.name, m.INBOUND, "")

    def repeat(self, source: WebhookSource, now: float) -> None:
        """Count a genuine webhook that was there already."""
        scope = scope_of(source)
        self._counters.add(m.DUPLICATES, (*scope, source.name))
        self._counters.set(m.LAST_EVENT, (*scope, source.name, m.INBOUND), now)

    def refuse(self, source: WebhookSource, refusal: Refusal) -> None:
        """Count a webhook that is not proven to be genuine."""
        self._counters.add(m.SIGNATURE_FAILURES, (*scope_of(source), source.name, refusal.value))

    def attempt(self, delivery: Delivery, attempt: Attempt) -> None:
        """Count an attempt to deliver, of either direction; `attempt.reason` is "" where it succeeded."""
        inbound, name = delivery.kind == FORWARD, delivery.endpoint
        scope = self._scopes.get(name, ("", "", delivery.tenant)) if inbound else ("", "", delivery.tenant)
        direction = m.INBOUND if inbound else m.OUTBOUND
        self._counters.add(m.DELIVERIES, (*scope, name, direction))
        # The first failure must be a rise of a series that was there before.
        self._counters.add(m.DELIVERY_FAILURES, (*scope, name, direction, str(Reason.CONNECT)), 0)
        if attempt.reason:
            self._counters.add(m.DELIVERY_FAILURES, (*scope, name, direction, attempt.reason))
        self._counters.observe(m.DELIVERY_DURATION, (*scope[:2], direction), attempt.duration_seconds)
        self._count_event(scope, name, direction, attempt.reason)
        if not attempt.reason:
            took = attempt.duration_seconds
            self._counters.observe(m.PROCESSING_DURATION, (*scope[:2], name, direction), took)
            if not inbound:
                self._counters.set(m.LAST_EVENT, (*scope, name, direction), attempt.at)

    def _is_wanted(self, labels: LabelValues) -> bool:
        # Outbound series are those of endpoints, which this configuration alone does not know.
        return m.OUTBOUND in labels[4:] or self._scopes.get(labels[3]) == labels[:3]

    def _count_event(self, scope: SourceLabels, name: str, direction: str, reason: str) -> None:
        place = (*scope, name, direction)
        self._counters.add(m.EVENTS, place)
        if reason:
            self._counters.add(m.EVENT_FAILURES, (*place, reason))
            self._counters.add(m.CONSECUTIVE_FAILURES, place)
        else:
            self._counters.set(m.CONSECUTIVE_FAILURES, place, 0.0)

    def remember(self, last: Mapping[str, float]) -> None:
        """Take when the last webhook of each source arrived, as the store knows it from earlier processes."""
        for name, at in last.items():
            scope = self._scopes.get(name)
            if scope is not None and self._counters.value(m.LAST_EVENT, (*scope, name, m.INBOUND)) is None:
                self._counters.set(m.LAST_EVENT, (*scope, name, m.INBOUND), at)

    def _begin(self, source: WebhookSource, now: float) -> None:
        """Let the series of a source exist: `rate` and `increase` do not see one that begins at 1."""
        scope, place = scope_of(source), (*scope_of(source), source.name, m.INBOUND)
        self._counters.add(m.EVENTS, place, 0)
        self._counters.add(m.CONSECUTIVE_FAILURES, place, 0)
        self._counters.add(m.DUPLICATES, (*scope, source.name), 0)
        for refusal in Refusal:
            self._counters.add(m.SIGNATURE_FAILURES, (*scope, source.name, refusal.value), 0)
        for reason in (Reason.CONNECT, Reason.TIMEOUT, Reason.VENDOR_ERROR) if source.forward else ():
            self._counters.add(m.EVENT_FAILURES, (*place, str(reason)), 0)
        if self._counters.value(m.SOURCE_SINCE, (*scope, source.name)) is None:
            self._counters.set(m.SOURCE_SINCE, (*scope, source.name), now)
        if source.silence:
            self._counters.set(m.SILENCE_LIMIT, (*scope, source.name), source.silence)
        else:
            self._counters.keep(m.SILENCE_LIMIT, lambda labels: labels[3] != source.name)


def scope_of(source: WebhookSource) -> SourceLabels:
    """Return the labels of what a source belongs to."""
    return source.integration, source.provider, source.tenant


@lru_cache(maxsize=4096)  # a vendor has some hundred types, and sends the same few all day
def type_label(types: tuple[str, ...], event_type: str) -> str:
    """Return `event_type` where one of the patterns `types` lists it, else `other`."""
    listed = len(event_type) <= LONGEST_TYPE and any(fnmatchcase(event_type, glob) for glob in types)
    return event_type if listed else m.OTHER
