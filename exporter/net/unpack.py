"""Unpacks compressed bodies piece by piece, never further than the bound."""

import zlib

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_MOST_MEMBERS = 256  # each costs a copy of what is left, so that many tiny ones would hold up the loop
_NAMES = frozenset({"gzip", "x-gzip", "deflate"})
_COMPRESSIONS = _NAMES | {"compress", "x-compress", "br", "zstd", "dcb", "dcz", "exi", "pack200-gzip"}
"""Registered encodings (https://www.iana.org/assignments/http-parameters/) but for words like identity."""


class Plain:
    """A body that is not compressed."""

    def feed(self, data: bytes, room: int) -> bytes:
        """Return `data`, cut one byte above `room`, so that the caller sees the excess."""
        return data[: room + 1]

    def finish(self) -> None:
        """Nothing can be left over."""


PLAIN = Plain()


class Unpacker:
    """A gzip or deflate body; deflate with or without the zlib header, as servers send both."""

    def __init__(self, name: str) -> None:
        """Prepare for the content encoding `name`."""
        self._raw_allowed = name == "deflate"
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._started = False
        self._members = 1

    def feed(self, data: bytes, room: int) -> bytes:
        """Return what `data` unpacks to, at most one byte above `room`; raise ProbeError on damage."""
        parts: list[bytes] = []
        while data and room >= 0:
            out = self._step(data, room + 1)
            parts.append(out)
            room -= len(out)
            # gzip allows several members in a row; zero bytes behind the last one are padding
            data = self._inflate.unused_data.lstrip(b"\0") if self._inflate.eof else b""
            if data:
                self._next_member()
        return b"".join(parts)

    def finish(self) -> None:
        """Raise ProbeError if the compressed data ended too early."""
        if self._started and not self._inflate.eof:
            raise ProbeError(Reason.BAD_RESPONSE, "the body ends in the middle of its compressed data")

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise ProbeError(Reason.BAD_RESPONSE, "the body is packed in too many pieces")
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)

    def _step(self, data: bytes, most: int) -> bytes:
        try:
            return self._inflate.decompress(data, most)
        except zlib.error:
            if not self._started and self._raw_allowed:
                self._inflate, self._raw_allowed = zlib.decompressobj(_RAW), False
                return self._step(data, most)
            raise ProbeError(Reason.BAD_RESPONSE, "the body is damaged: it cannot be unpacked") from None
        finally:
            self._started = True


def unpacker(encoding: str) -> "tuple[Plain | Unpacker, str]":
    """Return what reads a body of this Content-Encoding, and the name of the encoding that stays on it.

    Words that name no compression (`identity`, `none`, `UTF-8`, `aws-chunked`) change nothing. A word that is
    repeated counts once: proxies double headers. Only gzip and deflate can be undone, and one of them.
    """
    if not encoding:
        return PLAIN, ""
    words = dict.fromkeys(word.strip().lower() for word in encoding.split(","))
    packed = [word for word in words if word in _COMPRESSIONS]
    if not packed:
        return PLAIN, ""
    if len(packed) == 1 and packed[0] in _NAMES:
        return Unpacker(packed[0]), ""
    return PLAIN, ", ".join(packed)
