"""Every endpoint by its name and tenant: those of the file, those of the API, and how they answer.

The configuration file wins where both have a name. What other replicas change arrives with the next refresh.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial

import structlog

from exporter.core.action import EndpointReport
from exporter.core.audit import AuditEntry
from exporter.core.endpoint import EndpointFacts, ModeChange, ReceiverMode
from exporter.core.errors import StoreError
from exporter.core.webhook import WebhookEndpoint, Webhooks
from exporter.endpoints.body import build
from exporter.endpoints.entry import API, FILE, EndpointEntry
from exporter.endpoints.facts import absorb, join, overdue
from exporter.endpoints.stored import EndpointStore, StoredEndpoint, StoreView
from exporter.store.batch import Batch
from exporter.store.subjects.webhook_endpoints import EndpointFactsBatch
from exporter.store.threads import in_thread

REFRESH = 5.0
"""Seconds after which a change that another replica made is known here."""

LEFT_OVER = 600.0
"""Seconds in which what was under way to an endpoint that was deleted is over."""

ACTOR = "exporter"


class EndpointDirectory:
    """All endpoints. `submit` takes facts for the store, `audit` what was decided, `now` is in Unix seconds.

    `on_foreign` is called with the tenant of an endpoint that another replica made, changed or deleted.
    `on_change` is called whenever what can be sent may have changed, `abandon` with the name of an endpoint
    that was deleted, here or by another replica: again and again for a while, since what is under way when
    it goes comes back later.
    """

    def __init__(
        self,
        store: EndpointStore,
        submit: Callable[[Batch], None],
        now: Callable[[], float],
        audit: Callable[[AuditEntry], None] = lambda _entry: None,
    ) -> None:
        """Start without endpoints; `apply` and `refresh` bring them."""
        self.store = store
        self._submit = submit
        self._now = now
        self._audit = audit
        self._file: tuple[WebhookEndpoint, ...] = ()
        self._ca_file = ""
        self._view = StoreView((), {}, {})
        self._entries: dict[str, EndpointEntry] = {}
        self._of_tenant: dict[str, list[str]] = {}
        self._unsaved: dict[str, ModeChange] = {}
        self._warned: frozenset[str] = frozenset()
        self._gone: dict[str, float] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_foreign: Callable[[str], None] = lambda _tenant: None
        self.abandon: Callable[[str], Awaitable[None]] = _ignore

    def apply(self, webhooks: Webhooks, ca_file: str = "") -> None:
        """Take the endpoints of a configuration; `ca_file` are the authorities that others are judged by."""
        self._file, self._ca_file = webhooks.endpoints, ca_file
        self._rebuild()

    async def refresh(self) -> None:
        """Take what the store has; StoreError leaves everything as it is."""
        before, view = self._view, await in_thread(self.store.load)
        known = self._versions()
        facts = {name: join(self._facts_of(name), one) for name, one in view.facts.items()}
        mine = {name: entry.facts for name, entry in self._entries.items() if entry.facts is not None}
        self._view = replace(view, facts=mine | facts, modes=view.modes | self._unsaved)
        self._warn(view.unreadable)
        self._note_gone(before, view)
        self._rebuild()
        for tenant in {version[1] for version in known ^ self._versions()}:
            self.on_foreign(tenant)
        with suppress(StoreError):  # the next refresh does it
            for name in self._gone.keys() - self._entries.keys():
                await self.abandon(name)

    async def run(self) -> None:
        """Refresh for ever, and save what could not be saved at once."""
        while True:
            with suppress(StoreError):  # the writer logs that the store fails
                await self.save()
                await self.refresh()
            await asyncio.sleep(REFRESH)

    def get(self, name: str) -> WebhookEndpoint | None:
        """Return an endpoint as deliveries find it, None where there is none of the name."""
        entry = self._entries.get(name)
        return entry.effective(self._now()) if entry else None

    def find(self, name: str) -> EndpointEntry | None:
        """Return all that is known of an endpoint, None where there is none of the name."""
        return self._entries.get(name)

    def entries(self) -> list[EndpointEntry]:
        """Return every endpoint, sorted by name."""
        return [self._entries[name] for name in sorted(self._entries)]

    def of_tenant(self, tenant: str) -> list[EndpointEntry]:
        """Return the endpoints of a tenant."""
        return [self._entries[name] for name in self._of_tenant.get(tenant, ())]

    def matching(self, tenant: str, kind: str) -> list[EndpointEntry]:
        """Return the endpoints of a tenant that take deliveries of the event type `kind`."""
        return [one for one in self.of_tenant(tenant) if one.takes and wants(one.endpoint.types, kind)]

    def report(self, report: EndpointReport) -> None:
        """Take what an attempt has shown; an endpoint that is gone, or fails for too long, is disabled."""
        entry = self._entries.get(report.endpoint)
        if entry is None:
            return
        facts = absorb(entry.facts or EndpointFacts(report.endpoint), report)
        self._entries[report.endpoint] = entry = replace(entry, facts=facts)
        self._submit(EndpointFactsBatch({report.endpoint: facts}))
        why = "it answered 410: it wants no more webhooks" if report.gone else overdue(entry, report.at)
        if why and entry.state is not ReceiverMode.DISABLED:
            self._disable(entry, why)

    async def set_mode(self, name: str, mode: ReceiverMode, actor: str) -> EndpointEntry | None:
        """Keep what a person decided; None where there is no such endpoint. Raises StoreError.

        An endpoint that is active again has a clean record: what failed before no longer counts.
        """
        if name not in self._entries:
            return None
        changed = ModeChange(name, mode, self._now(), actor)
        await in_thread(lambda: self.store.write_mode(changed))
        self._unsaved.pop(name, None)
        self._set(changed)
        entry = self._entries[name]
        if mode is ReceiverMode.ACTIVE and entry.facts is not None:
            facts = replace(entry.facts, failing_since=None)
            self._entries[name] = entry = replace(entry, facts=facts)
            self._submit(EndpointFactsBatch({name: facts}))
        self.on_change()
        return entry

    def _disable(self, entry: EndpointEntry, why: str) -> None:
        name = entry.endpoint.name
        changed = ModeChange(name, ReceiverMode.DISABLED, self._now(), ACTOR, why)
        self._unsaved[name] = changed
        self._set(changed)
        structlog.get_logger("exporter.endpoints").error(
            "endpoint disabled", endpoint=name, tenant=entry.endpoint.tenant, why=why
        )
        details = {"why": why}
        self._audit(
            AuditEntry(
                changed.at, ACTOR, "endpoint.disabled", name, tenant=entry.endpoint.tenant, details=details
            )
        )

    async def save(self) -> None:
        """Save what could not be saved at once; StoreError where it still cannot."""
        for name, changed in list(self._unsaved.items()):
            await in_thread(partial(self.store.write_mode, changed))
            self._unsaved.pop(name, None)

    def _set(self, changed: ModeChange) -> None:
        self._view.modes[changed.endpoint] = changed
        self._entries[changed.endpoint] = replace(self._entries[changed.endpoint], mode=changed)

    def _facts_of(self, name: str) -> EndpointFacts | None:
        entry = self._entries.get(name)
        return entry.facts if entry else None

    def _note_gone(self, before: StoreView, view: StoreView) -> None:
        there = {one.body.name for one in view.endpoints} | set(view.unreadable)
        gone = {one.body.name for one in before.endpoints} - there
        now = self._now()
        known = self._gone | dict.fromkeys(gone, now + LEFT_OVER)
        self._gone = {name: until for name, until in known.items() if until > now and name not in there}

    def _versions(self) -> set[tuple[str, str, float | None, ReceiverMode]]:
        """Return what differs where an endpoint is another one: name, tenant, last change and state."""
        found = self._entries.values()
        return {(one.endpoint.name, one.endpoint.tenant, one.changed, one.state) for one in found}

    def _rebuild(self) -> None:
        entries = {stored.body.name: self._entry(stored) for stored in self._view.endpoints}
        entries |= {one.name: self._known(EndpointEntry(one, FILE)) for one in self._file}
        self._entries, self._of_tenant = entries, _by_tenant(entries.values())
        self.on_change()

    def _entry(self, stored: StoredEndpoint) -> EndpointEntry:
        secrets = tuple(one.value for one in stored.secrets)
        endpoint = build(stored.body, secrets, self._ca_file)
        return self._known(
            EndpointEntry(
                endpoint,
                API,
                secrets=stored.secrets,
                body=stored.body,
                created=stored.created,
                changed=stored.changed,
            )
        )

    def _known(self, entry: EndpointEntry) -> EndpointEntry:
        name = entry.endpoint.name
        return replace(entry, mode=self._view.modes.get(name), facts=self._view.facts.get(name))

    def _warn(self, unreadable: Iterable[str]) -> None:
        names = frozenset(unreadable)
        if names - self._warned:
            structlog.get_logger("exporter.endpoints").error(
                "stored endpoints cannot be read: none of store.token_keys fits; add the key they were stored"
                " with",
                endpoints=sorted(names),
            )
        self._warned = names


async def _ignore(_name: str) -> None:
    """Do nothing: there are no deliveries."""


def wants(types: tuple[str, ...], kind: str) -> bool:
    """Return whether one of the globs `types` fits; without any, every type does."""
    return not types or any(fnmatchcase(kind, pattern) for pattern in types)


def _by_tenant(entries: Iterable[EndpointEntry]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda one: one.endpoint.name):
        found.setdefault(entry.endpoint.tenant, []).append(entry.endpoint.name)
    return found
