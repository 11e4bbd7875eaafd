"""Events that apps report: judged one by one, counted once, and stored where their kind says so."""

import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from exporter.core.audit import AuditEntry, SignIn, entry_of
from exporter.core.audit_rules import names_no_account
from exporter.core.configuration import Configuration
from exporter.core.event import Contribution, EventError, EventFields, EventKind, Tally, label_limits
from exporter.core.event_metrics import DUPLICATES, EVENTS, REJECTED
from exporter.core.event_settings import BeaconSite
from exporter.core.metric import Scope
from exporter.core.stored_event import StoredEvent
from exporter.events.auth import AuthEvent
from exporter.exposition import Exemplar, fits
from exporter.ingest.beacon import Beacon, confine
from exporter.ingest.counters import EventCounters, LabelValues
from exporter.ingest.event_labels import EventLabels
from exporter.ingest.event_parser import JSON, BodyError, EventParser, Parsed
from exporter.ingest.event_tallies import EventTallies
from exporter.ingest.recent_ids import RecentIds
from exporter.store.batch import Batch
from exporter.store.ledger import DurableEvent
from exporter.store.subjects.events import EventBatch, once

EARLIEST = 7 * 86_400.0
LATEST = 300.0
"""Seconds before and after now within which an event may be: else a clock is wrong, or a date."""

SWITCHES = {"AUDIT_LOGGING_ENABLED": "audit"}
"""Kinds that a variable of the environment keeps out of the store; they are counted all the same."""

COMMON = frozenset({"id", "at", "tenant", "integration"})

StoreEvents = Callable[[Sequence[DurableEvent]], Awaitable[list[bool]]]
"""Stores events for good and returns of each whether it is new; StoreError where that is not certain."""


@dataclass(frozen=True)
class RejectedEvent:
    """An event that was refused: its place in the body, the field at fault, and why."""

    index: int
    path: str
    reason: str
    detail: str


