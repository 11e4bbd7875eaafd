"""What feeds answered, for the life of the process: one load of the configuration after another."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.config.durations import text_of
from exporter.config.feeds.row import FeedProblem, checked, tenant_of
from exporter.config.feeds.row_cache import RowCache

FeedKey = tuple[str, str]
"""Integration, and kind of its source: http or sql."""

SHOWN = 20
"""Mistakes of one feed that are reported; the rest is counted."""

FEW = 10
"""Fewer tenants than these may go at once without being doubted."""


class FeedRequest(Protocol):
    """What is asked of a feed. Equal questions have equal answers; `place` says who is asked, and what."""

    @property
    def kind(self) -> str:
        """Either http or sql."""

    @property
    def integration(self) -> str:
        """Name of the integration whose tenants are asked for."""

    @property
    def place(self) -> str:
        """Who is asked, without credentials."""

    @property
    def label(self) -> str:
        """Name of the source, for messages."""

    @property
    def refresh(self) -> float:
        """Seconds between two refreshes."""

    @property
    def allow_empty(self) -> bool:
        """Whether an answer without tenants is believed where there were some."""

    @property
    def loss_after(self) -> float:
        """Seconds for which most tenants must be gone from the answers until that is believed."""

    @property
    def cache_file(self) -> str:
        """File of the last good rows, "" for none."""

    def ask(self) -> list[Any]:
        """Return the raw rows, or raise FeedProblem; blocks."""


@dataclass
class FeedMemory:
    """What is known of one feed.

    `rows` is the newest answer, `loaded` the one that the configuration in force was made of, `good` are its
    rows in force by tenant. `answered` is when it last gave an answer, in Unix seconds. `failure` says why
    the last refresh failed, `refused` what is wrong with rows of the newest answer, `foreign` are keys in
    them that are not read. `doubted` is since when (Unix seconds) answers lack `missing` tenants, which are
    most of those in force.
    """

    question: FeedRequest
    rows: list[Any] = field(default_factory=list, repr=False)
    good: dict[str, Any] = field(default_factory=dict, repr=False)
    loaded: list[Any] | None = field(default=None, repr=False)
    answered: float | None = None
    failure: str = ""
    refused: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    doubted: float | None = None
    missing: int = 0

    def take(self, rows: list[Any], now: float, *, by_hand: bool = False) -> None:
        """Keep a new answer; FeedProblem where it cannot be believed.

        With `by_hand` an operator asked for it, who may know of the doubt that there was before.
        """
        if not rows and self.good and not self.question.allow_empty:
            raise FeedProblem(
                f"the answer has no tenant, where there were {len(self.good)} before",
                "correct the source, or set allow_empty: true",
            )
        self._doubt(rows, now, by_hand)
        self.rows, self.failure, self.answered = rows, "", now
        self.doubted, self.missing = None, 0

    def _doubt(self, rows: list[Any], now: float, by_hand: bool) -> None:
        count = len(self.good)
        gone = len(self.good.keys() - set(map(tenant_of, rows))) if rows else 0
        if count < FEW or gone * 2 <= count or (by_hand and self.doubted is not None):
            return
        since = now if self.doubted is None else self.doubted
        # Answers of a half-restored database are equal too: time is what makes a loss credible.
        if now - since >= self.question.loss_after:
            return
        self.doubted, self.missing = since, gone
        raise FeedProblem(
            f"the answer lacks {gone} of the {count} tenants in force",
            f"correct the source; if they are gone, reload, or wait until it lasted"
            f" {text_of(self.question.loss_after)} (loss_after)",
        )


@dataclass(frozen=True)
class FeedState:
    """How a feed is.

    `answered` is when it last gave an answer (Unix seconds), `tenants` how many are in force. `current`
    says that its newest answer is in force, `failure` why the last refresh failed, `refused` what is wrong
    with rows of it, `foreign` which of their keys are not read. `missing` tenants are in force although the
    newest answer lacks them.
    """

    integration: str
    source: str
    refresh: float
    answered: float | None
    tenants: int
    current: bool
    failure: str
    refused: tuple[str, ...]
    foreign: tuple[str, ...]
    missing: int
    label: str

    @property
    def key(self) -> FeedKey:
        """Identity of the feed."""
        return (self.integration, self.source)

    @property
    def ok(self) -> bool:
        """Whether the last refresh answered, and each of its rows is in force."""
        return self.current and not self.failure and not self.refused

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator must know, in sentences; of many mistakes in rows the first ones."""
        problems = []
        if self.failure:
            problems.append(f"{self.failure} ({_so_many(self.tenants)} in force)")
        problems += self.refused[:SHOWN]
        if len(self.refused) > SHOWN:
            problems.append(
                f"{self.label}: {len(self.refused) - SHOWN} more mistakes in rows; fix these first"
            )
        if self.refused:
            problems.append(
                f"{self.label}: rows with mistakes are left out ({_so_many(self.tenants)} in force)"
            )
        if self.foreign:
            problems.append(
                f"{self.label}: keys of rows that nobody reads: {', '.join(self.foreign[:SHOWN])}"
            )
        return tuple(problems)


