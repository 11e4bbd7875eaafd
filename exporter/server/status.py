"""The status answer: every integration, and all of them in one word. Pure; it reads the board only."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.core.clock import iso
from exporter.core.reason import Reason
from exporter.engine.board import TargetState
from exporter.server.rows import reason_of, urgency

WORST = 20
"""How many targets that are not connected the details of one integration name."""

NAMED = 20
"""How many targets the details give the vendor's names of; `/api/v1/targets` has them all."""


@dataclass
class _Sum:
    """What is added up over the targets of one integration."""

    provider: str
    critical: bool
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    troubled: list[TargetState] = field(default_factory=list)
    named: list[TargetState] = field(default_factory=list)

    def add(self, state: TargetState) -> None:
        self.statuses[state.status] += 1
        if state.vendor_details and len(self.named) < NAMED:
            self.named.append(state)
        if state.status == "connected":
            return
        self.troubled.append(state)
        if state.status == "error" and state.reason is not None:
            self.reasons[state.reason] += 1


class StatusSums:
    """What `GET /api/v1/status` answers, of states that may come in portions.

    `integrations` are (name, provider, critical) of those to name even when they have no target.
    """

    def __init__(self, integrations: Sequence[tuple[str, str, bool]] = ()) -> None:
        """Start with no state."""
        self._sums = {name: _Sum(provider, critical) for name, provider, critical in integrations}
        self._last: float | None = None

    def add(self, states: Iterable[TargetState]) -> None:
        """Count `states`."""
        sums, last = self._sums, self._last
        for state in states:
            target = state.target
            found = sums.get(target.integration)
            if found is None:
                found = sums[target.integration] = _Sum(target.provider, target.critical)
            found.add(state)
            if state.last_run is not None and (last is None or state.last_run > last):
                last = state.last_run
        self._last = last

    def answer(self) -> dict[str, Any]:
        """Return the answer."""
        return {
            "integrations": {name: _integration(found) for name, found in self._sums.items()},
            "overall_status": overall(self._sums.values()),
            "last_checked": iso(self._last),
        }


def status(
    states: Iterable[TargetState], integrations: Sequence[tuple[str, str, bool]] = ()
) -> dict[str, Any]:
    """Return the answer of `GET /api/v1/status` for `states` at once."""
    sums = StatusSums(integrations)
    sums.add(states)
    return sums.answer()


def overall(sums: Iterable[_Sum]) -> str:
    """Return `critical`, `degraded`, `partial` or `healthy`.

    Critical: an integration marked critical fails; else degraded: any fails; else partial: some or all
    are not configured or were never checked yet, or there is nothing at all; else healthy.
    """
    failing, partial, any_at_all = False, False, False
    for found in sums:
        any_at_all = True
        if found.statuses["error"]:
            if found.critical:
                return "critical"
            failing = True
        partial = partial or status_word(found.statuses) != "connected" or bool(found.troubled)
    return "degraded" if failing else "partial" if partial or not any_at_all else "healthy"


def status_word(statuses: Counter[str]) -> str:
    """Return the status of an integration: error if any target fails, connected if any is."""
    for one in ("error", "connected", "unknown"):
        if statuses[one]:
            return one
    return "not_configured"


def _integration(found: _Sum) -> dict[str, Any]:
    one = status_word(found.statuses)
    worst = heapq.nsmallest(WORST, found.troubled, key=urgency)
    return {
        "status": one,
        "message": _message(found, one),
        "healthy": one == "connected",
        "details": {
            "provider": found.provider,
            "critical": found.critical,
            "targets": {
                "total": found.statuses.total(),
                **{
                    each: found.statuses[each] for each in ("connected", "error", "not_configured", "unknown")
                },
            },
            "reasons": {reason.value: count for reason, count in found.reasons.most_common()},
            "worst": [_brief(state) for state in worst],
            "vendor_details": [
                {"tenant": state.target.tenant, **dict(state.vendor_details)} for state in found.named
            ],
        },
    }


def _message(found: _Sum, one: str) -> str:
    total = found.statuses.total()
    if not total:
        return "There is no target."
    if total == 1 and found.troubled:
        return _sentence(found.troubled[0])
    if one == "error":
        causes = ", ".join(f"{reason} {count}" for reason, count in found.reasons.most_common(5))
        return f"{found.statuses['error']} of {total} targets fail: {causes}."
    others = [f"{found.statuses[each]} {text}" for each, text in _OTHERS if found.statuses[each]]
    connected = f"{found.statuses['connected']} of {total} targets are connected"
    return ", ".join([connected, *others]) + "." if others else _all_connected(total)


_OTHERS = (("not_configured", "not configured"), ("unknown", "not checked yet"))


def _all_connected(total: int) -> str:
    return "Connected." if total == 1 else f"All {total} targets are connected."


def _sentence(state: TargetState) -> str:
    reason = reason_of(state)
    if state.status == "unknown":
        return "Not checked yet."
    return f"{reason.meaning if reason else ''} {state.detail}".strip()


def _brief(state: TargetState) -> dict[str, Any]:
    reason = reason_of(state)
    return {
        "tenant": state.target.tenant,
        "status": state.status,
        "reason": reason.value if reason else None,
        "meaning": reason.meaning if reason else None,
        "detail": state.detail,
        "since": iso(state.since),
        "last_success": iso(state.last_success),
        "consecutive_failures": state.failures,
    }
