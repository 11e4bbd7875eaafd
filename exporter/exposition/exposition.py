"""Every series of the exporter's targets, ready to be scraped."""

import asyncio
import io
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import count
from typing import NamedTuple

from prometheus_client.registry import Collector

from exporter.core.metric import Kind, Labels, Metric
from exporter.exposition.lines import (
    EOF,
    Exemplar,
    Exemplars,
    Series,
    add_exemplars,
    chunks,
    exemplar_suffix,
    exemplar_suffixes,
    shape,
)
from exporter.exposition.members import Member, compress
from exporter.exposition.own_process import registry_text
from exporter.exposition.shards import SLOTS, ExpositionShard, MetricFamily, Segment

SLICE = 0.003
"""Seconds that a render in slices keeps the loop at a time."""

ROUNDS = 4
"""How often such a render goes for what changed meanwhile, before it takes the rest at once."""

_END = Segment(EOF)


class _Record(NamedTuple):
    """Where the lines of a key are, a hash of the labels that they have in common, and its pace."""

    place: int
    identity: int
    pace: Hashable


class Exposition:
    """Series by key: `put` renders them when they change, `render` joins them when they are asked for.

    A key stands for a target or another owner of series. Keys of one pace share shards in the order of their
    first `put`: give those that change at about the same time one after another, and few shards are touched
    by each. `settle` does the next scrape's work ahead of it. Not thread-safe: it belongs to the loop.

    `duplicates` counts the series that were left out because the body had the same series already: the
    line that comes first wins. A double that stays is counted each time that its family is joined again.
    """

    def __init__(self) -> None:
        """Start without series."""
        self.duplicates = 0
        self._families: dict[str, MetricFamily] = {}
        self._groups: dict[int, dict[str, ExpositionShard]] = {}
        self._records: dict[Hashable, _Record] = {}
        self._owners: dict[int, Hashable] = {}
        self._sharers: dict[int, set[Hashable]] = {}  # where several keys have the same common labels
        self._free: dict[Hashable, list[int]] = {}
        self._open: dict[Hashable, int] = {}
        self._numbers = count()
        # With the round in which each changed last: `settle` leaves alone what is still changing.
        self._dirty: dict[tuple[str, int], int] = {}
        self._round = 0

    @property
    def unsettled(self) -> int:
        """How many shards changed and are to be joined by the next `settle` or scrape."""
        return len(self._dirty)

    def put(
        self,
        key: Hashable,
        common: Labels,
        samples: Iterable[Series],
        exemplars: Exemplars | None = None,
        pace: Hashable = None,
    ) -> None:
        """Make `samples` the series of `key`, in place of those it had.

        Each is (metric, its own labels, value); its labels are `common` and its own ones, unescaped. Label
        names must be legal already. `exemplars` are shown in OpenMetrics only, behind the counters they
        belong to. `pace` is how often the key changes, where that is known when it comes: a key that changes
        often would have the lines of its quiet neighbours joined and compressed with its own.
        """
        number, slot = divmod(self._place(key, common, pace), SLOTS)
        self._groups.setdefault(number, {})
        written = self._put(key, common, samples, exemplars)
        # Families that the key had before and has no longer.
        for name in self._groups[number].keys() - written:
            self._write(name, number, slot, b"")

    def update(self, key: Hashable, common: Labels, samples: Iterable[Series]) -> None:
        """Put `samples` in place of those that `key` had in the same families, and leave its other ones.

        `common` must be that of the last `put` for `key`; without one this is a KeyError.
        """
        self._put(key, common, samples, None)

    def move(
        self,
        key: Hashable,
        values: Iterable[tuple[str, Sequence[float]]],
        exemplars: Mapping[int, Exemplar] | None = None,
    ) -> bool:
        """Give lines that `key` has other values, their labels as they are; return whether that went.

        `values` are by the name of the family, one for each line of `key` in it, in the order in which they
        were put. Where they do not fit to the lines, some may have been moved: put or update them all then.
        `exemplars` are all those of `key`, by the place of their line, where it has one family alone; without
        them lines that share a shard with exemplars are not moved.
        """
        record = self._records.get(key)
        if record is None:
            return False
        number, slot = divmod(record.place, SLOTS)
        group = self._groups[number]
        ends = None if exemplars is None else {at: exemplar_suffix(one) for at, one in exemplars.items()}
        for name, numbers in values:
            shard = group.get(name)
            if shard is None or not shard.move(slot, numbers, ends):
                return False
            self._dirty[name, number] = self._round
        return True

    def _put(
        self, key: Hashable, common: Labels, samples: Iterable[Series], exemplars: Exemplars | None
    ) -> Set[str]:
        """Write the lines of `key`; return the names of their families."""
        lines, doubles = chunks(common, samples)
        ends = exemplar_suffixes(common, exemplars) if exemplars else {}
        self.duplicates += doubles
        number, slot = divmod(self._records[key].place, SLOTS)
        names = shape(common)
        for name, (metric, text) in lines.items():
            family = self._families.get(name)
            if family is None:
                family = self._families[name] = MetricFamily(metric, names)
            # Two keys with the same labels may hold one series twice: their family is weeded line by line.
            if family.shape != names or self._shares(key, name):
                family.mix()
            self._write(name, number, slot, text, add_exemplars(text, ends[name]) if name in ends else None)
        return lines.keys()

    def drop(self, key: Hashable) -> None:
        """Forget the series of `key`; an unknown key is not a mistake."""
        record = self._records.pop(key, None)
        if record is None:
            return
        self._erase(record)
        self._disown(key, record)
        self._free.setdefault(record.pace, []).append(record.place)

    def settle(self, *, openmetrics: bool, quiet: bool = False) -> Iterator[None]:
        """Join and compress what changed, one shard at a step; other work may come between the steps.

        With `quiet` what changed since the last call is left for a later one: it will change again.
        """
        this, self._round = self._round, self._round + 1
        for place, changed in tuple(self._dirty.items()):
            # A scrape between two steps may have taken it.
            if (quiet and changed == this) or self._dirty.pop(place, None) is None:
                continue
            shard = self._join_shard(*place)
            if shard is not None:
                _ = shard.segment(exemplars=openmetrics).compressed
            yield

    def counts(self) -> dict[str, int]:
        """Return the number of series of each family, by the name of its metric."""
        self._join()
        return {name: family.series for name, family in sorted(self._families.items())}

    def render(self, openmetrics: bool, gzip: bool, registry: Collector | None = None) -> bytes:
        """Return the whole body in one go; `registry` holds metrics of the process to append."""
        self._join()
        segments = self._segments(openmetrics, registry)
        if not gzip:
            return b"".join([segment.body for segment in segments])
        member = Member()
        member.extend([segment.compressed for segment in segments])
        return member.finish()

    async def render_async(self, openmetrics: bool, gzip: bool, registry: Collector | None = None) -> bytes:
        """Return the same body, giving the loop a turn every few milliseconds.

        All of it is as of one moment: the one when the last shard was joined.
        """
        turns = Turns()
        for _ in range(ROUNDS):
            for _ in self._join_steps():
                await turns.over()
            if not self._dirty:
                break
        self._join()
        # Bodies are immutable: held here, they stay of this moment while the loop goes on between the slices.
        segments = [(segment, segment.body) for segment in self._segments(openmetrics, registry)]
        return await (_gzip if gzip else _concatenate)(segments, turns)

    def _place(self, key: Hashable, common: Labels, pace: Hashable) -> int:
        """Return the place of `key`, a new one if need be, and claim its common labels for it."""
        identity = hash(tuple(sorted(common)))
        record = self._records.get(key)
        if record is None or record.identity != identity:
            if record is not None:
                # Its lines of before say nothing of the keys that it shares its new labels with.
                self._erase(record)
                self._disown(key, record)
            place, pace = (record.place, record.pace) if record else (self._free_place(pace), pace)
            record = self._records[key] = _Record(place, identity, pace)
        owner = self._owners.setdefault(identity, key)
        if owner != key:
            self._sharers.setdefault(identity, {owner}).add(key)
        return record.place

    def _free_place(self, pace: Hashable) -> int:
        if free := self._free.get(pace):
            return free.pop()
        place = self._open.get(pace, 0)
        if place % SLOTS == 0:  # the group is full, or this is the first key of its pace
            place = next(self._numbers) * SLOTS
        self._open[pace] = place + 1
        return place

    def _disown(self, key: Hashable, record: _Record) -> None:
        sharers = self._sharers.get(record.identity, set())
        sharers.discard(key)
        if self._owners.get(record.identity) == key:
            del self._owners[record.identity]
            if sharers:
                self._owners[record.identity] = next(iter(sharers))
        if len(sharers) < 2:
            self._sharers.pop(record.identity, None)

    def _erase(self, record: _Record) -> None:
        number, slot = divmod(record.place, SLOTS)
        for name in self._groups[number]:
            self._write(name, number, slot, b"")

    def _shares(self, key: Hashable, name: str) -> bool:
        """Return whether another key with the labels of `key` has lines in the family that it writes to."""
        sharers = self._sharers.get(self._records[key].identity)
        # A key that is in the family already was compared when it came.
        if sharers is None or self._has(key, name):
            return False
        return any(other != key and self._has(other, name) for other in sharers)

    def _has(self, key: Hashable, name: str) -> bool:
        number, slot = divmod(self._records[key].place, SLOTS)
        shard = self._groups[number].get(name)
        return shard is not None and shard.has(slot)

    def _write(
        self, name: str, number: int, slot: int, text: bytes, with_exemplars: bytes | None = None
    ) -> None:
        group = self._groups[number]
        shard = group.get(name)
        if shard is None:
            shard = group[name] = self._families[name].shards[number] = ExpositionShard()
        if shard.put(slot, text, with_exemplars):
            self._dirty[name, number] = self._round

    def _join(self) -> None:
        for _ in self._join_steps():
            pass

    def _join_steps(self) -> Iterator[None]:
        """Join what changed, one shard or mixed family at a step; other work may come between the steps."""
        while self._dirty:
            (name, number), _ = self._dirty.popitem()
            self._join_shard(name, number)
            yield
        for family in [family for family in self._families.values() if family.mixed and family.stale]:
            self.duplicates += family.drop_duplicates()
            yield

    def _join_shard(self, name: str, number: int) -> ExpositionShard | None:
        """Join a shard that changed; return it if its own bytes are shown."""
        family = self._families[name]
        shard = family.shards[number]
        shard.join()
        family.stale = True
        if not shard.body:
            self._remove(name, number)
            return None
        return None if family.mixed else shard

    def _remove(self, name: str, number: int) -> None:
        family = self._families[name]
        del family.shards[number], self._groups[number][name]
        if not family.shards:
            del self._families[name]

    def _segments(self, openmetrics: bool, registry: Collector | None) -> Iterator[Segment]:
        for name in sorted(self._families):
            family = self._families[name]
            untyped = _stem(family.metric) in self._families  # and no counter then
            yield family.heads[1 + untyped if openmetrics else 0]
            yield from family.segments(exemplars=openmetrics and not untyped)
        if registry is not None:
            taken = {_stem(family.metric) or name for name, family in self._families.items()}
            taken = taken if openmetrics else set(self._families)
            yield Segment(registry_text(registry, openmetrics=openmetrics, taken=taken))
        if openmetrics:
            yield _END


class Turns:
    """Gives the loop a turn when this task has held it long enough."""

    def __init__(self) -> None:
        """Begin a slice."""
        self._since = time.perf_counter()

    async def over(self) -> None:
        """Let others run if the slice is used up."""
        if time.perf_counter() - self._since > SLICE:
            await asyncio.sleep(0)
            self._since = time.perf_counter()


async def _concatenate(segments: list[tuple[Segment, bytes]], turns: Turns) -> bytes:
    # Joining 80 MB at once would hold the loop for tens of milliseconds; getvalue() copies nothing.
    body = io.BytesIO()
    for _, part in segments:
        body.write(part)
        await turns.over()
    return body.getvalue()


async def _gzip(segments: list[tuple[Segment, bytes]], turns: Turns) -> bytes:
    member = Member()
    for segment, part in segments:
        # Another render may have joined the shard again since: then what is cached is of another body.
        member.extend((segment.compressed if segment.body is part else compress(part),))
        await turns.over()
    return member.finish()


def _stem(metric: Metric) -> str:
    """Return the name of a counter's family in OpenMetrics, "" for other kinds."""
    return metric.name.removesuffix("_total") if metric.kind is Kind.COUNTER else ""