@dataclass
class IntakeResult:
    """What became of the events of a body."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[RejectedEvent] = field(default_factory=list)


class _Judged(NamedTuple):
    """An event that was found right, and what it adds."""

    place: int
    kind: EventKind
    event: EventFields
    at: float
    contributions: tuple[Contribution, ...]
    provider: str


class EventIntake:
    """Takes events of `kinds`; `store` keeps durable ones, `submit` takes the others for the store.

    `labels` says what may become a label, `counters` counts, `tallies` counts for statistics, `beacon` knows
    whose pages may report, `watch` looks at sign-ins. `now` is in Unix seconds.
    """

    def __init__(
        self,
        kinds: Mapping[str, EventKind],
        counters: EventCounters,
        store: StoreEvents,
        submit: Callable[[Batch], None],
        now: Callable[[], float] = time.time,
        watch: Callable[[SignIn], None] = lambda _sign_in: None,
    ) -> None:
        """Start without a configuration: no integration is known yet."""
        self.labels = EventLabels(label_limits(kinds.values()))
        self.beacon = Beacon(now)
        self.tallies = EventTallies(counters, submit)
        self._kinds = {kind.fields: kind for kind in kinds.values()}
        self._parser = EventParser(kinds.values())
        self._counters = counters
        self._store = store
        self._submit = submit
        self._watch = watch
        self._now = now
        self._ids = RecentIds(now)
        self._providers: Mapping[str, str] = {}
        self._unstored: frozenset[str] = frozenset()
        for kind in kinds.values():
            counters.add(EVENTS, (kind.name,), 0)

    def apply(self, configuration: Configuration) -> None:
        """Judge by `configuration` from now on."""
        self.labels.apply(configuration.events, configuration.webhooks)
        self.beacon.apply(configuration.events.sites)
        self._counters.limit = self.tallies.limit = configuration.events.series_limit
        self._unstored = frozenset(SWITCHES.get(name, "") for name in configuration.switched_off)
        self._providers = {found.name: found.probe.name for found in configuration.integrations}

    async def receive(
        self, body: bytes, media_type: str, tenants: Collection[str] | None = None
    ) -> IntakeResult:
        """Take the events of a body; `tenants` are those that the caller may speak for, None for all.

        Durable ones are stored when this returns. Raises BodyError for a body without events, and StoreError
        when durable ones could not be stored: then nothing of the body was counted, and all of it may be
        sent again.
        """
        return await self._take(self._parser.parse(body, media_type), tenants)

    async def receive_page(self, body: bytes, site: BeaconSite, address: str) -> IntakeResult:
        """Take what a page of `site` reports, as JSON, from `address`; BodyError also beyond its limits."""
        found = self._parser.parse(body, JSON)
        try:
            self.beacon.admit(site, address, len(found))
        except BodyError:
            self.refuse("rate_limited", len(found))
            raise
        return await self._take([confine(parsed, site, self.labels) for parsed in found], None)

    def refuse(self, reason: str, number: int = 1) -> None:
        """Count events, or bodies, that are refused before they are judged."""
        self._counters.add(REJECTED, ("", reason), number)

    async def _take(self, events: Sequence[Parsed], tenants: Collection[str] | None) -> IntakeResult:
        result = IntakeResult()
        good: list[_Judged] = []
        for index, parsed in enumerate(events):
            try:
                good.append(self._judge(index, parsed, tenants))
            except EventError as error:
                self._reject(result, index, parsed, error)
        new = await self._keep(good)
        self._count(new)
        result.accepted = len(new)
        result.duplicates = len(good) - len(new)
        return result

    def _judge(self, index: int, parsed: Parsed, tenants: Collection[str] | None) -> _Judged:
        if isinstance(parsed, EventError):
            raise parsed
        kind = self._kinds[type(parsed)]
        if tenants is not None and parsed.tenant not in tenants:
            raise EventError("foreign_tenant", "/tenant", "the token is not bound to this tenant")
        provider = self._provider_of(parsed.integration)
        at = self._time_of(parsed.at)
        return _Judged(index, kind, parsed, at, tuple(kind.read(parsed, self.labels)), provider)

    def _provider_of(self, integration: str) -> str:
        if not integration:
            return ""
        provider = self._providers.get(integration)
        if provider is None:
            raise EventError(
                "unknown_integration", "/integration", "no integration of that name is configured"
            )
        return provider

    def _time_of(self, at: datetime | None) -> float:
        now = self._now()
        if at is None:
            return now
        found = at.timestamp()
        if not now - EARLIEST <= found <= now + LATEST:
            raise EventError("bad_time", "/at", "the time is more than 7 days ago, or in the future")
        return found

    def _reject(self, result: IntakeResult, index: int, parsed: Parsed, error: EventError) -> None:
        kind = self._kinds[type(parsed)].name if isinstance(parsed, EventFields) else ""
        self._counters.add(REJECTED, (kind, error.reason))
        result.rejected.append(RejectedEvent(index, error.path, error.reason, error.detail))

    async def _keep(self, good: list[_Judged]) -> list[_Judged]:
        """Return those that are new; durable ones of them are stored then."""
        durable = [found for found in good if self._is_durable(found.kind)]
        for found in durable:
            # Without an id of its own each is another event.
            found.event.id = found.event.id or uuid.uuid4().hex
        fresh = await self._store(list(map(_durable, durable))) if durable else []
        stored = {found.place for found, is_new in zip(durable, fresh, strict=True) if is_new}
        new = []
        for found in good:
            durable_kind = self._is_durable(found.kind)
            is_new = found.place in stored if durable_kind else self._is_new(found)
            if is_new:
                new.append(found)
            else:
                self._counters.add(DUPLICATES, (found.kind.name,))
        return new

    def _is_durable(self, kind: EventKind) -> bool:
        return kind.durable and kind.name not in self._unstored

    def _is_new(self, found: _Judged) -> bool:
        return not found.event.id or self._ids.add(found.kind.name, found.event.id)

    def _count(self, new: list[_Judged]) -> None:
        for found in new:
            integration, tenant, at = found.event.integration, found.event.tenant, found.at
            # Most are of a target: its labels are made once.
            target = (integration, found.provider, tenant)
            for one in found.contributions:
                if isinstance(one, Tally):
                    self.tallies.record(one, at, integration, tenant)
                    continue
                metric, own, value, reference = one
                scope = target if metric.scope is Scope.TARGET else _scope_labels(metric.scope, target)
                exemplar = _exemplar(reference, value, at) if reference is not None else None
                self._counters.measure(metric, scope, own, value, exemplar)
            if isinstance(found.event, AuthEvent):
                self._watch(_sign_in(found.event, at))
        listed = [found for found in new if not found.kind.durable and found.kind.retention is not None]
        for name, number in Counter(found.kind.name for found in new).items():
            self._counters.add(EVENTS, (name,), number)
        if listed:
            self._submit(EventBatch(list(map(_stored_event, listed))))


def _exemplar(reference: tuple[str, str], value: float, at: float) -> Exemplar | None:
    return Exemplar((reference,), value, at) if fits((reference,)) else None


def _scope_labels(scope: Scope, target: tuple[str, str, str]) -> LabelValues:
    """Return the labels of a scope that is not the whole target."""
    if scope is Scope.INTEGRATION:
        return target[:2]
    return target[2:] if scope is Scope.TENANT else ()


def _durable(found: _Judged) -> DurableEvent:
    return (_once(found), _audit_entry(found)) if found.kind.name == "audit" else _stored_event(found)


def _once(found: _Judged) -> str:
    return once(found.kind.name, found.event.id)


def _stored_event(found: _Judged) -> StoredEvent:
    event, kind = found.event, found.kind
    return StoredEvent(
        found.at,
        kind.name,
        event.id,
        event.integration,
        event.tenant,
        kind.retention or "",
        _own_fields(event),
    )


def _audit_entry(found: _Judged) -> AuditEntry:
    event = found.event
    fields = _own_fields(event)
    fields["integration"], fields["tenant"] = event.integration, event.tenant
    return entry_of(found.at, fields)


def _sign_in(event: AuthEvent, at: float) -> SignIn:
    return SignIn(
        at,
        event.tenant,
        event.actor or "",
        event.address or "",
        event.country or "",
        event.outcome == "failure",
        names_no_account({"reason": event.reason}),
    )


def _own_fields(event: EventFields) -> dict[str, Any]:
    return {name: value for name in _own_names(type(event)) if (value := getattr(event, name)) is not None}


@cache
def _own_names(kind: type[EventFields]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name not in COMMON)
