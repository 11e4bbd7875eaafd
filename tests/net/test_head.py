"""Answers that break a rule: which are read, as browsers and curl do, and which rule the others broke."""

import gzip

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Request, Trace
from exporter.core.reason import Reason
from exporter.net import head
from exporter.net.network import LoopNetwork
from exporter.net.reader import AnswerReader
from tests.net.failing import fails
from tests.servers.raw import Visit, answering, ok, serving

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"

FORGIVEN: dict[str, bytes] = {
    "two identical lengths": OK + b"Content-Length: 5\r\nX: y\r\nContent-Length: 5\r\n\r\nhello",
    "one length said twice in a line": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "a header line that ends in LF": OK + b"X: y\nContent-Length: 5\r\n\r\nhello",
    "all lines end in LF": b"HTTP/1.1 200 OK\nX: y\nContent-Length: 5\n\nhello",
    "the empty line ends in LF": OK + b"Content-Length: 5\r\n\nhello",
    "a folded header": OK + b"X: a\r\n\tb\r\n c\r\nContent-Length: 5\r\n\r\nhello",
    "a folded line below the status line": OK + b" X: folded\r\nContent-Length: 5\r\n\r\nhello",
    "a control character in a cookie": OK + b"Set-Cookie: a=\x0bb\x7f\r\nContent-Length: 5\r\n\r\nhello",
    "a lonely CR in a value": OK + b"X: a\rContent-Length: 9\r\nContent-Length: 5\r\n\r\nhello",
    "a space before the colon": OK + b"Content-Length : 5\r\nX\t: y\r\n\r\nhello",
    "an odd header name": OK + b"X Y: z\r\n(odd): 1\r\nContent-Length: 5\r\n\r\nhello",
    "the status line twice": OK + OK + b"Content-Length: 5\r\n\r\nhello",
    "a length and chunks": OK + b"Content-Length: 3\r\n" + CHUNKED + b"\r\n" + HELLO,
    "chunks and a length": OK + CHUNKED + b"Content-Length: 3\r\n\r\n" + HELLO,
    "chunk sizes padded with spaces": OK + CHUNKED + b"\r\n5  \r\nhello\r\n0 \r\n\r\n",
    "spaces in a chunk's extension": OK
    + CHUNKED
    + b'\r\n5 ; a = "b ; c" ; d\t=\te \r\nhello\r\n0\t;\tx\r\n\r\n',
    "spaces in an extension after a broken head": OK
    + b"X: y\n"
    + CHUNKED
    + b"\r\n5; a\r\nhello\r\n0\r\n\r\n",
    "spaces in an extension after an interim answer": b"HTTP/1.1 103 Early\r\n\r\n"
    + OK
    + CHUNKED
    + b"\r\n5 ; a\r\nhello\r\n0\r\n\r\n",
    "an interim answer before it": b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n"
    + OK
    + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "an interim answer with a fault, too": b"HTTP/1.1 103 Early\nX: y\n\nHTTP/1.1 200 OK\n"
    b"Content-Length: 5\n\nhello",
    "a body that the end of the connection ends": b"HTTP/1.1 200 OK\nX: y\n\nhello",
    "HTTP/1.0 with LF": b"HTTP/1.0 200 OK\nContent-Length: 5\n\nhello",
    "several spaces before the status": b"HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "no reason phrase and LF": b"HTTP/1.1 200\nContent-Length: 5\n\nhello",
}

