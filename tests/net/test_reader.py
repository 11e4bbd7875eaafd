"""Whatever bytes come, in whatever pieces: an answer or a ProbeError, and never more than the bound."""

import gzip

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.net.reader import AnswerReader
from exporter.net.unpack import unpacker

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


def test_a_byte_behind_a_whole_answer_costs_the_connection() -> None:
    reader = AnswerReader("GET", BOUND)
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (reader.done, reader.keep_alive) == (True, True)
    reader.feed(b"H")
    assert (reader.body, reader.keep_alive) == (b"ok", False)


def test_of_a_broken_head_and_a_broken_body_the_body_is_reported() -> None:
    outcome = read(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nxyz\r\n", 1000)
    assert isinstance(outcome, ProbeError)
    assert outcome.detail == "the answer breaks the rules of HTTP: Invalid character in chunk size"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_that_is_followed_is_whole_with_its_head(status: int) -> None:
    reader = AnswerReader("GET", BOUND, follow=True)
    reader.feed(b"HTTP/1.1 %d X\r\nLocation: /b\r\nContent-Length: 9\r\n\r\n" % status)
    assert (reader.done, reader.keep_alive) == (True, False)


def test_what_is_missing_of_an_answer_is_reported_at_each_stage() -> None:
    reader = AnswerReader("GET", BOUND)
    assert reader.waiting_for == "the first byte of the answer"
    reader.feed(b"HTTP/1.1 200 OK\r\n")
    assert reader.waiting_for == "the end of the headers"
    reader.feed(b"Content-Length: 9\r\n\r\nabc")
    assert reader.waiting_for == "the rest of the body (3 bytes so far)"
    assert (reader.body, reader.done, reader.version) == (b"abc", False, "1.1")
    reader.feed(b"defghi")
    assert (reader.body, reader.done) == (b"abcdefghi", True)


def test_the_headers_are_bounded_together_with_the_trailers() -> None:
    line = b"X-A: " + b"x" * 1000 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + line * 40 + b"\r\n"
    assert isinstance(read(head + b"0\r\n\r\n", 4096), AnswerReader)
    outcome = read(head + b"1\r\nx\r\n0\r\n" + line * 40 + b"\r\n", 4096)
    assert isinstance(outcome, ProbeError)
    assert outcome.detail == "the headers are longer than 64 KiB"


@pytest.mark.parametrize(("size", "good"), [(BOUND, True), (BOUND + 1, False)])
@pytest.mark.parametrize("message", [True, False], ids=["length", "until close"])
def test_the_bound_of_a_body_is_exact(size: int, good: bool, message: bool) -> None:
    length = b"Content-Length: %d\r\n" % size if message else b""
    outcome = read(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + b"x" * size, 1 << 20)
    assert isinstance(outcome, AnswerReader) is good


def test_repeated_headers_are_joined_and_spaces_around_values_are_none_of_them() -> None:
    outcome = read(b"HTTP/1.1 204 X\r\nA:  b \r\na: c\r\n\r\n", 5)
    assert isinstance(outcome, AnswerReader)
    assert outcome.headers == {"a": "b, c"}


def test_a_header_of_one_value_that_comes_twice_counts_once_and_others_are_joined() -> None:
    lines = b"Retry-After: 5\r\nRetry-After: 5\r\nDate: 1\r\nDate: 2\r\nVia: a\r\nVia: a\r\n"
    outcome = read(b"HTTP/1.1 204 X\r\n" + lines + b"\r\n", 5)
    assert isinstance(outcome, AnswerReader)
    assert outcome.headers == {"retry-after": "5", "date": "1, 2", "via": "a, a"}


@pytest.mark.parametrize("room", [0, 1, 9, 10, 11, 29])
def test_what_is_unpacked_at_once_is_one_byte_above_the_room_at_most(room: int) -> None:
    members = gzip.compress(b"x" * 10) * 3
    for encoding, data in (("", b"x" * 30), ("gzip", members)):
        reading, packed = unpacker(encoding)
        assert (len(reading.feed(data, room)), packed) == (room + 1, "")
    reading, _ = unpacker("gzip")
    assert reading.feed(members, 30) == b"x" * 30
    reading.finish()
    assert reading.feed(b"", 30) == b""


def test_a_body_of_very_many_members_is_refused_and_one_of_many_is_not() -> None:
    reading, _ = unpacker("gzip")
    assert len(reading.feed(gzip.compress(b"x") * 256, 1000)) == 256
    with pytest.raises(ProbeError, match="too many pieces"):
        reading.feed(gzip.compress(b"x"), 1000)


@pytest.mark.parametrize(
    ("head", "method", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", "GET", False),
        (b"HTTP/1.0 200 OK\r\n", "GET", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\n", "HEAD", False),
    ],
)
def test_a_connection_serves_again_where_the_server_says_so(head: bytes, method: str, keep: bool) -> None:
    outcome = read(head + b"Content-Length: 0\r\n\r\n", 1000, method)
    assert isinstance(outcome, AnswerReader)
    assert outcome.keep_alive is keep


def test_rubbish_that_is_called_deflate_is_damaged() -> None:
    reading, _ = unpacker("deflate")
    with pytest.raises(ProbeError, match="cannot be unpacked"):
        reading.feed(b"\xff\xfe no deflate of any kind", 100)
