"""Calls through an HTTP proxy: what it is given, what it may know, and whose fault a failure is."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.core.network import Proxy, Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.network import LoopNetwork
from tests.net.failing import PLANTED, fails, fails_late
from tests.servers.authority import Authority, Chain
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy as Server
from tests.servers.raw import Raw, keeping, ok, serving
from tests.waiting import rest

AUTH = Secret("Basic cGxhbnRlZA==")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Raw]:
    async with serving(server.talk) as raw:
        yield raw
        await rest()  # what hangs up is noticed at both ends


async def test_https_goes_through_a_tunnel_and_the_proxy_sees_no_request(
    network: LoopNetwork, authority: Authority, server: Server, proxy: Raw
) -> None:
    trace = Trace()
    async with serving(keeping(), tls=authority.server()) as target:
        request = Request(
            target.url("/path", scheme="https", host="localhost"),
            auth=(("Authorization", Secret(f"Bearer {PLANTED}")),),
            tls=TlsOptions(ca_file=authority.ca_file),
            proxy=Proxy(proxy.url(""), AUTH),
            reuse=False,
        )
        answer = await network.call(request, trace)
        assert (answer.status, answer.tls_version, trace.http_status) == (200, "TLSv1.3", 200)
        assert b"Bearer" in target.requests[0]
        assert b"Proxy-Authorization" not in target.requests[0]
    (head,) = server.asked
    place = f"localhost:{target.port}"
    assert head.startswith(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: integration-exporter/")
    assert f"\r\nProxy-Authorization: {AUTH.reveal()}\r\n" in head
    assert PLANTED not in head
    assert "resolve" not in trace.phases, "the proxy resolves the name"
    assert AUTH.reveal() not in repr(trace)


async def test_http_is_asked_of_the_proxy_by_the_whole_url(
    network: LoopNetwork, server: Server, proxy: Raw
) -> None:
    request = Request(
        "http://shop.example/a?b=c", query=(("key", Secret("k")),), proxy=Proxy(proxy.url(""), AUTH)
    )
    assert (await network.call(request, Trace())).body == b"by proxy"
    (head,) = server.asked
    assert head.startswith("GET http://shop.example/a?b=c&key=k HTTP/1.1\r\n")
    assert "\r\nHost: shop.example\r\n" in head
    assert f"\r\nProxy-Authorization: {AUTH.reveal()}\r\n" in head


async def test_a_tunnel_is_kept_for_the_next_call_to_the_same_server_alone(
    network: LoopNetwork, authority: Authority, server: Server, proxy: Raw
) -> None:
    tls = TlsOptions(ca_file=authority.ca_file)
    async with serving(keeping(), tls=authority.server()) as target:
        url = target.url(scheme="https")
        for _ in range(2):
            assert (
                await network.call(Request(url, tls=tls, proxy=Proxy(proxy.url(""))), Trace())
            ).status == 200
        assert (len(server.asked), target.visits) == (1, 1)
        assert (await network.call(Request(url, tls=tls), Trace())).status == 200
        assert (len(server.asked), target.visits) == (1, 2)
        await network.close()
        await rest()


async def test_redirects_go_through_the_proxy_too(network: LoopNetwork, server: Server, proxy: Raw) -> None:
    server.answer = ok(b"", "Location: http://other.example/\r\n", "302 Found")
    request = Request("http://shop.example/", proxy=Proxy(proxy.url(""), AUTH), redirects=1)
    error = await fails(network, request)
    assert "in a circle" in error.detail or "more than 1 times" in error.detail
    assert [head.split(" ")[1] for head in server.asked] == ["http://shop.example/", "http://other.example/"]
    assert all("Proxy-Authorization" in head for head in server.asked)


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (
            "407 Proxy Authentication Required",
            Reason.AUTH,
            "the proxy answered HTTP 407: it requires credentials",
        ),
        ("403 Forbidden", Reason.PERMISSION, "HTTP 403: it does not connect us to localhost:443"),
        ("404 Not Found", Reason.NOT_FOUND, "HTTP 404: it does not connect us to localhost:443"),
        ("502 Bad Gateway", Reason.CONNECT, "HTTP 502: it cannot reach localhost:443"),
        ("500 Oops", Reason.CONNECT, "HTTP 500: it cannot reach localhost:443"),
        ("302 Found", Reason.BAD_RESPONSE, "HTTP 302: it does not connect us to localhost:443"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_reported(
    network: LoopNetwork, server: Server, proxy: Raw, status: str, reason: Reason, words: str
) -> None:
    server.answer = ok(b"no", status=status)
    trace = Trace()
    error = await fails(network, Request("https://localhost/", proxy=Proxy(proxy.url(""), AUTH)), trace)
    assert (error.reason, re.search(re.escape(words), error.detail) is not None) == (reason, True), (
        error.detail
    )
    assert trace.http_status is None, "it is no answer of the server"


async def test_a_proxy_that_refuses_our_credentials_for_plain_http_is_reported(
    network: LoopNetwork, server: Server, proxy: Raw
) -> None:
    server.answer = ok(b"no", status="407 Proxy Authentication Required")
    error = await fails(network, Request("http://shop.example/", proxy=Proxy(proxy.url(""))))
    assert (error.reason, "proxy_auth" in error.detail) == (Reason.AUTH, True)
    direct = await network.call(Request(proxy.url("/")), Trace())
    assert direct.status == 407, "without a proxy it is a status like others"


async def test_a_proxy_that_cannot_be_reached_is_kept_apart_from_the_server(network: LoopNetwork) -> None:
    error = await fails(
        network, Request("https://x.example/", proxy=Proxy(f"http://127.0.0.1:{free_port()}"))
    )
    assert error.reason is Reason.CONNECT
    assert re.fullmatch(r"proxy: 127\.0\.0\.1:\d+ refused the connection", error.detail)
    error = await fails(network, Request("https://x.example/", proxy=Proxy("http://no-such.invalid:1")))
    assert (error.reason, error.detail.startswith("proxy: the name no-such.invalid")) == (Reason.DNS, True)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1:1", "spoken to by http:// alone"),
        ("socks5://127.0.0.1:1", "must start with http://"),
        ("http://127.0.0.1:1/path", "has no path"),
        ("http://u:p@127.0.0.1:1", "belong in proxy_auth"),
    ],
)
async def test_a_proxy_that_is_none_is_a_mistake_of_the_options(
    network: LoopNetwork, url: str, words: str
) -> None:
    error = await fails(network, Request("http://x.example/", proxy=Proxy(url)))
    assert (error.reason, words in error.detail) == (Reason.NOT_CONFIGURED, True)


async def test_a_refused_certificate_is_read_through_the_tunnel(
    network: LoopNetwork, server: Server, proxy: Raw, tmp_path: Path
) -> None:
    chain = Chain(tmp_path, middle=-1)
    trace = Trace()
    async with serving(keeping(), tls=chain.server()) as target:
        request = Request(
            target.url(scheme="https", host="localhost"),
            tls=TlsOptions(ca_file=chain.ca_file),
            proxy=Proxy(proxy.url("")),
        )
        error = await fails(network, request, trace)
        await rest()
    assert error.detail == "a certificate of the chain, not the server's own, has expired"
    assert trace.certificate_expiry == pytest.approx(time.time() + 90 * 86_400, abs=120)
    assert len(server.asked) == 2


async def test_a_silent_proxy_is_named_in_the_log(network: LoopNetwork) -> None:
    async def silent(visit: object) -> None:
        await asyncio.sleep(60)

    async with serving(silent) as raw:
        request = Request("https://x.example/", proxy=Proxy(raw.url("")))
        error = await fails_late(network, request, lambda: raw.visits)
    assert (error.reason, error.detail) == (
        Reason.TIMEOUT,
        "stopped while waiting for the proxy to reach the server",
    )