REFUSED: dict[str, tuple[bytes, str]] = {
    "lengths that differ": (
        OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "it has several Content-Length that differ (RFC 9112, section 6.3)",
    ),
    "lengths that differ in a line": (
        OK + b"Content-Length: 5, 6\r\n\r\nhello!",
        "it has several Content-Length that differ (RFC 9112, section 6.3)",
    ),
    "a length that is no number": (
        OK + b"Content-Length: 5x\r\n\r\nhello",
        "Invalid character in Content-Length",
    ),
    "a negative length": (OK + b"Content-Length: -3\r\n\r\nabc", "Invalid character in Content-Length"),
    "chunked twice": (
        OK + CHUNKED + CHUNKED + b"\n" + HELLO,
        "Transfer-Encoding names chunked twice (RFC 9112, section 6.1)",
    ),
    "a header line without a colon": (
        OK + b"no colon here\r\n\r\n",
        "a header line has no colon (RFC 9112, section 5)",
    ),
    "a zero byte in a header": (
        OK + b"X-A: a\0b\r\n\r\n",
        "the value of a header holds a zero byte (RFC 9110, section 5.5)",
    ),
    "a zero byte in a folded line": (
        OK + b"X-A: a\r\n b\0\r\n\r\n",
        "the value of a header holds a zero byte (RFC 9110, section 5.5)",
    ),
    "another status line": (
        OK + b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "a second status line has another status",
    ),
    "a spoiled name of the length": (
        OK + b"Content Length: 5\r\nContent-\x0bLength: 5\r\n\r\nhello",
        "the name of a header that says where the answer ends is spoiled",
    ),
    "a space within a chunk size": (OK + CHUNKED + b"\r\n5 5\r\nhello", "Invalid character in chunk size"),
    "a chunk's extension without a name": (
        OK + CHUNKED + b"\r\n5 ; \r\nhello\r\n0\r\n\r\n",
        "Invalid character in chunk extensions",
    ),
    "a chunk size that is no number": (OK + CHUNKED + b"\r\nxyz\r\nabc", "Invalid character in chunk size"),
    "chunks that run into each other": (
        OK + CHUNKED + b"\r\n5\r\nhello0\r\n\r\n",
        "Expected LF after chunk data",
    ),
}


@pytest.mark.parametrize("case", FORGIVEN)
@pytest.mark.parametrize("reuse", [True, False], ids=["reuse", "new"])
async def test_what_every_client_forgives_is_read_and_its_connection_not_used_again(
    network: LoopNetwork, case: str, reuse: bool
) -> None:
    stay = "end of the connection" not in case
    async with serving(answering(FORGIVEN[case], stay=stay)) as server:
        trace = Trace()
        answer = await network.call(Request(server.url(), reuse=reuse), trace)
        assert (answer.status, answer.body, trace.http_status) == (200, b"hello", 200)
        assert network.idle == 0


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("reuse", [True, False], ids=["reuse", "new"])
async def test_what_is_refused_names_the_rule_and_the_status_is_known(
    network: LoopNetwork, case: str, reuse: bool
) -> None:
    data, rule = REFUSED[case]
    async with serving(answering(data)) as server:
        trace = Trace()
        error = await fails(network, Request(server.url(), reuse=reuse), trace)
    assert (error.reason, error.detail) == (
        Reason.BAD_RESPONSE,
        f"the answer breaks the rules of HTTP: {rule}",
    )
    assert trace.http_status == 200
    assert network.idle == 0


@pytest.mark.parametrize("case", [*FORGIVEN, *REFUSED])
def test_a_broken_rule_means_the_same_in_whatever_pieces_the_answer_comes(case: str) -> None:
    data = FORGIVEN.get(case) or REFUSED[case][0]
    outcomes = set()
    for size in (1, 2, 3, 7, 20, len(data)):
        reader = AnswerReader("GET", 100)
        try:
            for start in range(0, len(data), size):
                reader.feed(data[start : start + size])
            reader.finish()
            outcomes.add((reader.status, reader.body, reader.keep_alive))
        except ProbeError as error:
            outcomes.add((reader.status, error.detail.encode(), False))
        reader.release()
    assert len(outcomes) == 1, outcomes


