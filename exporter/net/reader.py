"""Reads one HTTP/1.1 answer as it arrives, in bounded memory."""

import httptools

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.net.unpack import Plain, Unpacker, unpacker

MAX_HEADERS = 64 << 10
"""Bytes of status line, headers and trailers together."""

_SLACK = 64 << 10  # what packing may add to data that cannot be packed


class AnswerReader:
    """Collects status, headers and body; `done` tells when the answer is whole.

    Every answer that is not HTTP, breaks its own framing or leaves its bounds raises ProbeError with
    bad_response; one that is cut raises connect. Bytes behind a whole answer are ignored, and the
    connection they came on is not used again.
    """

    def __init__(self, method: str, max_body: int) -> None:
        """Read the answer to a `method` request with a body of at most `max_body` bytes when unpacked."""
        self.status = 0
        self.version = ""
        self.headers: dict[str, str] = {}
        self.received = 0
        self.done = False
        self.keep_alive = False
        self._head = method == "HEAD"
        self._max_body = max_body
        self._room = max_body
        self._wire_room = max_body + _SLACK
        self._header_bytes = 0
        self._quiet = 0
        self._in_body = False
        self._until_close = False
        self._parts: list[bytes] = []
        self._unpack: Plain | Unpacker = Plain()
        self._error: ProbeError | None = None
        self._parser = httptools.HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """The body so far, unpacked."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def feed(self, data: bytes) -> None:
        """Take what arrived; raise ProbeError when it cannot be part of a good answer."""
        if self.done:
            self.keep_alive = False
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        self.received += len(data)
        self._quiet += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.done:
                raise self._error or _not_http(error, self.version) from None
            self.keep_alive = False
        except httptools.HttpParserUpgrade:
            raise ProbeError(Reason.BAD_RESPONSE, "the server switched to another protocol unasked") from None
        if not self.done and self._quiet > MAX_HEADERS:
            raise _too_long_headers()

    def finish(self) -> None:
        """Tell that the server closed the connection; raise ProbeError if that cut the answer."""
        if self.done:
            return
        if not self.received:
            raise ProbeError(Reason.CONNECT, "the server closed the connection without an answer")
        if not self._in_body:
            raise ProbeError(Reason.CONNECT, "the connection was cut within the headers of the answer")
        if not self._until_close:
            raise ProbeError(
                Reason.CONNECT, f"the connection was cut within the body, after {self._body_bytes} bytes"
            )
        self._complete()

    def release(self) -> None:
        """Let go of the parser, which holds on to this reader."""
        del self._parser

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
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """Judge the head of the answer and prepare for its body."""
        if self.done:
            return
        status = self._parser.get_status_code()
        self.version = self._parser.get_http_version()
        self._check_head(status)
        if status < 200:  # an interim answer; the real one follows
            self.headers.clear()
            return
        self.status = status
        self._in_body = True
        self._quiet = 0
        self.keep_alive = self._parser.should_keep_alive() and not self._head
        coded = self.headers.get("transfer-encoding", "")
        self._until_close = not coded and "content-length" not in self.headers
        if self._head:
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

    def on_message_complete(self) -> None:
        """Note the end of the answer, unless it was an interim one."""
        if self._in_body and not self.done:
            try:
                self._complete()
            except ProbeError as error:
                self._fail(error)

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
        try:
            self._unpack = unpacker(self.headers.get("content-encoding", ""))
        except ProbeError as error:
            if length != "0" and self.status not in (204, 304):
                self._fail(error)

    def _complete(self) -> None:
        self._unpack.finish()
        self.done = True

    def _fail(self, error: ProbeError) -> None:
        self._error = error
        raise error


def _too_long_headers() -> ProbeError:
    return ProbeError(Reason.BAD_RESPONSE, f"the headers are longer than {MAX_HEADERS >> 10} KiB")


def _not_http(error: Exception, version: str) -> ProbeError:
    # The parser's words name the rule that was broken and never quote the answer.
    what = "the answer breaks the rules of HTTP" if version else "the answer is not HTTP"
    return ProbeError(Reason.BAD_RESPONSE, f"{what}: {error}")