def _so_many(tenants: int) -> str:
    return "1 tenant is" if tenants == 1 else f"{tenants or 'no'} tenants are"


class Feeds:
    """Keeps what feeds answered. Loads and refreshes may run in different threads."""

    def __init__(self, now: Callable[[], float] = time.time, *, reloads: bool = True) -> None:
        """Know nothing yet; `now` returns Unix seconds, `reloads` that another load may come.

        `loaded` says that a configuration is in force.
        """
        self.now = now
        self.reloads = reloads
        self._known: dict[FeedKey, FeedMemory] = {}
        self.row_caches: dict[str, RowCache] = {}
        self.loaded = False

    def memory_of(self, key: FeedKey) -> FeedMemory | None:
        """Return what is known of a feed of the configuration in force."""
        return self._known.get(key)

    def replace(self, known: dict[FeedKey, FeedMemory], row_caches: dict[str, RowCache]) -> None:
        """Take the result of a load without a mistake; feeds that it did not ask are forgotten."""
        self._known, self.row_caches, self.loaded = known, row_caches, True

    def again(self, key: FeedKey) -> None:
        """Ask a feed again; blocks. A failure keeps the old rows."""
        known = self._known.get(key)
        if known is None:
            return
        try:
            known.take(same(known.rows, known.question.ask()), self.now())
        except FeedProblem as problem:
            known.failure = str(problem)

    def has_news(self, key: FeedKey) -> bool:
        """Return whether the newest answer of a feed differs from the one in force."""
        known = self._known.get(key)
        # By identity: `same` returns the old list where the answer did not change.
        return known is not None and known.rows is not known.loaded

    def states(self) -> list[FeedState]:
        """Return how each feed is."""
        return [
            FeedState(
                *key,
                known.question.refresh,
                known.answered,
                len(known.good),
                known.rows is known.loaded,
                f"{known.question.label}: {known.failure}" if known.failure else "",
                known.refused,
                known.foreign,
                known.missing,
                known.question.label,
            )
            for key, known in sorted(self._known.items())
        ]


def same(before: list[Any], now: list[Any]) -> list[Any]:
    """Return `before` itself if `now` is equal; else `now`, with the equal rows of `before` in it.

    Rows of `before` were checked; others are.
    """
    old = {row["id"]: row for row in before if isinstance(row, dict) and isinstance(row.get("id"), str)}
    made = []
    for row in now:
        tenant = row.get("id") if isinstance(row, dict) else None
        kept = old.get(tenant) if isinstance(tenant, str) else None
        # The old object, so that every later comparison of this row is one by identity.
        made.append(kept if kept is not None and kept == row else checked(row))
    return before if made == before else made