@pytest.mark.parametrize("size", [1, 2, 3, 7, 200])
def test_of_a_chunked_body_only_the_lines_between_the_chunks_lose_spaces(size: int) -> None:
    chunks = (b" ; a = b \r\n", b"5 ; x\r\n\r\n 0 \r\n", b"=" * 17 + b" = ")
    body = b"".join(b"%X ; a = b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    data = OK + CHUNKED + b"\r\n" + body + b"0\r\nX-T: a ; b\r\n\r\n"
    reader = AnswerReader("GET", 200)
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    reader.finish()
    assert (reader.body, reader.keep_alive) == (b"".join(chunks), False)


async def test_an_answer_by_all_the_rules_keeps_its_connection(network: LoopNetwork) -> None:
    data = OK + b"X-A: \xff\r\n" + CHUNKED + b"\r\n" + b"5;a=b\r\nhello\r\n0\r\nX-T: t\r\n\r\n"
    async with serving(answering(data, stay=True)) as server:
        assert (await network.call(Request(server.url()), Trace())).body == b"hello"
        assert network.idle == 1


async def test_bytes_behind_a_whole_answer_cost_the_connection(network: LoopNetwork) -> None:
    surplus = ok(b"hello") + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    async with serving(answering(surplus, stay=True)) as server:
        assert (await network.call(Request(server.url()), Trace())).body == b"hello"
        assert network.idle == 0


@pytest.mark.parametrize(
    ("data", "detail", "status"),
    [
        (OK + b"X-A: b\r\n", "the connection was cut within the headers of the answer", 200),
        (b"HTTP/1.1 503 Busy\nX", "the connection was cut within the headers of the answer", 503),
        (
            b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 2",
            "the connection was cut within the headers of the answer",
            None,
        ),
        (b"HTTP/1.1 2", "the connection was cut within the headers of the answer", None),
        (b"HTTP/9.9 200 OK\r\n\r\n", "the answer is HTTP 9.9, not 1.1", 200),
        (b"HTTP/1.1 101 Go\r\n\r\n", "the answer has the odd status 101", None),
        (b"HTTP/1.1 20 OK\r\n\r\n", "the answer breaks the rules of HTTP: Invalid status code", None),
        (b"<html>", "the answer is not HTTP: Expected HTTP/, RTSP/ or ICE/", None),
        (b"SSH-2.0-OpenSSH\r\n", "the answer is not HTTP: the port speaks SSH", None),
        (b"220 mail ESMTP\r\n", "the answer is not HTTP: the port greets as SMTP and FTP do", None),
        (
            b"\x15\x03\x01\0\x02\x02\x46",
            "the answer is not HTTP: the port speaks TLS; ask it by https://",
            None,
        ),
        (b"\0\0\x12\x04\0\0\0\0\0", "the answer is not HTTP: the port speaks HTTP/2 alone", None),
    ],
)
async def test_the_status_is_known_as_soon_as_its_line_was_read(
    network: LoopNetwork, data: bytes, detail: str, status: int | None
) -> None:
    async with serving(answering(data)) as server:
        trace = Trace()
        error = await fails(network, Request(server.url()), trace)
    assert (error.detail, trace.http_status) == (detail, status)


async def test_a_head_that_is_broken_and_never_ends_is_bounded(network: LoopNetwork) -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\n" + b"X: y\n" * 20_000, stay=True)) as server:
        error = await fails(network, Request(server.url()))
    assert error.detail == "the headers are longer than 64 KiB"


async def test_a_broken_head_before_a_body_that_is_too_long_is_bounded(network: LoopNetwork) -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\n\n" + b"x" * 99)) as server:
        error = await fails(network, Request(server.url(), max_body=9))
    assert error.detail == "the body is longer than 9 bytes unpacked"


def test_folded_and_spoiled_values_become_plain_ones() -> None:
    lines = b"HTTP/1.1 200 O\x0bK\r\nX: a\r\n\t b \r\nY:\x01c\r\n\r\n"
    parts = head.split(lines)
    assert parts is not None
    assert head.repair(parts[0]) == b"HTTP/1.1 200 O K\r\nX: a b\r\nY: c\r\n\r\n"


@pytest.mark.parametrize("encoding", ["UTF-8", "none", "aws-chunked", "identity, utf-8", " ", "identity"])
async def test_words_that_name_no_compression_change_nothing(network: LoopNetwork, encoding: str) -> None:
    async with serving(answering(ok(b"abc", f"Content-Encoding: {encoding}\r\n"))) as server:
        answer = await network.call(Request(server.url()), Trace())
    assert (answer.body, answer.packed) == (b"abc", "")


@pytest.mark.parametrize(
    "encoding", ["gzip, gzip", "identity, gzip", "GZIP", "gzip\r\nContent-Encoding: gzip"]
)
async def test_a_compression_beside_other_words_is_undone_once(network: LoopNetwork, encoding: str) -> None:
    data = ok(gzip.compress(b"abc"), f"Content-Encoding: {encoding}\r\n")
    async with serving(answering(data)) as server:
        answer = await network.call(Request(server.url()), Trace())
    assert (answer.body, answer.packed) == (b"abc", "")


@pytest.mark.parametrize(
    ("encoding", "packed"), [("br", "br"), ("ZSTD", "zstd"), ("deflate, gzip", "deflate, gzip")]
)
async def test_a_compression_that_we_cannot_undo_is_named_and_the_rest_is_judged(
    network: LoopNetwork, encoding: str, packed: str
) -> None:
    async with serving(answering(ok(b"\x8b\x02", f"Content-Encoding: {encoding}\r\n", "503 Busy"))) as server:
        answer = await network.call(Request(server.url()), Trace())
    assert (answer.status, answer.body, answer.packed) == (503, b"\x8b\x02", packed)
    assert answer.headers["content-encoding"] == encoding


BODIES_OF_REDIRECTS = {
    "packed by br": ok(b"\x8b", "Content-Encoding: br\r\nLocation: /b\r\n", "302 Found"),
    "damaged": ok(b"no gzip", "Content-Encoding: gzip\r\nLocation: /b\r\n", "302 Found"),
    "too long": b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 99999999\r\n\r\n",
    "endless": b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n" + b"x" * 2000,
    "cut": b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 9\r\n\r\nabc",
    "broken chunks": b"HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
}


@pytest.mark.parametrize("case", BODIES_OF_REDIRECTS)
@pytest.mark.parametrize("reuse", [True, False], ids=["reuse", "new"])
async def test_nobody_looks_at_the_body_of_a_redirect_that_is_followed(
    network: LoopNetwork, case: str, reuse: bool
) -> None:
    async def talk(visit: Visit) -> None:
        path = (await visit.request()).split(b" ")[1]
        await visit.say(BODIES_OF_REDIRECTS[case] if path == b"/a" else ok(b"there"))
        await visit.reader.read()

    async with serving(talk) as server:
        answer = await network.call(
            Request(server.url("/a"), redirects=1, max_body=1000, reuse=reuse), Trace()
        )
        assert (answer.body, answer.redirects, server.visits) == (b"there", 1, 2)


async def test_the_body_of_a_redirect_that_is_the_answer_is_looked_at(network: LoopNetwork) -> None:
    async with serving(answering(BODIES_OF_REDIRECTS["damaged"])) as server:
        error = await fails(network, Request(server.url()))
        assert "cannot be unpacked" in error.detail


async def test_a_redirect_without_a_body_keeps_its_connection(network: LoopNetwork) -> None:
    async def talk(visit: Visit) -> None:
        while True:
            path = (await visit.request()).split(b" ")[1]
            await visit.say(ok(b"", "Location: /b\r\n", "302 Found") if path == b"/a" else ok(b"there"))

    async with serving(talk) as server:
        await network.call(Request(server.url("/a"), redirects=1), Trace())
        assert server.visits == 1
