"""The feeds during one load of the configuration: asked once, and rows with a mistake are left out."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from exporter.config.feeds import cache
from exporter.config.feeds.feeds import SHOWN, FeedKey, FeedMemory, FeedRequest, Feeds, same
from exporter.config.feeds.row import FeedProblem, RowSource, foreign_keys, names, remedy_of, tenant_of
from exporter.config.feeds.row_cache import RowCache
from exporter.core.errors import ConfigIssue


@dataclass
class _Used:
    """One feed during a load; `new` is a feed without any memory.

    `aside` are rows left out, by index: 1 takes the tenant's last good row, 2 none. `wrong` says why.
    `returned` says that the last good rows are used, because none of the answer is good.
    """

    known: FeedMemory
    source: RowSource
    new: bool
    aside: dict[int, int] = field(default_factory=dict)
    wrong: list[tuple[int, ConfigIssue]] = field(default_factory=list)
    returned: bool = False

    def effective(self) -> Iterator[tuple[int, Any]]:
        """Yield the rows to use with their index, last good ones in the place of those left out."""
        if not self.aside:
            yield from enumerate(self.source.value)
            return
        whole = {tenant_of(row) for index, row in enumerate(self.source.value) if index not in self.aside}
        for index, row in enumerate(self.source.value):
            level, tenant = self.aside.get(index, 0), tenant_of(row)
            if not level:
                yield index, row
            elif level == 1 and tenant in self.known.good and tenant not in whole:
                whole.add(tenant)
                yield index, self.known.good[tenant]

    def return_to_good(self) -> None:
        """Take the last good rows in the place of an answer without any: it is doubted as an empty one is."""
        if self.known.good and not self.returned and next(self.effective(), None) is None:
            self.source = RowSource(self.source.name, list(self.known.good.values()))
            self.aside, self.returned = {}, True


class FeedLoad:
    """The feeds of one load of the configuration, over all its passes.

    `fresh` asks every feed again; without it, what is known is used. A row with a mistake is left out in the
    next pass, and the tenant's last good row takes its place. The first load of a process, a start, takes
    whatever comes; a later one does not take a new feed that gives no good row: what is in force is better.
    """

    def __init__(self, feeds: Feeds, *, fresh: bool) -> None:
        """Begin a load."""
        self.feeds = feeds
        self._fresh = fresh
        self._starting = not feeds.loaded
        self._used: dict[FeedKey, _Used] = {}
        self._row_caches: dict[str, RowCache] = {}

    def rows(self, question: FeedRequest) -> tuple[RowSource, list[tuple[int, Any]]]:
        """Return the source of all rows, and those to use with their index.

        FeedProblem where a feed that is new in a running exporter gives no answer.
        """
        key = (question.integration, question.kind)
        used = self._used.get(key)
        if used is None or used.known.question != question:
            used = self._used[key] = self._ask(key, question)
        return used.source, list(used.effective())

    def _ask(self, key: FeedKey, question: FeedRequest) -> _Used:
        old = self.feeds.memory_of(key)
        # Another address or query is another source: the last good rows are not its own.
        if old is not None and old.question.place != question.place:
            old = None
        if old is None and question.cache_file:
            old = _cached(question)
        known = replace(old, question=question, loaded=None, refused=()) if old else FeedMemory(question)
        if old is None or self._fresh or old.question != question or old.answered is None:
            try:
                # Equal rows become the objects of before, so that every later comparison is one by identity.
                rows = same(known.rows, question.ask())
                known.take(rows, self.feeds.now(), by_hand=self._fresh and not self._starting)
            except FeedProblem as problem:
                # A start goes on without the rows; a reload keeps the configuration that is in force.
                if old is None and not self._starting:
                    raise
                known.failure = str(problem)
        return _Used(known, RowSource(question.label, known.rows), new=old is None)

    def row_cache(self, integration: str, context: Any) -> RowCache | None:
        """Return what was made of the rows of an integration, nothing of it in another context.

        None where no other load comes, for which it would be kept.
        """
        if not self.feeds.reloads:
            return None
        last = self.feeds.row_caches.get(integration)
        earlier = last.rows if last is not None and last.context == context else {}
        made = self._row_caches[integration] = RowCache(context, earlier=earlier)
        return made

    def holds(self, place: str, file: str) -> bool:
        """Return whether the last good row of the tenant of the row at `place` names the secret `file`."""
        for used in self._used.values():
            if (index := used.source.index_of(place)) is not None:
                return names(used.known.good.get(tenant_of(used.source.value[index])), file)
        return False

    def set_aside(
        self, mistakes: Iterable[ConfigIssue], clean: Callable[[str], str], *, for_good: bool
    ) -> bool:
        """Leave out rows that `mistakes` are about; return whether another pass may do better.

        `clean` redacts credentials in their words. With `for_good` no last good rows take the place
        of any: then the next pass finds no more mistakes.
        """
        found: set[tuple[FeedKey, int]] = set()
        for mistake in mistakes:
            for key, used in self._used.items():
                if (index := used.source.index_of(mistake.file)) is not None:
                    used.wrong.append((index, _worded(mistake, used, clean)))
                    found.add((key, index))
        for key, index in found:
            aside = self._used[key].aside
            aside[index] = aside.get(index, 0) + 1
        for used in self._used.values():
            if for_good:
                # Last good rows may be wrong under the new configuration, too: level 2 takes none.
                used.aside = dict.fromkeys(used.aside, 2)
            elif used.source.value:
                used.return_to_good()
        return bool(found)

    def fruitless(self) -> list[ConfigIssue]:
        """Return the mistakes of feeds without one good row, where another load is in force."""
        return [
            mistake
            for used in self._used.values()
            if used.source.value and not self._starting and (used.new or used.known.good)
            if next(used.effective(), None) is None
            for _, mistake in used.wrong
        ]

    def commit(self) -> None:
        """Make what was loaded the configuration in force."""
        known: dict[FeedKey, FeedMemory] = {}
        for key, used in self._used.items():
            now = known[key] = used.known
            good = {tenant_of(row): row for _, row in used.effective()}
            changed = good != now.good
            now.good, now.loaded = good, now.rows
            now.refused = tuple(dict.fromkeys(str(mistake) for _, mistake in sorted(used.wrong)))
            now.foreign = foreign_keys(now.rows)
            file = now.question.cache_file
            # Only an answer without rows may empty the file: rows that are all wrong may not.
            believed = bool(now.answered) and bool(good or not now.rows)
            if file and believed and (changed or not os.path.exists(file)):  # noqa: PTH110 -- as elsewhere
                _keep(now)
        for row_cache in self._row_caches.values():
            # Else each load would hold the rows of all loads before it.
            row_cache.earlier = {}
        self.feeds.replace(known, self._row_caches)

    def shortened(self, mistakes: Iterable[ConfigIssue]) -> list[ConfigIssue]:
        """Return `mistakes`, of each feed at most the first ones, and how many there are more."""
        kept: list[ConfigIssue] = []
        of_feeds: dict[str, list[tuple[int, ConfigIssue]]] = {}
        for mistake in mistakes:
            for used in self._used.values():
                if (index := used.source.index_of(mistake.file)) is not None:
                    of_feeds.setdefault(used.source.name, []).append((index, _worded(mistake, used)))
                    break
            else:
                kept.append(mistake)
        for name, found in of_feeds.items():
            found.sort()
            kept += [mistake for _, mistake in found[:SHOWN]]
            if len(found) > SHOWN:
                more = len(found) - SHOWN
                kept.append(ConfigIssue(name, 0, f"{more} more mistakes in rows", "fix these first"))
        return kept


def _worded(mistake: ConfigIssue, used: _Used, clean: Callable[[str], str] = str) -> ConfigIssue:
    remedy = remedy_of(used.known.question.kind, mistake.remedy)
    return ConfigIssue(clean(mistake.file), mistake.line, clean(mistake.what), clean(remedy))


def _cached(question: FeedRequest) -> FeedMemory | None:
    rows = cache.load(question.cache_file, question.place)
    if rows is None:
        return None
    return FeedMemory(question, rows, {tenant: row for row in rows if (tenant := tenant_of(row))})


def _keep(known: FeedMemory) -> None:
    try:
        cache.save(known.question.cache_file, known.question.place, list(known.good.values()))
    except OSError as error:
        known.failure = (
            f"the file `cache` cannot be written: {error.strerror}; let the exporter's user write there"
        )
