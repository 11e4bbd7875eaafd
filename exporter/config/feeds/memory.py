"""What feeds answered, for the life of the process: one load of the configuration after another."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.config.feeds import cache
from exporter.config.feeds.made import Workshop
from exporter.config.feeds.row import FeedProblem, RowSource, checked, tenant_of
from exporter.core.errors import Mistake

Key = tuple[str, str]
"""Integration, and kind of its source: http or sql."""

SHOWN = 20
"""Mistakes of one feed that are told; the rest is counted."""


class Question(Protocol):
    """What is asked of a feed. Equal questions have equal answers; `place` tells who is asked, and what."""

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
    def shown(self) -> str:
        """Name of the source, for messages."""

    @property
    def refresh(self) -> float:
        """Seconds between two refreshes."""

    @property
    def allow_empty(self) -> bool:
        """Whether an answer without tenants is believed where there were some."""

    @property
    def cache_file(self) -> str:
        """File of the last good rows, "" for none."""

    def ask(self) -> list[Any]:
        """Return the raw rows, or raise FeedProblem; blocks."""


@dataclass
class Known:
    """What is known of one feed.

    `rows` is the newest answer, `loaded` the one that the configuration in force was made of, `good` are its
    rows in force by tenant. `answered` is when it last gave an answer, in Unix seconds. `failure` says why
    the last refresh failed, `refused` what is wrong with rows of the newest answer.
    """

    question: Question
    rows: list[Any] = field(default_factory=list, repr=False)
    good: dict[str, Any] = field(default_factory=dict, repr=False)
    loaded: list[Any] | None = field(default=None, repr=False)
    answered: float | None = None
    failure: str = ""
    refused: tuple[str, ...] = ()

    def take(self, rows: list[Any], now: float) -> None:
        """Keep a new answer; FeedProblem where it cannot be believed."""
        if not rows and self.good and not self.question.allow_empty:
            raise FeedProblem(
                f"the answer has no tenant, where there were {len(self.good)} before",
                "correct the source, or set allow_empty: true",
            )
        self.rows, self.failure, self.answered = rows, "", now


@dataclass(frozen=True)
class FeedState:
    """How a feed is.

    `answered` is when it last gave an answer (Unix seconds), `tenants` how many are in force. `current`
    tells that its newest answer is in force, `failure` why the last refresh failed, `refused` what is wrong
    with rows of it.
    """

    integration: str
    source: str
    refresh: float
    answered: float | None
    tenants: int
    current: bool
    failure: str
    refused: tuple[str, ...]

    @property
    def key(self) -> Key:
        """Identity of the feed."""
        return (self.integration, self.source)

    @property
    def ok(self) -> bool:
        """Whether the last refresh answered, and each of its rows is in force."""
        return self.current and not self.failure and not self.refused


class Feeds:
    """Keeps what feeds answered. Loads and refreshes may run in different threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """Know nothing yet; `now` tells Unix seconds."""
        self.now = now
        self._known: dict[Key, Known] = {}
        self.workshops: dict[str, Workshop] = {}

    def known(self, key: Key) -> Known | None:
        """Return what is known of a feed of the configuration in force."""
        return self._known.get(key)

    def replace(self, known: dict[Key, Known], workshops: dict[str, Workshop]) -> None:
        """Take what a load without a mistake came to; feeds that it did not ask are forgotten."""
        self._known, self.workshops = known, workshops

    def again(self, key: Key) -> None:
        """Ask a feed anew; blocks. A failure keeps the old rows."""
        known = self._known.get(key)
        if known is None:
            return
        try:
            known.take(same(known.rows, known.question.ask()), self.now())
        except FeedProblem as problem:
            known.failure = str(problem)

    def has_news(self, key: Key) -> bool:
        """Tell whether the newest answer of a feed is another one than that in force."""
        known = self._known.get(key)
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
                f"{known.question.shown}: {known.failure}" if known.failure else "",
                known.refused,
            )
            for key, known in sorted(self._known.items())
        ]


def same(before: list[Any], now: list[Any]) -> list[Any]:
    """Return `before` itself if `now` comes to the same; else `now`, with the equal rows of `before` in it.

    Rows of `before` were checked; others are.
    """
    old = {row["id"]: row for row in before if isinstance(row, dict) and isinstance(row.get("id"), str)}
    made = []
    for row in now:
        tenant = row.get("id") if isinstance(row, dict) else None
        kept = old.get(tenant) if isinstance(tenant, str) else None
        made.append(kept if kept is not None and kept == row else checked(row))
    return before if made == before else made


@dataclass
class _Used:
    """One feed during a load; `aside` are rows left out: 1 takes the tenant's last good row, 2 none."""

    known: Known
    source: RowSource
    strict: bool
    aside: dict[int, int] = field(default_factory=dict)
    words: dict[int, list[str]] = field(default_factory=dict)


