"""One target for each way a server can misbehave: the exact reason, bounded memory, nobody else disturbed."""

import asyncio
import gzip
import re
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from exporter.core.network import Request, Trace
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.network import LoopNetwork
from tests.net.failing import PLANTED, fails, fails_late
from tests.servers.raw import Talk, Visit, answering, full_backlog, keeping, ok, serving
from tests.waiting import until

MIB = 1 << 20


async def forever(visit: Visit, piece: bytes) -> None:
    while True:
        await visit.say(piece)


async def cut_after_accept(visit: Visit) -> None:
    return


async def reset_after_accept(visit: Visit) -> None:
    visit.reset()


async def reset_after_request(visit: Visit) -> None:
    await visit.request()
    visit.reset()


async def silent(visit: Visit) -> None:
    await visit.request()
    await asyncio.sleep(60)


def endless(head: bytes, piece: bytes) -> Talk:
    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(head)
        await forever(visit, piece)

    return talk


def dripping(head: bytes, piece: bytes) -> Talk:
    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(head)
        while True:
            await visit.say(piece)
            await asyncio.sleep(0.02)

    return talk


OK = b"HTTP/1.1 200 OK\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\n"
BOMB = gzip.compress(b"\0" * (64 * MIB), 9)
CUT, BAD, LATE = Reason.CONNECT, Reason.BAD_RESPONSE, Reason.TIMEOUT

