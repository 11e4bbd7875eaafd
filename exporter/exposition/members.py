"""One gzip member put together from pieces that were compressed before.

Each piece is a run of raw deflate blocks that ends on a byte boundary and refers to nothing before it, so
pieces can be laid side by side (RFC 1951, 3.2). The checksum of the whole follows from those of the pieces. A
body of several members would be shorter to write, but some clients read only the first.
"""

import struct
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

deflater: Any
crc32_combine: Any
try:
    from isal import isal_zlib

    deflater, crc32_combine = isal_zlib, isal_zlib.crc32_combine
except ImportError:  # no wheel for this machine: the same bytes to a reader, more slowly
    deflater, crc32_combine = zlib, getattr(zlib, "crc32_combine", None)

HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""RFC 1952: deflate, no name, no time, unknown system."""

LAST_BLOCK = b"\x03\x00"
"""An empty deflate block that says that it is the last one."""


class CompressedPiece(NamedTuple):
    """A compressed piece and the `body` it was made of, with its checksum."""

    body: bytes
    deflated: bytes
    checksum: int


def compress(body: bytes) -> CompressedPiece:
    """Compress `body` into blocks that can be followed by others."""
    compressor = deflater.compressobj(1, deflater.DEFLATED, -15)
    deflated = compressor.compress(body) + compressor.flush(deflater.Z_FULL_FLUSH)
    return CompressedPiece(body, deflated, deflater.crc32(body))


class Member:
    """A gzip member in the making."""

    def __init__(self) -> None:
        """Start with nothing in it."""
        self._parts = [HEAD]
        self._checksum = self._size = 0

    def extend(self, pieces: Iterable[CompressedPiece]) -> None:
        """Append pieces."""
        checksum, size = self._checksum, self._size
        for body, deflated, own in pieces:
            self._parts.append(deflated)
            size += len(body)
            if crc32_combine is None:
                checksum = zlib.crc32(body, checksum)
            else:  # without reading the body again
                checksum = crc32_combine(checksum, own, len(body))
        self._checksum, self._size = checksum, size

    def finish(self) -> bytes:
        """Return the whole member."""
        trailer = struct.pack("<II", self._checksum, self._size & 0xFFFFFFFF)
        return b"".join([*self._parts, LAST_BLOCK, trailer])
