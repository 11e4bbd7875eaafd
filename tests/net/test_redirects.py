"""Redirects: how far they are followed, and what is left behind on the way."""

import asyncio
from collections.abc import Callable

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Request, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net import redirects
from exporter.net.network import LoopNetwork
from tests.servers.authority import Authority
from tests.servers.raw import Talk, Visit, answering, ok, serving
from tests.waiting import PATIENCE

PLANTED = "planted-secret-0123"


def sending_on(where: Callable[[str], str | None], status: int = 302) -> Talk:
    """Redirect each path to what `where` says of it; a path that it knows nothing of is answered."""

    async def talk(visit: Visit) -> None:
        while True:
            path = (await visit.request()).split(b" ")[1].decode()
            location = where(path)
            if location is None:
                await visit.say(ok(path.encode()))
            else:
                await visit.say(ok(b"", f"Location: {location}\r\nSet-Cookie: a=b\r\n", f"{status} Moved"))

    return talk


async def answered(network: LoopNetwork, url: str, most: int = 5, **more: object) -> Answer:
    request = Request(url, redirects=most, **more)  # type: ignore[arg-type]  # each caller gives its own fields
    async with asyncio.timeout(PATIENCE):
        return await network.call(request, Trace())


async def refused(network: LoopNetwork, url: str, most: int = 5, **more: object) -> str:
    with pytest.raises(ProbeError) as caught:
        await answered(network, url, most, **more)
    assert caught.value.reason is Reason.BAD_RESPONSE
    return caught.value.detail


@pytest.mark.parametrize("location", ["/b c?d=e f", " /b c?d=e f\t", "/b%20c?d=e%20f"])
async def test_a_space_that_a_redirect_forgot_to_encode_is_encoded(
    network: LoopNetwork, location: str
) -> None:
    async with serving(sending_on(lambda path: location if path == "/a" else None)) as server:
        assert (await answered(network, server.url("/a"))).body == b"/b%20c?d=e%20f"


async def test_a_redirect_is_the_answer_where_none_may_be_followed(network: LoopNetwork) -> None:
    async with serving(sending_on(lambda path: "/b")) as server:
        answer = await answered(network, server.url("/a"), most=0)
    assert (answer.status, answer.headers["location"], answer.redirects) == (302, "/b", 0)


@pytest.mark.parametrize("location", ["/b", "b", "//HOST/b", "http://HOST/b", "HTTP://HOST/b", "/b#part"])
async def test_a_redirect_is_followed_however_it_is_written(network: LoopNetwork, location: str) -> None:
    host = ""

    def where(path: str) -> str | None:
        return location.replace("HOST", host) if path == "/a" else None

    async with serving(sending_on(where)) as server:
        host = f"127.0.0.1:{server.port}"
        answer = await answered(network, server.url("/a"))
    assert (answer.body, answer.redirects, answer.url) == (b"/b", 1, f"http://{host}/b")


@pytest.mark.parametrize(
    ("status", "headers"),
    [("201 Created", "Location: /b\r\n"), ("300 Choices", "Location: /b\r\n"), ("302 Found", "")],
)
async def test_what_leads_nowhere_is_the_answer(network: LoopNetwork, status: str, headers: str) -> None:
    async with serving(answering(ok(b"here", headers, status))) as server:
        answer = await answered(network, server.url("/a"))
        assert (answer.status, answer.body, len(server.requests)) == (int(status[:3]), b"here", 1)


def leading(*locations: str) -> Talk:
    """Redirect /a to all of `locations` at once; the other paths are answered by their own name."""
    lines = "".join(f"Location: {location}\r\n" for location in locations)

    async def talk(visit: Visit) -> None:
        while True:
            path = (await visit.request()).split(b" ")[1]
            await visit.say(ok(b"", lines, "302 Moved") if path == b"/a" else ok(path))

    return talk


@pytest.mark.parametrize("locations", [("/b, c",), ("/b, c", "/b, c")], ids=["once", "twice"])
async def test_a_location_that_is_said_twice_counts_once_and_may_hold_a_comma(
    network: LoopNetwork, locations: tuple[str, ...]
) -> None:
    async with serving(leading(*locations)) as server:
        answer = await answered(network, server.url("/a"))
    assert (answer.body, answer.redirects) == (b"/b,%20c", 1)


