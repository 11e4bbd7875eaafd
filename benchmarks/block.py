"""Writes a block of Prometheus' database in seconds, however many series it has.

Series of one shape share the bytes of their samples: only the index is written for each. Reading costs
Prometheus as much as if it had written the block itself. Formats: github.com/prometheus/prometheus,
tsdb/docs/format/chunks.md and index.md.
"""

import json
import struct
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from benchmarks.bits import Bits, crc, uvarint, varint

SAMPLES = 120
"""Samples of a chunk, as Prometheus cuts them."""

_CHUNKS_MAGIC = struct.pack(">IB3x", 0x85BD40DD, 1)
_INDEX_MAGIC = struct.pack(">IB", 0xBAAAD700, 2)
_XOR = b"\x01"
Labels = tuple[tuple[str, str], ...]
Shape = Sequence[float]
"""The values of a series, one for each moment of the block."""


@dataclass(frozen=True)
class Moments:
    """The times of the samples: `count` from `start` on (milliseconds), `step` apart."""

    start: int
    step: int
    count: int

    @property
    def end(self) -> int:
        """The time of the last sample."""
        return self.start + (self.count - 1) * self.step


def encode(values: Shape, start: int, step: int) -> bytes:
    """Return the samples as an XOR chunk."""
    bits = Bits(struct.pack(">H", len(values)) + varint(start) + struct.pack(">d", values[0]))
    before = _as_bits(values[0])
    for index, value in enumerate(values[1:], start=1):
        if index == 1:
            bits.add_bytes(uvarint(step))
        else:
            bits.add(0, 1)  # as far from the one before as that from its own
        now = _as_bits(value)
        _add_difference(bits, before ^ now)
        before = now
    return bits.done()


def _as_bits(value: float) -> int:
    found: int = struct.unpack(">Q", struct.pack(">d", value))[0]
    return found


def _add_difference(bits: Bits, difference: int) -> None:
    if difference == 0:
        bits.add(0, 1)
        return
    leading = min(31, 64 - difference.bit_length())
    trailing = (difference & -difference).bit_length() - 1
    significant = 64 - leading - trailing
    bits.add(0b11, 2)
    bits.add(leading, 5)
    bits.add(significant % 64, 6)
    bits.add(difference >> trailing, significant)


class Chunks:
    """The file of chunks; each shape is written once."""

    def __init__(self, moments: Moments) -> None:
        """Begin the file."""
        self._moments = moments
        self.content = bytearray(_CHUNKS_MAGIC)
        self._known: dict[int, bytes] = {}
        self._kept: list[Shape] = []

    def of(self, values: Shape) -> bytes:
        """Return what the index says of the chunks of a series with `values`."""
        # By identity: to compare hundreds of values for each series would take longer than all the rest.
        if id(values) not in self._known:
            self._known[id(values)] = self._write(values)
            self._kept.append(values)
        return self._known[id(values)]

    def _write(self, values: Shape) -> bytes:
        entry = bytearray()
        moments, last, reference = self._moments, 0, 0
        parts = range(0, len(values), SAMPLES)
        entry += uvarint(len(parts))
        for first in parts:
            part = values[first : first + SAMPLES]
            begin = moments.start + first * moments.step
            end = begin + (len(part) - 1) * moments.step
            place = len(self.content)
            body = encode(part, begin, moments.step)
            self.content += uvarint(len(body)) + _XOR + body + crc(_XOR + body)
            if first == 0:
                entry += varint(begin) + uvarint(end - begin) + uvarint(place)
            else:
                entry += uvarint(begin - last) + uvarint(end - begin) + varint(place - reference)
            last, reference = end, place
        return bytes(entry)


def write_block(folder: Path, moments: Moments, series: Callable[[], Iterable[tuple[Labels, Shape]]]) -> int:
    """Write the block below `folder`, the database; return how many series it has.

    `series` is called twice, so that they need not all be in memory. They come in the order of their labels,
    and the labels of each sorted by name.
    """
    ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    place = folder / ulid
    (place / "chunks").mkdir(parents=True)
    chunks = Chunks(moments)
    words = sorted({word for labels, _ in series() for pair in labels for word in pair})
    entries = ((labels, chunks.of(values)) for labels, values in series())
    count = _write_index(place / "index", words, entries)
    (place / "chunks" / "000001").write_bytes(chunks.content)
    stats = {"numSamples": count * moments.count, "numSeries": count, "numChunks": count}
    meta = {
        "version": 1,
        "ulid": ulid,
        "minTime": moments.start,
        "maxTime": moments.end + 1,
        "stats": stats,
        "compaction": {"level": 1, "sources": [ulid]},
    }
    (place / "meta.json").write_text(json.dumps(meta))
    return count


def _section(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content + crc(content)


def _text(text: str) -> bytes:
    raw = text.encode()
    return uvarint(len(raw)) + raw


def _write_index(path: Path, words: Sequence[str], series: Iterable[tuple[Labels, bytes]]) -> int:
    numbers = {word: uvarint(number) for number, word in enumerate(words)}
    with path.open("wb") as out:
        out.write(_INDEX_MAGIC)
        starts = [out.tell()]
        out.write(_section(struct.pack(">I", len(words)) + b"".join(map(_text, words))))
        starts.append(out.tell())
        postings = _write_series(out, numbers, series)
        starts += [0, 0]  # the lists of label values, which no reader asks for any more
        out.write(b"\0" * (-out.tell() % 4))
        starts.append(out.tell())
        offsets = [struct.pack(">I", len(postings))]
        for name, value in sorted(postings):
            offsets.append(b"\x02" + _text(name) + _text(value) + uvarint(out.tell()))
            found = array("I", postings[name, value])
            found.byteswap()
            out.write(_section(struct.pack(">I", len(found)) + found.tobytes()))
        starts.append(out.tell())
        out.write(_section(b"".join(offsets)))
        table = struct.pack(">6Q", *starts)
        out.write(table + crc(table))
    return len(postings["", ""])


def _write_series(
    out: BinaryIO, numbers: Mapping[str, bytes], series: Iterable[tuple[Labels, bytes]]
) -> "dict[tuple[str, str], array[int]]":
    """Write the entry of each series; return the numbers of those that have each label."""
    postings: dict[tuple[str, str], array[int]] = {("", ""): array("I")}
    place = out.tell()
    for labels, chunks in series:
        gap = -place % 16
        number = (place + gap) // 16
        pairs = b"".join([numbers[name] + numbers[value] for name, value in labels])
        body = uvarint(len(labels)) + pairs + chunks
        entry = b"\0" * gap + uvarint(len(body)) + body + crc(body)
        out.write(entry)
        place += len(entry)
        for pair in (("", ""), *labels):
            if pair not in postings:
                postings[pair] = array("I")
            postings[pair].append(number)
    return postings
