"""The lines of one family, kept in shards of some hundred keys each.

A scrape joins shards, not series: only those that changed since the last one are put together again. A
shard keeps its lines once, as one piece of bytes and the places where each key's part ends, because at
700,000 series every object more per series is 30 MB.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence

from exporter.core.metric import Metric
from exporter.exposition.lines import drop_duplicates, go_float, head, openmetrics_head
from exporter.exposition.members import CompressedPiece, compress

SLOTS = 256
"""Keys in a shard: 256 lines are some 25 KB, about the window of the compressor."""

LOOSE = 128
"""Keys whose new lines may lie about unjoined, scraped or not: loose ones take twice the room."""


class Segment:
    """A piece of the body that changes as a whole: `body`, and its compressed form once it was asked for."""

    __slots__ = ("_compressed", "body")

    def __init__(self, body: bytes = b"") -> None:
        """Start with `body`."""
        self.body = body
        self._compressed: CompressedPiece | None = None

    def replace(self, body: bytes) -> None:
        """Put another body in place."""
        self.body = body
        self._compressed = None

    @property
    def compressed(self) -> CompressedPiece:
        """The compressed body, made at the first call after a change."""
        if self._compressed is None:
            self._compressed = compress(self.body)
        return self._compressed


class ExpositionShard(Segment):
    """The lines of one family of the keys of one group.

    `with_exemplars` is the same shard with exemplars behind its lines, None while no line has one: all
    formats share the lines that have none.
    """

    # `_pending` is what waits to be taken in, by slot: new lines, or new values for the lines that are there.
    # Values are written when they are taken in, many at once: one by one they would take twice the time.
    __slots__ = ("_ends", "_pending", "series", "with_exemplars")

    def __init__(self) -> None:
        """Start without lines."""
        super().__init__()
        self.series = 0
        self.with_exemplars: ExpositionShard | None = None
        self._ends = array("I", bytes(4 * SLOTS))
        self._pending: dict[int, bytes | Sequence[float]] = {}

    def put(self, slot: int, lines: bytes, with_exemplars: bytes | None = None) -> bool:
        """Put the lines of the key in `slot`; return whether that leaves anything to join.

        `with_exemplars` are the same lines with exemplars, None where they have none.
        """
        if with_exemplars is not None and self.with_exemplars is None:
            self.with_exemplars = self._copy()
        if self.with_exemplars is None:
            return self._put(slot, lines)
        changed = self._put(slot, lines)
        return self.with_exemplars._put(slot, lines if with_exemplars is None else with_exemplars) or changed

    def segment(self, *, exemplars: bool) -> Segment:
        """Return what a body shows of it."""
        return self.with_exemplars if exemplars and self.with_exemplars is not None else self

    def has(self, slot: int) -> bool:
        """Return whether the key in `slot` has lines."""
        pending = self._pending.get(slot)
        if pending is not None:
            return bool(pending)
        return self._ends[slot] > (self._ends[slot - 1] if slot else 0)

    def _copy(self) -> "ExpositionShard":
        made = ExpositionShard()
        made.replace(self.body)
        # `_ends` may be shared: joining replaces it, nothing writes into it.
        made._ends, made._pending = self._ends, dict(self._pending)
        return made

    def _put(self, slot: int, lines: bytes) -> bool:
        if slot not in self._pending:
            start = self._ends[slot - 1] if slot else 0
            end = self._ends[slot]
            # Most runs change nothing in most families: a shard that stays needs neither joining nor
            # compressing.
            if end - start == len(lines) and self.body.startswith(lines, start):
                return False
        self._lay(slot, lines)
        return True

    def move(self, slot: int, values: Sequence[float], ends: Mapping[int, bytes] | None = None) -> bool:
        """Give the lines of the key in `slot` other values, in their order; False if they do not fit.

        `values` are kept as they are until they are written. `ends` are what exemplars add to lines, by their
        place; None is for keys that do not say which.
        """
        if ends is None and self.with_exemplars is not None:
            return False
        known = self._pending.get(slot)
        if isinstance(known, bytes):
            return self._move_lines(slot, known, values, ends)
        if known is None:
            start, end = self._ends[slot - 1] if slot else 0, self._ends[slot]
            lines = self.body.count(b"\n", start, end)
        else:
            lines = len(known)
        if lines != len(values):
            return False
        if ends is None:
            self._lay(slot, values)
            return True
        start, end = self._ends[slot - 1] if slot else 0, self._ends[slot]
        return self._move_lines(slot, self.body[start:end], values, ends)

    def _move_lines(
        self, slot: int, old: bytes, values: Sequence[float], ends: Mapping[int, bytes] | None
    ) -> bool:
        """Lay `old` with other values; False if they do not fit."""
        lines = old.split(b"\n")  # with an empty piece behind the last line
        if len(lines) != len(values) + 1:
            return False
        lines = list(map(_replace_value, lines, values))
        self._lay_both(slot, b"".join(lines), _append_ends(lines, ends) if ends else None)
        return True

    def _lay_both(self, slot: int, lines: bytes, with_exemplars: bytes | None = None) -> None:
        if with_exemplars is not None and self.with_exemplars is None:
            self.with_exemplars = self._copy()
        self._lay(slot, lines)
        if self.with_exemplars is not None:
            self.with_exemplars._lay(slot, lines if with_exemplars is None else with_exemplars)

    def _lay(self, slot: int, waiting: bytes | Sequence[float]) -> None:
        self._pending[slot] = waiting
        if len(self._pending) >= LOOSE:
            self._take_in()

    def join(self) -> None:
        """Take in what was put since the last join."""
        if self.with_exemplars is not None:
            self.with_exemplars.join()
        if self._pending:
            self._take_in()

    def _take_in(self) -> None:
        """Splice what waits into the body: most slots of a shard stay as they are, and are copied in runs."""
        old, old_ends = self.body, self._ends
        parts: list[bytes] = []
        # Ends, not lengths: a slot is found without adding up those before it.
        ends = array("I")
        copied = slot = shift = 0
        for place in sorted(self._pending):
            lines = self._pending[place]
            start, end = old_ends[place - 1] if place else 0, old_ends[place]
            if not isinstance(lines, bytes):
                lines = _with_values(old, start, end, lines)
            if slot != place:
                parts.append(old[copied:start])
                ends += _shift(old_ends[slot:place], shift)
            parts.append(lines)
            shift += len(lines) - (end - start)
            ends.append(end + shift)
            copied, slot = end, place + 1
        parts.append(old[copied:])
        ends += _shift(old_ends[slot:], shift)
        self.replace(b"".join(parts))
        self._ends, self._pending = ends, {}
        self.series = self.body.count(b"\n")


class MetricFamily:
    """One metric family: its head in both formats and its shards by the number of their group.

    `shape` are the label names that its first key had in common. `stale` tells a mixed family that its
    shards changed.
    """

    __slots__ = ("_whole", "heads", "metric", "shape", "shards", "stale")

    def __init__(self, metric: Metric, shape: tuple[str, ...]) -> None:
        """Start without shards."""
        self.metric = metric
        self.shape = shape
        self.stale = True
        self.shards: dict[int, ExpositionShard] = {}
        self.heads = (
            Segment(head(metric)),
            Segment(openmetrics_head(metric)),
            Segment(openmetrics_head(metric, stem_taken=True)),
        )
        self._whole: Segment | None = None

    @property
    def mixed(self) -> bool:
        """Tell whether two of its keys might hold the same series."""
        return self._whole is not None

    def mix(self) -> None:
        """Take note, for good, that keys might hold the same series: it is then joined line by line."""
        if self._whole is None:
            self._whole = Segment()
            self.stale = True

    @property
    def series(self) -> int:
        """How many series it has."""
        if self._whole:
            return self._whole.body.count(b"\n")
        return sum(shard.series for shard in self.shards.values())

    def segments(self, *, exemplars: bool = False) -> Iterator[Segment]:
        """Yield the joined shards, in the order of their groups, or the one piece of a mixed family.

        A mixed family shows no `exemplars`: it is weeded by lines that end with their value.
        """
        if self._whole:
            yield self._whole
            return
        for number in sorted(self.shards):
            yield self.shards[number].segment(exemplars=exemplars)

    def drop_duplicates(self) -> int:
        """Join a mixed family that changed, each series once; return how many doubles were left out."""
        self.stale = False
        body, doubles = drop_duplicates(b"".join(self.shards[number].body for number in sorted(self.shards)))
        self._whole = Segment(body)
        return doubles


def _shift(ends: "array[int]", by: int) -> "array[int]":
    return array("I", [end + by for end in ends]) if by else ends


def _append_ends(lines: list[bytes], ends: Mapping[int, bytes]) -> bytes:
    """Return `lines` as one, with what exemplars add to some."""
    marked = lines.copy()
    for place, end in ends.items():
        marked[place] = b"%b%b\n" % (marked[place][:-1], end)
    return b"".join(marked)


def _with_values(body: bytes, start: int, end: int, values: Sequence[float]) -> bytes:
    """Return the lines of `body` from `start` to `end` with other values, one for each."""
    if len(values) == 1:
        return b"%b%b\n" % (body[start : body.rindex(b" ", start, end) + 1], go_float(values[0]).encode())
    return b"".join(map(_replace_value, body[start:end].split(b"\n"), values))


def _replace_value(line: bytes, value: float) -> bytes:
    """Return `line` with another value: that is what stands behind its last space."""
    return b"%b%b\n" % (line[: line.rindex(b" ") + 1], go_float(value).encode())