@pytest.mark.parametrize("locations", [("/b", "/c"), ("/b", "/c", "/b"), ("/b", "")])
async def test_two_locations_that_differ_are_not_followed_and_the_rule_is_named(
    network: LoopNetwork, locations: tuple[str, ...]
) -> None:
    async with serving(leading(*locations)) as server:
        detail = await refused(network, server.url("/a"))
        assert detail == (
            "the answer breaks the rules of HTTP: it has several Location that differ (RFC 9110, section 5.3)"
        )
        assert len(server.requests) == 1
    async with serving(leading(*locations)) as server:
        assert (await answered(network, server.url("/a"), most=0)).status == 302


async def test_a_location_of_an_interim_answer_is_none_of_the_answers(network: LoopNetwork) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLocation: /x\r\nLocation: /y\r\n\r\n"

    async def talk(visit: Visit) -> None:
        path = (await visit.request()).split(b" ")[1]
        await visit.say(early + ok(b"", "Location: /b\r\n", "302 Moved") if path == b"/a" else ok(path))

    async with serving(talk) as server:
        assert (await answered(network, server.url("/a"))).body == b"/b"


async def test_a_circle_is_noticed_and_named(network: LoopNetwork) -> None:
    circle = {"/a": "/b", "/b": "/c", "/c": f"/a?token={PLANTED}"}
    async with serving(sending_on(lambda path: circle[path.partition("?")[0]])) as server:
        detail = await refused(network, server.url(f"/a?token={PLANTED}"))
        assert detail == f"the server redirects in a circle, back to {server.url('/a')}?token=***"
        assert len(server.requests) == 3


async def test_too_many_redirects_are_not_followed(network: LoopNetwork) -> None:
    async with serving(sending_on(lambda path: f"/{int(path[1:]) + 1}")) as server:
        detail = await refused(network, server.url("/0"), most=3)
        assert "more than 3 times" in detail
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("ftp://127.0.0.1/", "another scheme"),
        ("file:///etc/passwd", "another scheme"),
        ("javascript:alert(1)", "another scheme"),
        ("http://user:pass@127.0.0.1/", "cannot be used"),
        ("http://127.0.0.1:99999/", "cannot be used"),
        ("http://a b/", "cannot be used"),
    ],
)
async def test_a_redirect_to_what_is_no_good_url_is_refused(
    network: LoopNetwork, location: str, words: str
) -> None:
    async with serving(sending_on(lambda path: location)) as server:
        assert words in await refused(network, server.url("/a"))


async def test_a_redirect_may_add_encryption_but_not_give_it_up(
    network: LoopNetwork, authority: Authority
) -> None:
    tls = TlsOptions(ca_file=authority.ca_file)
    async with (
        serving(sending_on(lambda path: None)) as plain,
        serving(sending_on(lambda path: plain.url()), tls=authority.server()) as secure,
        serving(sending_on(lambda path: None), tls=authority.server()) as last,
        serving(sending_on(lambda path: last.url("/x", scheme="https"))) as first,
    ):
        assert "gives up encryption" in await refused(network, secure.url(scheme="https"), tls=tls)
        assert plain.requests == []
        answer = await answered(network, first.url(), tls=tls)
        assert (answer.body, answer.tls_version) == (b"/x", "TLSv1.3")


async def test_credentials_stay_behind_on_the_way_to_another_origin_and_back(network: LoopNetwork) -> None:
    port = 0

    def where(path: str) -> str | None:  # /a, then another name of this machine, then home again
        return {"/a": f"http://localhost:{port}/b", "/b": f"http://127.0.0.1:{port}/back"}.get(path)

    async with serving(sending_on(where)) as home:
        port = home.port
        answer = await answered(
            network,
            home.url("/a"),
            headers=(("Cookie", "c=d"), ("X-Plain", "kept"), ("X-Secret", Secret(PLANTED))),
            auth=(("Authorization", Secret(f"Bearer {PLANTED}")),),
        )
    assert answer.body == b"/back"
    first, *others = home.requests
    assert len(others) == 2
    assert PLANTED.encode() in first
    for other in others:
        assert PLANTED.encode() not in other
        assert b"X-Plain: kept" in other
        assert not any(name in other.lower() for name in (b"cookie", b"authorization", b"x-secret"))


async def test_a_host_header_is_that_of_the_configured_origin_alone(network: LoopNetwork) -> None:
    port = 0

    def where(path: str) -> str | None:  # /a, further within the origin, another name, then home again
        away = f"http://localhost:{port}/away"
        return {"/a": "/b", "/b": away, "/away": f"http://127.0.0.1:{port}/back"}.get(path)

    async with serving(sending_on(where)) as home:
        port = home.port
        await answered(network, home.url("/a"), headers=(("host", "shop.example"), ("X-Plain", "kept")))
    hosts = [request.lower().split(b"host: ")[1].split(b"\r\n")[0] for request in home.requests]
    assert hosts == [b"shop.example", b"shop.example", f"localhost:{port}".encode(), b"shop.example"]
    assert all(b"X-Plain: kept" in request for request in home.requests)


