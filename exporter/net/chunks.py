"""The lines between the chunks of a body (RFC 9112, section 7.1), without the spaces that they may hold.

The grammar allows spaces around `;` and `=` of a chunk's extension ("bad whitespace", section 7.1.1). A
client has to read them, and the parser does not. Only these are taken out here. Whatever else is wrong with
such a line is left in, so that the parser refuses it in its own words.
"""

import re

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t;\r]")
# A quoted text keeps its spaces (RFC 9110, section 5.6.4).
_PIECE = re.compile(rb'("(?:[^"\\\r]|\\.)*")|[ \t]*([;=])[ \t]*|[ \t]+(?=\r\n)')


class ChunkLines:
    """Follows a chunked body through the pieces in which it arrives, from the end of the answer's head on."""

    def __init__(self) -> None:
        """Expect the line before the first chunk."""
        self._line = b""
        self._skip = 0
        self._over = False

    def clean(self, data: bytes) -> bytes:
        """Return what `data` adds to the body, ready to parse; an unfinished line waits for its end."""
        parts: list[bytes] = []
        start = at = 0
        while at < len(data) and not self._over:
            if self._skip:
                step = min(self._skip, len(data) - at)
                at, self._skip = at + step, self._skip - step
                continue
            end = data.find(b"\n", at) + 1
            if not end:
                self._line += data[at:]
                return b"".join((*parts, data[start:at]))
            line = self._finish(data[at:end])
            if line != data[at:end]:
                parts += (data[start:at], line)
                start = end
            at = end
        return b"".join((*parts, data[start:])) if parts else data

    def _finish(self, end: bytes) -> bytes:
        """Return the line that `end` ends, without its spaces, and note how much of a chunk follows it."""
        line, self._line = self._line + end, b""
        found = _SIZE.match(line)
        size = int(found[1], 16) if found else 0
        # Trailers follow the empty last chunk, and behind a line without a size nothing has a known place.
        self._over = size == 0
        self._skip = size + len(b"\r\n") if size else 0
        return _PIECE.sub(_without_spaces, line) if b" " in line or b"\t" in line else line


def _without_spaces(piece: "re.Match[bytes]") -> bytes:
    return piece[1] or piece[2] or b""
