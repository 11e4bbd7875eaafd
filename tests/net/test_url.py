"""A URL taken apart: what goes on the wire, and what is refused."""

import pytest

from exporter.net import url as urls


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "target", "authority"),
    [
        ("http://Shop.Example", "http", "shop.example", 80, "/", "shop.example"),
        ("HTTPS://shop.example/", "https", "shop.example", 443, "/", "shop.example"),
        ("http://shop.example:80/a", "http", "shop.example", 80, "/a", "shop.example"),
        ("http://shop.example:443/a", "http", "shop.example", 443, "/a", "shop.example:443"),
        ("https://shop.example:80/a", "https", "shop.example", 80, "/a", "shop.example:80"),
        ("http://[::1]/a", "http", "::1", 80, "/a", "[::1]"),
        ("http://[::1]:81/a", "http", "::1", 81, "/a", "[::1]:81"),
        ("http://127.0.0.1:65535/?", "http", "127.0.0.1", 65535, "/", "127.0.0.1:65535"),
        ("http://a/ü?q=ü", "http", "a", 80, "/%C3%BC?q=%C3%BC", "a"),
        ("http://a/b%20c;d=(e)*!$&'+,=@~-._?x[]=1&y={}|^`\"%", "http", "a", 80,
         "/b%20c;d=(e)*!$&'+,=@~-._?x[]=1&y={}|^`\"%", "a"),
        ("http://a/b<c>", "http", "a", 80, "/b%3Cc%3E", "a"),
        ("http://a/b?c=<d>", "http", "a", 80, "/b?c=%3Cd%3E", "a"),
        ("http://a?b=c", "http", "a", 80, "/?b=c", "a"),
        ("http://a/b#part", "http", "a", 80, "/b", "a"),
    ],
)  # fmt: skip
def test_a_url_has_its_parts(
    text: str, scheme: str, host: str, port: int, target: str, authority: str
) -> None:
    url = urls.parse(text)
    assert (url.scheme, url.host, url.port, url.target) == (scheme, host, port, target)
    assert url.authority == authority
    assert url.origin == (scheme, host, port)
    assert str(url) == f"{scheme}://{authority}{target}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://a/" + "b" * 8_184, "the URL is longer than 8192 characters"),
        ("http://a/b c", "holds a space, a backslash or a control character"),
        ("http://a\\b/", "holds a space, a backslash or a control character"),
        ("http://a/\x7f", "holds a space, a backslash or a control character"),
        ("http://a/\x00", "holds a space, a backslash or a control character"),
        ("http://a:b/", "host or port cannot be read"),
        ("http://a:65536/", "host or port cannot be read"),
        ("http://[a/", "host or port cannot be read"),
        ("ftp://a/", "must start with http:// or https://"),
        ("a/b", "must start with http:// or https://"),
        ("http://u@a/", "holds a user name or password"),
        ("http://:p@a/", "holds a user name or password"),
        ("http://a:0/", "port must be from 1 to 65535"),
        ("http:///b", "the host is missing"),
        ("http://a..b/", "the host is no valid name"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        urls.parse(text)


def test_the_longest_url_is_taken() -> None:
    assert len(urls.parse("http://a/" + "b" * 8_183).target) == 8_184
