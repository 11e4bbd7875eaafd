"""What is kept across restarts, and the protocol of the place that keeps it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.core.probe import Key
from exporter.core.reason import Reason


@dataclass(frozen=True)
class Snapshot:
    """State of one target as it must come back after a restart; times are Unix seconds, None if never.

    `facts` are the dated samples as (metric name, label values, value). `answers` are those of
    `kit.every`: key to (time, JSON value). `until` is the end of a back-off. `mark` tells other options from
    these, so that the answers given to another credential do not come back; it is too short to tell a secret.
    """

    key: Key
    provider: str
    status: str
    reason: Reason | None
    detail: str
    since: float
    last_run: float | None
    last_success: float | None
    failures: int
    until: float | None = None
    facts: tuple[tuple[str, tuple[str, ...], float], ...] = ()
    answers: dict[str, tuple[float, Any]] = field(default_factory=dict)
    mark: str = ""


@dataclass(frozen=True)
class StateChange:
    """A target went from one status or reason to another at `at` (Unix seconds)."""

    at: float
    key: Key
    provider: str
    before: str
    status: str
    reason: Reason | None
    detail: str
    trace_id: str = ""


@dataclass(frozen=True)
class Failure:
    """One failed run with its log (seconds since the start, text)."""

    at: float
    key: Key
    provider: str
    reason: Reason
    detail: str
    took: float
    http_status: int | None
    log: tuple[tuple[float, str], ...]
    trace_id: str = ""


@dataclass
class Batch:
    """What one transaction writes; `forget` are keys of targets that are no more."""

    snapshots: dict[Key, Snapshot] = field(default_factory=dict)
    changes: list[StateChange] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    forget: set[Key] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return bool(self.snapshots or self.changes or self.failures or self.forget)


class Store(Protocol):
    """The place; every method may block and may raise StoreError, so it is called off the loop."""

    def open(self) -> None:
        """Create or migrate the tables."""

    def load(self) -> Sequence[Snapshot]:
        """Return the state of every target."""

    def write(self, batch: Batch) -> None:
        """Write `batch` in one transaction: all of it or nothing."""

    def changes(self, *, key: Key | None = None, limit: int = 100) -> Iterable[StateChange]:
        """Return the newest state changes first."""

    def failures(self, *, key: Key | None = None, limit: int = 100) -> Iterable[Failure]:
        """Return the newest failures first."""

    def retain(self, seconds: dict[str, float], now: float) -> int:
        """Delete a portion of the rows older than their table's retention; return how many.

        Writes may come in between; 0 tells that nothing is left to delete.
        """

    def close(self) -> None:
        """Let go of the files and connections."""
