"""Reads one HTTP/1.1 answer as it arrives, in bounded memory."""

import httptools

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.net import head
from exporter.net.chunks import ChunkLines
from exporter.net.unpack import PLAIN, Plain, Unpacker, unpacker

MAX_HEADERS = 64 << 10
"""Bytes of status line, headers and trailers together."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses that lead elsewhere by the header Location."""

_SINGLE = frozenset({"location", "retry-after", "date", "content-type"})
"""Headers that hold one value, so that an equal second line adds none (RFC 9110, section 5.3)."""

_OTHERS = {
    b"\x15\x03": "the port speaks TLS; ask it by https://",
    b"SSH-": "the port speaks SSH",
    b"220": "the port greets as SMTP and FTP do",
    b"\0\0\x12\x04": "the port speaks HTTP/2 alone",
    b"\0\0\x18\x04": "the port speaks HTTP/2 alone",
}
"""What other protocols begin with: a TLS alert (RFC 8446, section 6), a frame of settings (RFC 9113, 6.5)."""

_EMPTY_LINE = b"\r\n\r\n"
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_SLACK = 64 << 10  # what packing may add to data that cannot be packed


class AnswerReader:
    """Collects status, headers and body; `done` says when the answer is whole.

    Every answer that is not HTTP, breaks its own framing or leaves its bounds raises ProbeError with
    bad_response; one that is cut raises connect. What only breaks a rule that every client forgives is read
    (see net/head.py), but its connection is not used again; nor is one with bytes behind a whole answer.
    `packed` names a content encoding that we cannot undo: the body is then as it was sent.
    """

    def __init__(self, method: str, max_body: int, *, reuse: bool = True, follow: bool = False) -> None:
        """Read the answer to a `method` request with a body of at most `max_body` bytes when unpacked.

        `reuse` says that the connection shall serve again, which needs an answer by all the rules.
        With `follow` a redirect is whole with its head, since its body is never read.
        """
        self.status = 0
        self.version = ""
        self.headers: dict[str, str] = {}
        self.received = 0
        self.done = False
        self.keep_alive = False
        self.packed = ""
        self._head = method in ("HEAD", "CONNECT")  # behind the head of the latter the tunnel begins
        self._follow = follow
        self._max_body = max_body
        self._room = max_body
        # Apart from `_room`, since what arrives may unpack to nothing for ever (empty members of gzip).
        self._wire_room = max_body + _SLACK
        self._header_bytes = 0
        # Bytes since the body last grew: the bound of heads, lines of chunks and trailers.
        self._quiet = 0
        self._lenient = False
        self._in_body = False
        self._until_close = False
        self._locations_differ = False
        self._chunks: ChunkLines | None = None
        self._parts: list[bytes] = []
        self._unpack: Plain | Unpacker = PLAIN
        self._error: ProbeError | None = None
        self._raw = b""
        self._rule: str | None = None
        self._parser = self._new_parser()
        self._strict: httptools.HttpResponseParser | None = None
        self._reuse = reuse

    @property
    def body(self) -> bytes:
        """The body so far, unpacked."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def feed(self, data: bytes) -> None:
        """Take what arrived; raise ProbeError when it cannot be part of a good answer."""
        if self.done:
            self.keep_alive = False
            return
        self.received += len(data)
        self._quiet += len(data)
        if not self._in_body:
            self._raw += data
        if self._rule is None:
            self._parse(data)
        else:
            self._repair()
        if not self.done and self._quiet > MAX_HEADERS:
            raise _too_long_headers()

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)
        return parser

    def _parse(self, data: bytes) -> None:
        try:
            self._feed_parser(data)
        except httptools.HttpParserError as error:
            if self.done:
                self.keep_alive = False
            elif self._error or self._in_body:
                raise self._error or _rule_error(str(error)) from None
            else:
                # A parser that raised cannot go on: from here `_raw` grows until the head can be repaired.
                self._rule = str(error)
                self._repair()
        except httptools.HttpParserUpgrade:
            raise ProbeError(Reason.BAD_RESPONSE, "the server switched to another protocol unasked") from None

    def _feed_parser(self, data: bytes) -> None:
        while data and not self._in_body:
            data = self._feed_head(data)
        if not data:
            return
        if self._strict is not None and not _digests(self._strict, data):
            self._strict, self._lenient = None, True
        self._parser.feed_data(self._chunks.clean(data) if self._chunks else data)

    def _feed_head(self, data: bytes) -> bytes:
        """Parse `data` up to an empty line, return the rest: the head alone says whether chunks follow it."""
        # `data` is the end of `_raw`; the empty line may have begun in an earlier piece.
        before = len(self._raw) - len(data)
        found = self._raw.find(_EMPTY_LINE, max(0, before - len(_EMPTY_LINE) + 1))
        end = found + len(_EMPTY_LINE) - before if found >= 0 else len(data)
        self._parser.feed_data(data[:end])
        return data[end:]

    def _repair(self) -> None:
        """Read a head that the parser refused, once it is whole."""
        status = self._note_status()
        if status is not None:
            self._check_head(status)
        elif not head.may_become_one(self._raw):
            raise _not_http(self._raw, self._rule or "")
        parts = head.split(self._raw)
        if parts is None:
            return
        try:
            good = head.repair(parts[0])
        except head.RuleError as error:
            raise _rule_error(str(error)) from None
        self._lenient = True
        self._header_bytes = 0
        self._forget_headers()
        self._parser = self._new_parser()
        rule, self._rule = self._rule, None
        try:
            self._raw = good + parts[1]
            self._feed_parser(self._raw)
        except httptools.HttpParserError as error:
            if self.done:
                return
            raise self._error or _rule_error(str(error) if self._in_body else rule or "") from None

    def _note_status(self) -> int | None:
        """Keep status and version of an answer whose head is unfinished or broken; return the status."""
        found = head.status_line(self._raw)
        if found is None:
            return None
        self.version = found[1]
        if found[0] >= 200:
            self.status = found[0]
        return found[0]

    def finish(self) -> None:
        """Note that the server closed the connection; raise ProbeError if that cut the answer."""
        if self.done:
            return
        if not self.received:
            raise ProbeError(Reason.CONNECT, "the server closed the connection without an answer")
        if not self._in_body:
            self._note_status()
            raise ProbeError(Reason.CONNECT, "the connection was cut within the headers of the answer")
        if not self._until_close:
            raise ProbeError(
                Reason.CONNECT, f"the connection was cut within the body, after {self._body_bytes} bytes"
            )
        self._complete()

    def release(self) -> None:
        """Let go of the parser, which holds on to this reader."""
        del self._parser
        self._strict = None

    @property
    def waiting_for(self) -> str:
        """What is missing, for a person."""
        if not self.received:
            return "the first byte of the answer"
        part = f"the rest of the body ({self._body_bytes} bytes so far)"
        return part if self._in_body else "the end of the headers"

    @property
    def _body_bytes(self) -> int:
        return self._max_body + _SLACK - self._wire_room

    # Called by the parser. What they raise reaches `feed` as a parser error, so the cause is kept aside.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header; those after the body (trailers) are only counted."""
        if self.done:
            return
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > MAX_HEADERS:
            self._fail(_too_long_headers())
        if self._in_body:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        earlier = self.headers.get(key)
        if earlier is None:
            self.headers[key] = text
        elif earlier != text or key not in _SINGLE:
            self._locations_differ |= key == "location"
            self.headers[key] = f"{earlier}, {text}"

    def on_headers_complete(self) -> None:
        """Judge the head of the answer and prepare for its body."""
        if self.done:
            return
        status = self._parser.get_status_code()
        self.version = self._parser.get_http_version()
        self._check_head(status)
        if status < 200:  # an interim answer; the real one follows
            self._forget_headers()
            return
        self.status = status
        self._in_body = True
        self._quiet = 0
        self._raw = b""
        self.keep_alive = self._parser.should_keep_alive() and not self._head and not self._lenient
        coded = self.headers.get("transfer-encoding", "")
        self._until_close = not coded and "content-length" not in self.headers
        if self._follow and status in REDIRECTS and "location" in self.headers:
            if self._locations_differ:  # browsers refuse them too: either one may be an attacker's
                self._fail(_rule_error("it has several Location that differ (RFC 9110, section 5.3)"))
            # Its body stays unread on the connection, so that only one without a body leaves it clean.
            self.keep_alive = self.keep_alive and self.headers.get("content-length") == "0"
            self._complete()
        elif self._head:
            self._complete()
        else:
            self._prepare_body()

    def on_chunk_header(self) -> None:
        """Note that the answer goes on."""
        self._quiet = 0

    def on_body(self, data: bytes) -> None:
        """Unpack and keep a piece of the body."""
        if self.done:
            return
        self._quiet = 0
        self._wire_room -= len(data)
        try:
            out = self._unpack.feed(data, self._room)
        except ProbeError as error:
            self._fail(error)
        self._room -= len(out)
        if self._room < 0 or self._wire_room < 0:
            self._fail(
                ProbeError(Reason.BAD_RESPONSE, f"the body is longer than {self._max_body} bytes unpacked")
            )
        if out:
            self._parts.append(out)

    def on_message_begin(self) -> None:
        """Note that something follows a whole answer."""
        if self.done:
            self.keep_alive = False

    def on_message_complete(self) -> None:
        """Note the end of the answer, unless it was an interim one."""
        if self._in_body and not self.done:
            try:
                self._complete()
            except ProbeError as error:
                self._fail(error)

    def _forget_headers(self) -> None:
        self.headers.clear()
        self._locations_differ = False

    def _check_head(self, status: int) -> None:
        if self.version not in ("1.0", "1.1"):
            self._fail(ProbeError(Reason.BAD_RESPONSE, f"the answer is HTTP {self.version}, not 1.1"))
        if status < 100 or status == 101:
            self._fail(ProbeError(Reason.BAD_RESPONSE, f"the answer has the odd status {status}"))
        coded = self.headers.get("transfer-encoding", "")
        if coded and coded.lower() != "chunked":
            self._fail(ProbeError(Reason.BAD_RESPONSE, "the answer has a transfer encoding but chunked"))

    def _prepare_body(self) -> None:
        length = self.headers.get("content-length", "")
        if length.isdigit() and int(length[:19]) > self._wire_room:
            self._fail(
                ProbeError(Reason.BAD_RESPONSE, f"the body is said to be longer than {self._max_body} bytes")
            )
        if "transfer-encoding" in self.headers:
            self._chunks = ChunkLines()
            if self._reuse and not self._lenient:
                # A second pair of eyes, without leniency: it sees whether the first needed any. Chunks alone
                # are read with leniency, so that any head does in front of them.
                self._strict = httptools.HttpResponseParser(object())
                self._strict.feed_data(_CHUNKED_HEAD)
        self._unpack, self.packed = unpacker(self.headers.get("content-encoding", ""))

    def _complete(self) -> None:
        self._unpack.finish()
        self.keep_alive = self.keep_alive and not self._lenient
        self.done = True

    def _fail(self, error: ProbeError) -> None:
        self._error = error
        raise error


def _too_long_headers() -> ProbeError:
    return ProbeError(Reason.BAD_RESPONSE, f"the headers are longer than {MAX_HEADERS >> 10} KiB")


def _digests(parser: httptools.HttpResponseParser, data: bytes) -> bool:
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return False
    return True


def _rule_error(rule: str) -> ProbeError:
    # The parser's words name the rule that was broken and never quote the answer.
    return ProbeError(Reason.BAD_RESPONSE, f"the answer breaks the rules of HTTP: {rule}")


def _not_http(raw: bytes, rule: str) -> ProbeError:
    if raw.startswith(b"HTTP/"):
        return _rule_error(rule)
    meant = next((words for start, words in _OTHERS.items() if raw.startswith(start)), rule)
    return ProbeError(Reason.BAD_RESPONSE, f"the answer is not HTTP: {meant}")
