"""The current state of every target."""

import hashlib
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from exporter.core.metric import Sample
from exporter.core.probe import Result, Target, TargetKey
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.store import Snapshot
from exporter.engine.kit import CachedAnswers

CONNECTED, ERROR, NOT_CONFIGURED, UNKNOWN = "connected", "error", "not_configured", "unknown"


@dataclass(eq=False, slots=True)
class TargetState:
    """All that is known of one target now; times are Unix seconds, None if it never happened.

    `status` is `unknown` until the first run. `failures` counts failed runs since the last success. `facts`
    are the dated samples, `until` the end of a back-off. `result` is the last run since the start.
    `vendor_details` are names and texts of the vendor's, for people.
    """

    target: Target
    status: str = UNKNOWN
    reason: Reason | None = None
    detail: str = ""
    since: float | None = None
    last_run: float | None = None
    last_success: float | None = None
    next_run: float | None = None
    failures: int = 0
    until: float | None = None
    facts: tuple[Sample, ...] = ()
    answers: CachedAnswers = field(default_factory=dict)
    result: Result | None = None
    vendor_details: tuple[tuple[str, str], ...] = ()

    def absorb(self, result: Result) -> bool:
        """Take in the result of a run; return whether any series changed but times and durations."""
        before, old = (self.status, self.reason, self.failures, self.facts), self.result
        self.result = result
        self.last_run = result.at
        self.status = status_of(result.reason)
        self.reason = result.reason
        self.detail = result.detail
        self.failures = 0 if self.status != ERROR else self.failures + 1
        if result.ok:
            self.last_success = result.at
        if result.ok or result.vendor_details:  # a failure does not make them wrong
            self.vendor_details = result.vendor_details
        # A success has all facts of the target; a failure may have come before it could read them.
        self.facts = result.facts if result.ok else _merge(self.facts, result.facts)
        if before[0] != self.status:
            self.since = result.at
        now = (self.status, self.reason, self.failures, self.facts)
        return before != now or old is None or not _measure_alike(old, result)

    def retarget(self, target: Target) -> None:
        """Take another target of the same provider; what other options brought is of another address."""
        if self.target.options != target.options:
            self.answers.clear()
            self.facts = ()
            self.vendor_details = ()
        self.target = target

    def unconfigure(self, now: float) -> None:
        """Note that the target lacks options without which it is not probed."""
        if self.status != NOT_CONFIGURED:
            self.since = now
        self.status, self.reason = NOT_CONFIGURED, Reason.NOT_CONFIGURED
        self.detail = self.target.absence
        self.failures, self.next_run, self.until, self.result, self.facts = 0, None, None, None, ()

    def answer_times(self) -> dict[str, float]:
        """Return when each cached answer was given, in Unix seconds."""
        return {key: at for key, (at, _) in self.answers.items()} if self.answers else {}

    def snapshot(self) -> Snapshot:
        """Return what must survive a restart."""
        return Snapshot(
            key=self.target.key,
            provider=self.target.provider,
            status=self.status,
            reason=self.reason,
            detail=self.detail,
            since=self.since or 0.0,
            last_run=self.last_run,
            last_success=self.last_success,
            failures=self.failures,
            until=self.until,
            facts=tuple((sample.metric.name, sample.labels, sample.number) for sample in self.facts),
            answers=dict(self.answers),
            mark=mark(self.target),
        )


def restore_state(target: Target, snapshot: Snapshot, facts: Iterable[Sample]) -> TargetState:
    """Return the state that `snapshot` remembers; `facts` are its dated samples, looked up by name.

    What was learnt with other options does not come back: it is of another address or credential.
    """
    same = snapshot.mark == mark(target)
    return TargetState(
        target=target,
        status=snapshot.status,
        reason=snapshot.reason,
        detail=snapshot.detail,
        since=snapshot.since or None,
        last_run=snapshot.last_run,
        last_success=snapshot.last_success,
        failures=snapshot.failures,
        until=snapshot.until,
        facts=tuple(facts) if same else (),
        answers=dict(snapshot.answers) if same else {},
    )


def mark(target: Target) -> str:
    """Return four characters that other options, another credential among them, almost surely change.

    They are kept on disk, so they are few: 16 bits say next to nothing of a guessed password.
    """
    text = msgspec.json.encode(target.options, enc_hook=_reveal)
    return hashlib.blake2b(text, digest_size=2).hexdigest()


def _reveal(value: Any) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"options hold a {type(value).__name__}, which has no mark")


class Board:
    """Every state by key, in the order of the configuration."""

    def __init__(self) -> None:
        """Start empty."""
        self._states: dict[TargetKey, TargetState] = {}

    def get(self, key: TargetKey) -> TargetState | None:
        """Return the state of a target, None where there is no such target."""
        return self._states.get(key)

    def states(self) -> list[TargetState]:
        """Return every state."""
        return list(self._states.values())

    def keys(self) -> KeysView[TargetKey]:
        """Return the keys of all targets."""
        return self._states.keys()

    def items(self) -> ItemsView[TargetKey, TargetState]:
        """Return every state by its key."""
        return self._states.items()

    def update(self, states: Mapping[TargetKey, TargetState]) -> None:
        """Put `states` in place of those of the same targets, which keep their places."""
        self._states.update(states)

    def replace(self, states: dict[TargetKey, TargetState]) -> None:
        """Put exactly `states` on the board, in their order."""
        self._states = states

    def __iter__(self) -> Iterator[TargetState]:
        """Iterate over every state."""
        return iter(self._states.values())

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self._states)


def status_of(reason: Reason | None) -> str:
    """Return the status of a run that ended with `reason`."""
    if reason is None:
        return CONNECTED
    return NOT_CONFIGURED if reason is Reason.NOT_CONFIGURED else ERROR


def _measure_alike(one: Result, other: Result) -> bool:
    """Return whether two results have the same series, with the same values but for durations."""
    return (
        one.http_status == other.http_status
        and one.samples == other.samples
        # In the same order: it is that of their lines, where new values take the place of old ones.
        and list(one.phases) == list(other.phases)
    )


def _merge(old: tuple[Sample, ...], new: tuple[Sample, ...]) -> tuple[Sample, ...]:
    if not new:
        return old
    merged = {(sample.metric.name, sample.labels): sample for sample in (*old, *new)}
    return tuple(merged.values())
