"""A request as bytes: each line, what is left out on the way, and what is never written."""

import pytest

from exporter.core.defaults import USER_AGENT
from exporter.core.errors import ProbeError
from exporter.core.network import Proxy, Request
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.net.message import body_of, encode, secrets_of
from exporter.net.url import parse

OWN = f"User-Agent: {USER_AGENT}\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"


def sent(request: Request, method: str = "GET", *, away: bool = False, query: bool = True) -> str:
    body = body_of(request)
    url = parse(request.url)
    data = encode(request, url, method, body, credentials=not away, query=query, home=not away)
    return data.decode("latin-1")


def test_a_request_has_our_own_headers() -> None:
    assert sent(Request("http://a/b")) == f"GET /b HTTP/1.1\r\nHost: a\r\n{OWN}\r\n"
    text = sent(Request("http://a:81/b", reuse=False))
    assert text == f"GET /b HTTP/1.1\r\nHost: a:81\r\n{OWN}Connection: close\r\n\r\n"


def test_configured_headers_stand_in_place_of_our_own() -> None:
    headers = (("ACCEPT", "a/b"), ("host", "c"), ("User-agent", "d"), ("accept-encoding", "e"))
    lines = sent(Request("http://a/b", headers=headers)).split("\r\n")
    assert lines == [
        "GET /b HTTP/1.1",
        "ACCEPT: a/b",
        "host: c",
        "User-agent: d",
        "accept-encoding: e",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", b"", ""),
        ("DELETE", b"", ""),
        ("HEAD", b"", ""),
        ("POST", b"", "0"),
        ("PUT", b"", "0"),
        ("PATCH", b"", "0"),
        ("GET", b"abc", "3"),
        ("POST", b"abc", "3"),
    ],
)
def test_a_length_is_reported_with_a_body_and_where_one_is_expected(
    method: str, body: bytes, length: str
) -> None:
    head, _, rest = sent(Request("http://a/", body=body), method).partition("\r\n\r\n")
    assert rest == body.decode()
    assert [line[16:] for line in head.split("\r\n") if line.startswith("Content-Length: ")] == [
        length
    ] * bool(length)


def test_a_form_is_a_body_of_its_fields() -> None:
    request = Request("http://a/", form=(("a b", "c&d"), ("é", Secret("x y"))), body=b"not this")
    assert body_of(request) == b"a+b=c%26d&%C3%A9=x+y"
    assert "\r\nContent-Type: application/x-www-form-urlencoded\r\n" in sent(request, "POST")
    assert "Content-Type" not in sent(Request("http://a/", body=b"x"), "POST")


@pytest.mark.parametrize(
    ("url", "target"),
    [("http://a/b", "/b?k=v%26&n=w"), ("http://a/b?c", "/b?c&k=v%26&n=w"), ("http://a/b?", "/b?k=v%26&n=w")],
)
def test_credentials_in_the_query_stand_behind_what_is_there(url: str, target: str) -> None:
    request = Request(url, query=(("k", Secret("v&")), ("n", "w")))
    assert sent(request).startswith(f"GET {target} HTTP/1.1\r\n")
    assert sent(request, query=False).startswith("GET /b")
    assert "v%26" not in sent(request, query=False)
    assert sent(Request(url)).startswith(f"GET /b{'?c' if '?c' in url else ''} HTTP")


def test_away_from_home_credentials_and_the_host_header_stay_behind() -> None:
    headers = (("Host", "c"), ("Cookie", "d"), ("Proxy-Authorization", "e"), ("X", Secret("f")), ("Y", "g"))
    request = Request("http://a/", headers=headers, auth=(("Authorization", Secret("h")),))
    assert all(f": {letter}\r\n" in sent(request) for letter in "cdefgh")
    text = sent(request, away=True)
    assert text == f"GET / HTTP/1.1\r\nY: g\r\nHost: a\r\n{OWN}\r\n"


def test_a_header_in_utf_8_or_with_a_tab_is_sent_as_it_is() -> None:
    request = Request("http://a/", headers=(("X", "ü\tb"),))
    assert "X: ü\tb\r\n".encode().decode("latin-1") in sent(request)


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x08", "\x0b", "\x1f", "\x7f"])
def test_no_control_character_is_written_into_a_header(character: str) -> None:
    with pytest.raises(ProbeError, match="header X holds a line break or control character") as caught:
        sent(Request("http://a/", headers=(("X", Secret(f"a{character}b")),)))
    assert caught.value.reason is Reason.NOT_CONFIGURED


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a:", "ü", "Content-Length", "TE", "transfer-encoding", "Connection", "Upgrade"],
)
def test_a_header_that_frames_or_is_none_is_refused(name: str) -> None:
    with pytest.raises(ProbeError, match="is no header that can be set"):
        sent(Request("http://a/", headers=((name, "x"),)))


@pytest.mark.parametrize("method", ["", "G T", "GET\r\n", "GÉT"])
def test_a_method_that_is_no_word_is_refused(method: str) -> None:
    with pytest.raises(ProbeError, match="method is no valid word"):
        sent(Request("http://a/"), method)


def test_every_secret_of_a_request_is_known_with_and_without_its_scheme() -> None:
    request = Request(
        "http://a/",
        headers=(("X", Secret("one")), ("Y", "plain")),
        auth=(("Authorization", Secret("Bearer two")),),
        query=(("k", Secret("three")),),
        form=(("f", Secret("four")),),
        proxy=Proxy("http://p", Secret("Basic five")),
    )
    assert secrets_of(request) == {"one", "Bearer two", "two", "three", "four", "Basic five", "five"}
    assert secrets_of(Request("http://a/", proxy=Proxy("http://p"))) == set()


def test_a_proxy_gets_the_whole_url_and_its_credentials_for_plain_http_alone() -> None:
    proxy = Proxy("http://p", Secret("Basic x"))
    plain = sent(Request("http://a/b?c=d", query=(("k", "v"),), proxy=proxy))
    assert plain.startswith("GET http://a/b?c=d&k=v HTTP/1.1\r\nProxy-Authorization: Basic x\r\nHost: a\r\n")
    assert "Proxy-" not in sent(Request("http://a/b", proxy=Proxy("http://p")))
    secure = sent(Request("https://a/b", proxy=proxy))
    assert secure.startswith("GET /b HTTP/1.1\r\nHost: a\r\n")