CASES: dict[str, tuple[Talk, Reason, str]] = {
    # cut at each stage
    "cut after accept": (cut_after_accept, CUT, "closed the connection|reset the connection"),
    "reset after accept": (reset_after_accept, CUT, "reset the connection|closed"),
    "reset after the request": (reset_after_request, CUT, "reset the connection"),
    "no answer at all": (answering(b""), CUT, "without an answer"),
    "cut in the status line": (answering(b"HTTP/1.1 2"), CUT, "within the headers"),
    "cut in the headers": (answering(OK + b"X-A: b\r\n"), CUT, "within the headers"),
    "cut in the body": (answering(OK + b"Content-Length: 9\r\n\r\nabc"), CUT, "within the body, after 3"),
    "cut in a chunk": (
        answering(OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc"),
        CUT,
        "within the body, after 3",
    ),
    "cut before the last chunk": (
        answering(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        CUT,
        "within the body",
    ),
    # slow
    "slow to answer": (silent, LATE, "first byte"),
    "slow to finish the headers": (answering(OK + b"X-A", stay=True), LATE, "end of the headers"),
    "slow to finish the body": (
        answering(OK + b"Content-Length: 9\r\n\r\nab", stay=True),
        LATE,
        "rest of the body \\(2 bytes",
    ),
    "dripping headers": (dripping(OK, b"X-A: b\r\n"), LATE, "end of the headers"),
    "dripping body": (dripping(OK + b"Content-Length: 99999\r\n\r\n", b"x"), LATE, "rest of the body"),
    # not HTTP
    "another protocol": (answering(b"SSH-2.0-OpenSSH_9.2p1\r\n"), BAD, "not HTTP"),
    "binary": (answering(bytes(range(256)) * 4), BAD, "not HTTP"),
    "HTTP/0.9": (answering(b"<html>hello</html>"), BAD, "not HTTP"),
    "another version": (answering(b"HTTP/2.0 200 OK\r\n\r\n"), BAD, "HTTP 2.0"),
    "an odd status": (answering(b"HTTP/1.1 20 OK\r\n\r\n"), BAD, "HTTP|status"),
    "a switch of protocols": (
        answering(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        BAD,
        "status 101|another protocol",
    ),
    # wrong headers
    "a negative length": (answering(OK + b"Content-Length: -3\r\n\r\nabc"), BAD, "HTTP"),
    "a length beyond all numbers": (
        answering(OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n"),
        BAD,
        "HTTP",
    ),
    "an unknown transfer encoding": (
        answering(OK + b"Transfer-Encoding: gzip\r\n\r\nabc"),
        BAD,
        "transfer encoding|HTTP",
    ),
    "huge headers": (answering(OK + b"X-A: " + b"x" * (80 << 10) + b"\r\n\r\n"), BAD, "headers are longer"),
    "many headers": (answering(OK + b"X-A: b\r\n" * 9000 + b"\r\n"), BAD, "headers are longer"),
    "endless header value": (endless(OK + b"X-A: ", b"x" * 4096), BAD, "headers are longer"),
    "endless headers": (endless(OK, b"X-A: b\r\n" * 512), BAD, "headers are longer"),
    "endless status line": (endless(b"HTTP/1.1 200 ", b"x" * 4096), BAD, "headers are longer"),
    "endless interim answers": (
        endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 64),
        BAD,
        "headers are longer",
    ),
    "endless trailers": (
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 512),
        BAD,
        "headers are longer",
    ),
    "an endless trailer": (
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: ", b"x" * 4096),
        BAD,
        "headers are longer",
    ),
    # wrong bodies
    "a body above the bound": (answering(ok(b"x" * (MIB + 1))), BAD, "longer than 1048576"),
    "a body said to be huge": (
        answering(OK + b"Content-Length: 99999999999\r\n\r\n", stay=True),
        BAD,
        "longer than 1048576",
    ),
    "an endless body": (endless(OK + b"\r\n", b"x" * 65536), BAD, "longer than 1048576"),
    "endless chunks": (
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        BAD,
        "longer than 1048576",
    ),
    "an endless chunk extension": (
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 4096),
        BAD,
        "headers are longer",
    ),
    "a chunk size that is no number": (
        answering(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc"),
        BAD,
        "HTTP",
    ),
    "an exploding body": (
        answering(GZIP + b"Content-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
        BAD,
        "longer than 1048576",
    ),
    "an exploding deflate body": (
        answering(ok(zlib.compress(b"\0" * 8 * MIB), "Content-Encoding: deflate\r\n")),
        BAD,
        "longer than 1048576",
    ),
    "members that unpack to nothing, for ever": (
        endless(GZIP + b"\r\n", gzip.compress(b"") * 256),
        BAD,
        "too many pieces",
    ),
    "a body that is not compressed as it says": (
        answering(ok(b"not gzip", "Content-Encoding: gzip\r\n")),
        BAD,
        "cannot be unpacked",
    ),
    "a compressed body cut short, of the right length": (
        answering(ok(gzip.compress(b"x" * 999)[:-6], "Content-Encoding: gzip\r\n")),
        BAD,
        "middle of its compressed data",
    ),
    "rubbish behind a compressed body": (
        answering(ok(gzip.compress(b"x") + b"rubbish", "Content-Encoding: gzip\r\n")),
        BAD,
        "cannot be unpacked",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_target_that_misbehaves_is_reported_by_its_reason_and_disturbs_nobody(
    network: LoopNetwork, case: str
) -> None:
    talk, reason, words = CASES[case]
    async with serving(talk) as bad, serving(keeping()) as good:
        request = Request(bad.url(f"/?q={PLANTED}"), auth=(("Authorization", Secret(f"Bearer {PLANTED}")),))
        good_calls = 0
        if reason is LATE:
            failing = asyncio.create_task(
                fails_late(network, request, lambda: bad.requests and good_calls > 5)
            )
        else:
            failing = asyncio.create_task(fails(network, request))
        while not failing.done():
            assert (await network.call(Request(good.url()), Trace())).status == 200
            good_calls += 1
            await asyncio.sleep(0.01)
        error = failing.result()
        assert error.reason is reason, error.detail
        assert re.search(words, error.detail), error.detail
        await until(lambda: network.idle == 1)  # the good one alone


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "endless" in case or "explod" in case or "huge" in case or "for ever" in case],
)
async def test_memory_stays_bounded_whatever_the_server_sends(network: LoopNetwork, case: str) -> None:
    async with serving(CASES[case][0]) as bad:
        await fails(network, Request(bad.url()))  # whatever is made once is made
        tracemalloc.start()
        try:
            await fails(network, Request(bad.url()))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 6 * MIB  # the answer's bound of 1 MiB, joined once, and the server's own buffers


async def test_a_server_too_busy_to_accept_is_a_timeout(network: LoopNetwork) -> None:
    with full_backlog() as port:
        error = await fails_late(network, Request(f"http://127.0.0.1:{port}/"), lambda: True)
    assert error.reason is Reason.TIMEOUT
    assert "127.0.0.1 to take the connection" in error.detail


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", lambda body: gzip.compress(body[:5]) + gzip.compress(body[5:]) + b"\0\0"),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("identity", bytes),
    ],
)
async def test_packed_bodies_are_unpacked(
    network: LoopNetwork, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = b'{"status": "ok"}' * 100
    async with serving(answering(ok(pack(body), f"Content-Encoding: {encoding}\r\n"))) as server:
        answer = await network.call(Request(server.url(), max_body=len(body)), Trace())
    assert answer.body == body


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 204 No Content\r\nContent-Encoding: br\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", 201, b"x"),
        (OK + b"Content-Length: 2\r\n\r\nokHTTP/1.1 500 surplus\r\n\r\n", 200, b"ok"),
        (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\noksurplus", 200, b"ok"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: t\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b""),
    ],
)
async def test_odd_but_legal_answers_are_read(
    network: LoopNetwork, data: bytes, status: int, body: bytes
) -> None:
    async with serving(answering(data)) as server:
        answer = await network.call(Request(server.url()), Trace())
    assert (answer.status, answer.body) == (status, body)


async def test_a_head_request_has_no_body_whatever_length_is_reported(network: LoopNetwork) -> None:
    async with serving(answering(OK + b"Content-Length: 999\r\n\r\n")) as server:
        answer = await network.call(Request(server.url(), method="HEAD"), Trace())
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "999")
