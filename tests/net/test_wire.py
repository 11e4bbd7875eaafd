"""What a request is on the wire: built once where it is sent again, and nobody's credential shows."""

import asyncio
import time
from dataclasses import replace

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Proxy, Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.addresses import PublicOnly
from exporter.net.network import LoopNetwork
from exporter.net.redirects import Leg
from exporter.net.url import parse
from exporter.net.wire import first_message, message_of
from tests.servers.raw import Visit, ok, serving

SECRET = "sk_planted_secret"
BUSY = 0.02


def test_the_same_request_has_the_same_message_and_an_equal_one_an_equal_message() -> None:
    request = Request("https://a.example/b", auth=(("Authorization", Secret(SECRET)),))
    message = first_message(request)
    assert first_message(request) is message
    assert first_message(replace(request)) == message
    assert first_message(replace(request)) is not message
    assert request == replace(request) and hash(request) == hash(replace(request))


def test_a_message_shows_no_credential_and_neither_does_its_request() -> None:
    request = Request("https://a.example/b", auth=(("Authorization", Secret(SECRET)),))
    message = first_message(request)
    assert SECRET.encode() in message.data
    assert SECRET not in repr(message) and SECRET not in repr(request)


def test_a_request_that_cannot_be_sent_is_refused_each_time() -> None:
    request = Request("ftp://a.example/")
    for _ in range(2):
        with pytest.raises(ProbeError) as caught:
            first_message(request)
        assert caught.value.reason is Reason.NOT_CONFIGURED


def test_a_changed_request_is_another_message() -> None:
    request = Request("https://a.example/b")
    first_message(request)
    assert b"Host: c.example" in first_message(replace(request, url="https://c.example/")).data


def test_a_run_with_a_guard_shares_connections_with_runs_of_that_guard_alone() -> None:
    message = first_message(Request("https://a.example/", proxy=Proxy("http://p:1")))
    free, guarded = Trace(), Trace(guard=PublicOnly(("10.0.0.0/8",)))
    assert message.key_for(free) is message.key
    assert message.key_for(guarded) != message.key
    assert message.key_for(guarded) == message.key_for(Trace(guard=PublicOnly(("10.0.0.0/8",))))
    assert message.key_for(guarded)[-1] == Proxy("http://p:1")


@pytest.mark.parametrize(
    ("method", "request_is", "reuse"),
    [
        ("GET", {}, True),
        ("GET", {"reuse": False}, False),
        ("POST", {}, False),
        ("POST", {"repeatable": True}, True),
        ("PUT", {}, True),
    ],
)
def test_what_may_not_be_repeated_goes_out_on_no_kept_connection(
    method: str, request_is: dict[str, bool], reuse: bool
) -> None:
    request = Request("http://a/", method=method, **request_is)  # type: ignore[arg-type]  # flags alone
    assert first_message(request).reuse is reuse


def test_away_from_home_the_name_is_that_of_the_host() -> None:
    request = Request("https://a.example/", tls=TlsOptions(server_name="b.example", ca_file="/ca.pem"))
    away = message_of(request, Leg(parse("https://c.example/"), "GET", b"", home=False))
    assert first_message(request).tls.server_name == "b.example"
    assert away.tls == TlsOptions(ca_file="/ca.pem")


async def test_a_request_that_is_sent_again_is_the_same_to_the_server_after_a_redirect_too(
    network: LoopNetwork,
) -> None:
    async def talk(visit: Visit) -> None:
        while True:
            asked = await visit.request()
            moved = asked.startswith(b"GET /a")
            await visit.say(ok(b"", "Location: /b\r\n", "302 Found") if moved else ok())

    async with serving(talk) as server:
        request = Request(server.url("/a"), auth=(("Authorization", Secret(SECRET)),), redirects=3)
        for _ in range(2):
            assert (await network.call(request, Trace())).url == server.url("/b")
        assert server.requests[0] == server.requests[2] and server.requests[1] == server.requests[3]
        assert len(server.requests) == 4 and server.requests[0] != server.requests[1]


async def test_an_answer_that_waits_for_its_turn_of_the_loop_adds_to_our_delay_and_to_no_phase(
    network: LoopNetwork,
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(ok())
        for _ in range(3):  # in one of these turns the answer is there and its caller has not gone on yet
            await asyncio.sleep(0)
            time.sleep(BUSY)  # noqa: ASYNC251 - a loop that is busy is what this is about
        await visit.reader.read()

    async with serving(talk) as server:
        trace, began = Trace(), time.perf_counter()
        await network.call(Request(server.url()), trace)
        took = time.perf_counter() - began
    assert trace.delay >= BUSY
    assert took >= sum(trace.phases.values()) + trace.delay