async def test_a_server_name_is_that_of_the_configured_origin_alone(
    network: LoopNetwork, authority: Authority
) -> None:
    tls = TlsOptions(ca_file=authority.ca_file, server_name="other.example")
    there = ""
    async with (
        serving(sending_on(lambda path: None), tls=authority.server("localhost")) as last,
        serving(
            sending_on(lambda path: there if path == "/away" else None),
            tls=authority.server("other.example"),
        ) as first,
    ):
        there = last.url("/x", scheme="https", host="localhost")
        answer = await answered(network, first.url("/away", scheme="https"), tls=tls)
        assert answer.body == b"/x"
        assert (await answered(network, first.url("/b", scheme="https"), tls=tls)).body == b"/b"
        there = last.url("/x", scheme="https", host="127.0.0.1")
        with pytest.raises(ProbeError, match=r"for another address than 127\.0\.0\.1"):
            await answered(network, first.url("/away", scheme="https"), tls=tls)


@pytest.mark.parametrize(
    ("configured", "target", "home"),
    [
        ("http://a.example/", "http://a.example/b", True),
        ("http://a.example/", "https://a.example/b", True),
        ("https://a.example/", "https://a.example:8443/b", False),
        ("http://a.example:8080/", "https://a.example/b", False),
        ("http://a.example/", "https://a.example:8443/b", False),
        ("http://a.example/", "https://b.example/b", False),
        ("http://a.example/", "http://b.example/b", False),
    ],
)
def test_encryption_may_be_added_without_leaving_home(configured: str, target: str, home: bool) -> None:
    leg = redirects.first(Request(configured))
    assert leg.home
    moved = Answer(302, {"location": target}, b"", configured)
    following = redirects.follow(leg, moved, [leg], 5)
    assert following is not None
    assert following.home is home


async def test_a_scheme_in_capitals_and_a_method_in_small_letters_are_what_they_mean(
    network: LoopNetwork,
) -> None:
    host = ""
    async with serving(sending_on(lambda path: f"HTTP://{host}/b" if path == "/a" else None)) as server:
        host = f"127.0.0.1:{server.port}"
        answer = await answered(network, server.url("/a"), method="post", body=b"data")
    assert answer.body == b"/b"
    assert [request.split(b" ")[0] for request in server.requests] == [b"POST", b"GET"]


async def test_credentials_go_along_within_the_origin_but_no_cookie_is_kept(network: LoopNetwork) -> None:
    async with serving(sending_on(lambda path: "/b" if path.startswith("/a") else None)) as server:
        await answered(
            network,
            server.url("/a"),
            auth=(("Authorization", Secret(PLANTED)),),
            query=(("key", Secret("in-query")),),
        )
    assert b"in-query" in server.requests[0]
    assert b"in-query" not in server.requests[1]
    assert PLANTED.encode() in server.requests[1]
    assert b"cookie" not in server.requests[1].lower()


async def test_a_credential_that_the_server_sends_back_in_a_redirect_is_not_shown(
    network: LoopNetwork,
) -> None:
    trace = Trace()
    async with serving(sending_on(lambda path: f"/{PLANTED}")) as server:
        request = Request(
            server.url("/a"), auth=(("Authorization", Secret(f"Bearer {PLANTED}")),), redirects=2
        )
        with pytest.raises(ProbeError) as caught:
            await network.call(request, trace)
    assert PLANTED not in caught.value.detail + str(caught.value) + repr(trace)


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", b"GET"),
        (302, "POST", b"GET"),
        (303, "PUT", b"GET"),
        (303, "HEAD", b"HEAD"),
        (302, "PUT", b"PUT"),
        (302, "post", b"GET"),
        (303, "head", b"HEAD"),
        (307, "post", b"POST"),
        (307, "POST", b"POST"),
        (308, "POST", b"POST"),
    ],
)
async def test_methods_change_as_in_browsers(
    network: LoopNetwork, status: int, method: str, then: bytes
) -> None:
    async with serving(sending_on(lambda path: "/b" if path == "/a" else None, status)) as server:
        await answered(
            network, server.url("/a"), method=method, body=b"" if method.upper() == "HEAD" else b"data"
        )
    assert server.requests[1].startswith(then + b" /b")
    assert server.requests[1].endswith(b"data") == (then in (b"POST", b"PUT"))
