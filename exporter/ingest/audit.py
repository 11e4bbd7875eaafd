"""The audit: entries on their way to the store, a flood of one kind as few of them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from exporter.core.audit import AuditEntry
from exporter.core.audit_rules import class_of
from exporter.events._audit_series import EVENTS
from exporter.ingest.counters import EventCounters
from exporter.store.batch import Batch
from exporter.store.ledger import AuditBatch, AuditLedger

WINDOW = 60.0
"""Seconds in which entries that are alike become one."""

MOST_WINDOWS = 1000
"""Kinds of entries that are counted at one time; beyond it they differ by address no longer."""

Likeness = tuple[str, ...]


@dataclass
class _Window:
    """What came after the first entry of a kind, until `until`: the next one, and the number of all."""

    until: float
    entry: AuditEntry | None = None
    count: int = 0


class AuditLog:
    """Hands each entry to `submit`, which takes batches for the store and never blocks.

    `enabled` is the switch AUDIT_LOGGING_ENABLED; without it nothing is kept. `now` is in Unix seconds.
    `ledger` adds entries to the chain, `counters` counts them where there are any.
    """

    def __init__(
        self,
        submit: Callable[[Batch], None],
        now: Callable[[], float] = time.time,
        ledger: AuditLedger | None = None,
        counters: EventCounters | None = None,
    ) -> None:
        """Start without entries."""
        self.enabled = True
        self.ledger = ledger or AuditLedger()
        self._counters = counters
        self.submit = submit
        self._now = now
        self._windows: dict[Likeness, _Window] = {}
        self._next_sweep = 0.0

    def add(self, entry: AuditEntry) -> None:
        """Keep `entry`."""
        self._keep([entry])

    def add_repeatable(self, entry: AuditEntry, reason: str = "") -> bool:
        """Keep `entry`, which others can cause as often as they like; return whether it is the first.

        The first of its kind is an entry of its own; those of the next minute become one, with their number
        as `count`. Its kind is what it says besides `at`, `user_agent` and `details`, and `reason`.
        """
        now = self._now()
        if now >= self._next_sweep:
            self.sweep()
        kind = _likeness(entry, reason)
        if kind not in self._windows and len(self._windows) >= MOST_WINDOWS:
            entry = replace(entry, address="", user_agent="")
            kind = _likeness(entry, reason)
        window = self._windows.get(kind)
        if window is None:
            self._windows[kind] = _Window(now + WINDOW)
            self.add(entry)
            return True
        window.entry = window.entry or entry
        window.count += entry.count
        return False

    async def run(self, every: float) -> None:
        """Keep what was counted every `every` seconds, also when nothing new comes."""
        while True:
            await asyncio.sleep(every)
            self.sweep()

    def sweep(self, *, everything: bool = False) -> None:
        """Keep what windows that have ended counted; `everything`: of the others too, as at a stop."""
        now = self._now()
        ended = [kind for kind, window in self._windows.items() if everything or now >= window.until]
        windows = map(self._windows.pop, ended)
        counted = [replace(one.entry, count=one.count) for one in windows if one.entry is not None]
        self._next_sweep = min((window.until for window in self._windows.values()), default=now + WINDOW)
        self._keep(counted)

    def _keep(self, entries: list[AuditEntry]) -> None:
        if not self.enabled or not entries:
            return
        self.submit(AuditBatch(entries, self.ledger))
        if self._counters is None:
            return
        for entry in entries:
            self._counters.add(EVENTS, (entry.tenant, class_of(entry.action).name), entry.count)


def _likeness(entry: AuditEntry, reason: str) -> Likeness:
    return (
        *(entry.actor, entry.action, entry.resource, entry.outcome, entry.integration, entry.tenant),
        *(entry.address, reason),
    )
