"""Kinds of live changes: what a table or another source of them means to a page, and who may hear of it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from exporter.core.changes import ANY, BOARD, CONFIGURATION
from exporter.core.listing import Listing
from exporter.registry import lists
from exporter.server.access import Identity
from exporter.server.web_config.settings import AllowedTenants, Role
from exporter.store.schema import subjects
from exporter.store.subjects import events


@dataclass(frozen=True)
class ChangeKind:
    """One word of a live change; `role` may hear of it.

    Who is bound to tenants hears of a `narrow` one where it is about a tenant of theirs, and of one for
    `everybody` always: it says nothing of whose it is.
    """

    name: str
    role: Role = Role.VIEWER
    narrow: bool = True
    everybody: bool = False

    def concerns(self, admin: bool, tenants: AllowedTenants, tenant: str | None) -> bool:
        """Return whether a caller may hear that something of `tenant` changed."""
        if self.role is Role.ADMIN and not admin:
            return False
        return tenants is None or self.everybody or (self.narrow and (tenant in tenants or tenant == ANY))


TARGETS = ChangeKind("targets")
SETTINGS = ChangeKind("configuration", everybody=True)
STATISTICS = ChangeKind("statistics")
ALERTS = ChangeKind("alerts", Role.ADMIN)
TOKENS = ChangeKind("tokens", Role.ADMIN)
ENDPOINTS = ChangeKind("endpoints")
MAINTENANCE = ChangeKind("maintenance", Role.ADMIN)
BLOCKS = ChangeKind("blocks", Role.ADMIN)
DELIVERIES = ChangeKind("deliveries")

MEANINGS: Mapping[str, tuple[ChangeKind, ...]] = {
    BOARD: (TARGETS,),
    CONFIGURATION: (SETTINGS,),
    "alert_action": (ALERTS,),
    "attempt": (DELIVERIES,),
    "audit_entry": (),
    "check_day": (STATISTICS,),
    "check_failure": (STATISTICS,),
    "check_summary": (STATISTICS,),
    "check_total": (STATISTICS,),
    "check_usage": (STATISTICS,),
    "delivery": (),
    "endpoint": (ENDPOINTS,),
    "escalation": (ALERTS,),
    "event": (),
    "event_summary": (STATISTICS,),
    "failure": (),
    "maintenance_window": (MAINTENANCE,),
    "manual_alert": (ALERTS,),
    "notice": (ALERTS,),
    "ratelimit_block": (BLOCKS,),
    "ratelimit_summary": (STATISTICS,),
    "sms_incident": (),
    "state_change": (),
    "text_message": (),
    "token": (TOKENS,),
    "token_log": (TOKENS,),
    "webhook_endpoint": (ENDPOINTS,),
    "webhook_endpoint_facts": (ENDPOINTS,),
    "webhook_endpoint_mode": (ENDPOINTS,),
    "webhook_failure": (STATISTICS,),
    "webhook_summary": (STATISTICS,),
}
"""What each source of changes means, besides the stored list that a table has."""

SILENT = frozenset(
    {"audit_head", "audit_person", "audit_place", "audit_removed", "maintenance_silence", "replica"}
    # Written at every run; what of it is news, the board says at once.
    | {"target_state"}
)
"""Tables that no answer shows."""

SLOW = frozenset(source for source, kinds in MEANINGS.items() if kinds == (STATISTICS,))
"""Sources that move with every run and event: who looks at figures hears of them now and then."""


@cache
def kinds_of(source: str) -> tuple[ChangeKind, ...]:
    """Return what a change of `source` means; nothing where it is not known."""
    own = tuple(_kind(listing) for listing in lists().values() if source in _tables(listing))
    return tuple(dict.fromkeys((*own, *MEANINGS.get(source, ()))))


@cache
def every_kind() -> tuple[ChangeKind, ...]:
    """Return every kind, each once, by name."""
    sources = {*MEANINGS, *(table for listing in lists().values() for table in _tables(listing))}
    found = {kind for source in sources for kind in kinds_of(source)}
    return tuple(sorted(found, key=lambda kind: kind.name))


def names_for(identity: Identity) -> list[str]:
    """Return the words of all kinds of which `identity` may hear."""
    admin = identity.has(Role.ADMIN)
    return [
        kind.name
        for kind in every_kind()
        if (kind.role is not Role.ADMIN or admin)
        and (identity.tenants is None or kind.narrow or kind.everybody)
    ]


def _kind(listing: Listing[Any]) -> ChangeKind:
    return ChangeKind(listing.name, Role(listing.role), listing.narrow)


def _tables(listing: Listing[Any]) -> Collection[str]:
    return _listed_tables().get(listing.name, (events.TABLE.name,))


@cache
def _listed_tables() -> Mapping[str, Collection[str]]:
    """Return the tables of the lists of the store, by the name of the list: what its subject declares."""

    def found() -> Iterator[tuple[str, Collection[str]]]:
        for module in subjects():
            for listing in getattr(module, "LISTINGS", ()):
                yield listing.name, {rule.table.name for rule in module.RETENTION}

    return dict(found())
