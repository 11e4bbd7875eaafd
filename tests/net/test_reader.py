"""Whatever bytes come, in whatever pieces: an answer or a ProbeError, and never more than the bound."""

import gzip

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.net.reader import AnswerReader

BOUND = 4096
HEADERS = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: deflate\r\n",
        b"Content-Encoding: br\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"X: \xff\xfe\r\n",
        b": empty\r\n",
        b" folded\r\n",
        b"\r\n",
    ]
)
LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 404\r\n",
        b"HTTP/1.1 100 C\r\n\r\n",
        b"HTTP/1.1 101 S\r\n",
        b"HTTP/9.9 ",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.just(gzip.compress(b"\0" * 100_000)),
    st.just(b"5\r\nhello\r\n0\r\n\r\n"),
    st.just(b"hello"),
    st.just(b"ffffffffffffffff\r\n"),
)
ALMOST = st.builds(
    lambda line, headers, body: line + b"".join(headers) + b"\r\n" + body,
    LINES,
    st.lists(HEADERS, max_size=4),
    BODIES,
)


def read(data: bytes, size: int, method: str = "GET") -> AnswerReader | ProbeError:
    reader = AnswerReader(method, BOUND)
    try:
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
        reader.finish()
    except ProbeError as error:
        return error
    finally:
        reader.release()
    return reader


@settings(max_examples=600, deadline=None)
@given(
    data=st.one_of(st.binary(max_size=400), ALMOST),
    size=st.integers(1, 500),
    method=st.sampled_from(["GET", "HEAD"]),
)
@example(data=b"", size=1, method="GET")
@example(
    data=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 100_000),
    size=50,
    method="GET",
)
def test_any_bytes_are_an_answer_or_a_probe_error(data: bytes, size: int, method: str) -> None:
    outcome = read(data, size, method)
    if isinstance(outcome, ProbeError):
        assert outcome.reason in (Reason.CONNECT, Reason.BAD_RESPONSE)
        assert outcome.detail.isprintable()
    else:
        assert outcome.done
        assert len(outcome.body) <= BOUND
        assert 200 <= outcome.status <= 999


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=BOUND), size=st.integers(1, 64), packed=st.booleans(), chunked=st.booleans())
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(
    body: bytes, size: int, packed: bool, chunked: bool
) -> None:
    sent = gzip.compress(body) if packed else body
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Encoding: gzip\r\n" if packed else b"")
    if chunked:
        frame = b"%x\r\n%b\r\n" % (len(sent), sent) if sent else b""
        data = head + b"Transfer-Encoding: chunked\r\n\r\n" + frame + b"0\r\n\r\n"
    else:
        data = head + b"Content-Length: %d\r\n\r\n" % len(sent) + sent
    outcome = read(data, size)
    assert isinstance(outcome, AnswerReader)
    assert outcome.body == body
