"""Targets as the API and the page show them: chosen, sorted, written out."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from aiohttp import web

from exporter.core.clock import iso
from exporter.core.reason import Reason
from exporter.engine.board import Board, TargetState
from exporter.server.access import Identity

STATUSES = ("error", "unknown", "not_configured", "connected")
"""Every status, the one that needs a person most first."""

TURN = 1000
"""Targets that are looked at before others have their turn on the loop."""

T = TypeVar("T")

_RANK = {status: rank for rank, status in enumerate(STATUSES)}


@dataclass(frozen=True)
class StatusFilter:
    """Which targets are asked for; empty fields choose all. `words` must all occur somewhere in a row."""

    integration: str = ""
    tenant: str = ""
    status: str = ""
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: web.Request) -> "StatusFilter":
        """Read `integration`, `tenant`, `status` and `q` from the query."""
        query = request.query
        status = query.get("status", "")
        if status and status not in STATUSES:
            raise web.HTTPBadRequest(text="status must be one of " + ", ".join(STATUSES))
        words = tuple(query.get("q", "")[:200].lower().split())
        return cls(query.get("integration", ""), query.get("tenant", ""), status, words)

    def __call__(self, state: TargetState) -> bool:
        """Return whether `state` is asked for."""
        target = state.target
        return (
            (not self.integration or target.integration == self.integration)
            and (not self.tenant or target.tenant == self.tenant)
            and (not self.status or state.status == self.status)
            and (not self.words or _mentions(state, self.words))
        )


def _mentions(state: TargetState, words: tuple[str, ...]) -> bool:
    target = state.target
    reason = state.reason.value if state.reason else ""
    text = f"{target.integration} {target.tenant} {target.provider} {state.status} {reason}".lower()
    return all(word in text for word in words)


async def in_turns(items: Iterable[T], turn: int = TURN) -> AsyncIterator[Iterator[T]]:
    """Yield portions of `items`: scrapes and probes share the loop, and have their turn in between."""
    left = iter(items)
    while first := tuple(islice(left, turn)):
        yield iter(first)
        await asyncio.sleep(0)


async def visible_states(board: Board, identity: Identity, choice: StatusFilter) -> list[TargetState]:
    """Return the states that `identity` may know of and `choice` asks for."""
    found: list[TargetState] = []
    async for portion in in_turns(board.states()):
        found += (state for state in portion if identity.sees(state.target.tenant) and choice(state))
    return found


def most_urgent(states: Iterable[TargetState], count: int) -> list[TargetState]:
    """Return the first `count` of `states` by their urgency, sorted."""
    ranked: dict[int, list[TargetState]] = {}
    for state in states:
        ranked.setdefault(_RANK.get(state.status, len(_RANK)), []).append(state)
    found: list[TargetState] = []
    for rank in sorted(ranked):
        # Of thousands that are connected nobody's page has more than a few.
        if len(found) < count:
            found += heapq.nsmallest(count - len(found), ranked[rank], key=urgency)
    return found


def urgency(state: TargetState) -> tuple[Any, ...]:
    """Sort key: failing first, critical ones before others, then by failures, time and name."""
    target = state.target
    return (
        _RANK.get(state.status, len(_RANK)),
        not target.critical,
        -state.failures,
        state.since or 0.0,
        target.integration,
        target.tenant,
    )


def reason_of(state: TargetState) -> Reason | None:
    """Return why a target is not connected; not_configured is a reason in answers only."""
    return Reason.NOT_CONFIGURED if state.status == "not_configured" else state.reason


def target_row(state: TargetState) -> dict[str, Any]:
    """Return one target as JSON: times are RFC 3339 in UTC or null, durations seconds."""
    target, reason = state.target, reason_of(state)
    return {
        "integration": target.integration,
        "tenant": target.tenant,
        "provider": target.provider,
        "critical": target.critical,
        "labels": dict(target.labels),
        "status": state.status,
        "reason": reason.value if reason else None,
        "meaning": reason.meaning if reason else None,
        "detail": state.detail,
        "vendor_details": dict(state.vendor_details),
        "since": iso(state.since),
        "last_run": iso(state.last_run),
        "last_success": iso(state.last_success),
        "next_run": iso(state.next_run),
        "consecutive_failures": state.failures,
        "duration_seconds": round(state.result.duration_seconds, 6) if state.result else None,
        "interval_seconds": target.interval,
    }


def counts(states: Iterable[TargetState]) -> dict[str, int]:
    """Return how many targets have each status, and `total`."""
    found = dict.fromkeys(("total", *STATUSES), 0)
    for state in states:
        found["total"] += 1
        found[state.status] = found.get(state.status, 0) + 1
    return found