class FeedLoad:
    """The feeds of one load of the configuration, over all its passes.

    `anew` asks every feed again; without it, what is known is used. A row with a mistake is a mistake of the
    load where its feed is new; where good rows of it are known, the row is set aside in the next pass.
    """

    def __init__(self, feeds: Feeds, *, anew: bool) -> None:
        """Begin a load."""
        self.feeds = feeds
        self._anew = anew
        self._used: dict[Key, _Used] = {}
        self._workshops: dict[str, Workshop] = {}

    def rows(self, question: Question) -> tuple[RowSource, list[tuple[int, Any]]]:
        """Return the source of all rows, and those to use with their index; FeedProblem without answer."""
        key = (question.integration, question.kind)
        used = self._used.get(key)
        if used is None or used.known.question != question:
            used = self._used[key] = self._asked(key, question)
        return used.source, list(_effective(used))

    def _asked(self, key: Key, question: Question) -> _Used:
        old = self.feeds.known(key)
        if old is not None and old.question.place != question.place:
            old = None
        if old is None and question.cache_file:
            old = _cached(question)
        known = Known(question)
        if old is not None:
            known = Known(question, old.rows, old.good, None, old.answered, old.failure)
        if old is None or self._anew or old.question != question or old.answered is None:
            try:
                known.take(same(known.rows, question.ask()), self.feeds.now())
            except FeedProblem as problem:
                if old is None:
                    raise
                known.failure = str(problem)
        return _Used(known, RowSource(question.shown, known.rows), strict=old is None)

    def workshop(self, integration: str, context: Any) -> Workshop:
        """Return what was made of the rows of an integration, nothing of it in another context."""
        last = self.feeds.workshops.get(integration)
        kept = last.made if last is not None and last.context == context else {}
        made = self._workshops[integration] = Workshop(context, kept=kept)
        return made

    def set_aside(self, mistakes: Iterable[Mistake]) -> bool:
        """Leave out rows that `mistakes` are about; return whether another pass may do better."""
        found = False
        for mistake in mistakes:
            for used in self._used.values():
                index = None if used.strict else used.source.index_of(mistake.file)
                if index is None:
                    continue
                used.words.setdefault(index, []).append(str(mistake))
                found = True
        for used in self._used.values():
            for index in used.words:
                used.aside[index] = used.aside.get(index, 0) + 1
            used.known.refused = (
                *used.known.refused,
                *(line for lines in used.words.values() for line in lines),
            )
            used.words.clear()
        return found

    def commit(self, clean: Callable[[str], str]) -> None:
        """Make what was loaded the configuration in force; `clean` stars credentials in what is told."""
        known: dict[Key, Known] = {}
        for key, used in self._used.items():
            now = known[key] = used.known
            good = {tenant_of(row): row for _, row in _effective(used)}
            changed = good != now.good
            now.good, now.loaded = good, now.rows
            now.refused = tuple(dict.fromkeys(map(clean, now.refused)))
            file = now.question.cache_file
            if file and (changed or not os.path.exists(file)):  # noqa: PTH110 -- beside os.path elsewhere
                _keep(now)
        for workshop in self._workshops.values():
            workshop.kept = {}
        self.feeds.replace(known, self._workshops)

    def shortened(self, mistakes: Iterable[Mistake]) -> list[Mistake]:
        """Return `mistakes`, of each feed at most the first ones, and how many there are more."""
        kept: list[Mistake] = []
        of_feeds: dict[str, list[tuple[int, Mistake]]] = {}
        for mistake in mistakes:
            for used in self._used.values():
                if (index := used.source.index_of(mistake.file)) is not None:
                    of_feeds.setdefault(used.source.name, []).append((index, mistake))
                    break
            else:
                kept.append(mistake)
        for name, found in of_feeds.items():
            found.sort()
            kept += [mistake for _, mistake in found[:SHOWN]]
            if len(found) > SHOWN:
                kept.append(
                    Mistake(name, 0, f"{len(found) - SHOWN} more mistakes in rows", "mend these first")
                )
        return kept


def _effective(used: _Used) -> Iterable[tuple[int, Any]]:
    if not used.aside:
        yield from enumerate(used.source.value)
        return
    whole = {tenant_of(row) for index, row in enumerate(used.source.value) if index not in used.aside}
    for index, row in enumerate(used.source.value):
        level = used.aside.get(index, 0)
        tenant = tenant_of(row)
        if not level:
            yield index, row
        elif level == 1 and tenant in used.known.good and tenant not in whole:
            whole.add(tenant)
            yield index, used.known.good[tenant]


def _cached(question: Question) -> Known | None:
    rows = cache.load(question.cache_file, question.place)
    if rows is None:
        return None
    return Known(question, rows, {tenant: row for row in rows if (tenant := tenant_of(row))})


def _keep(known: Known) -> None:
    try:
        cache.save(known.question.cache_file, known.question.place, list(known.good.values()))
    except OSError as error:
        known.failure = (
            f"the file `cache` cannot be written: {error.strerror}; let the exporter's user write there"
        )
