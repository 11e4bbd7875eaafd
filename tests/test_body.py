"""Bodies of answers: their text and their JSON, whatever charset they are in."""

import codecs
import math

import msgspec
import pytest

from exporter.core.body import json_from, json_of, text_of
from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.reason import Reason

JSON = '{"city": "Zürich", "sign": "€"}'
VALUE = {"city": "Zürich", "sign": "€"}


def answer(body: bytes, content_type: str = "", packed: str = "") -> Answer:
    headers = {"content-type": content_type} if content_type else {}
    return Answer(200, headers, body, "http://x/", packed=packed)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (JSON.encode(), ""),
        (JSON.encode(), "application/json; charset=ISO-8859-1"),  # declared wrongly: JSON is UTF-8
        (codecs.BOM_UTF8 + JSON.encode(), ""),
        (codecs.BOM_UTF8 + JSON.encode(), "application/json; charset=latin1"),
        (JSON.encode("utf-16"), ""),
        (JSON.encode("utf-16-le"), ""),
        (JSON.encode("utf-16-be"), "application/json; charset=utf-8"),
        (codecs.BOM_UTF16_BE + JSON.encode("utf-16-be"), ""),
        (JSON.encode("utf-32"), ""),
        (JSON.encode("utf-32-be"), ""),
        (JSON.encode("cp1252"), "application/json; charset=ISO-8859-1"),
        (JSON.encode("cp1252"), 'application/json;Charset="windows-1252"'),
        (JSON.encode("iso8859-15"), "application/json; charset=ISO-8859-15"),
    ],
)
def test_json_is_read_in_whatever_charset_it_comes(body: bytes, content_type: str) -> None:
    assert json_of(answer(body, content_type)) == VALUE
    assert json_from(body, content_type) == VALUE


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"", "", "it is empty"),
        (b" \n", "", "it is empty"),
        (codecs.BOM_UTF8, "", "it is empty"),
        (b"<html>", "", "it is malformed at byte 0"),
        (b'{"a": x}', "", "it is malformed at byte 6"),
        (codecs.BOM_UTF8 + b'{"a": x}', "", "it is malformed at byte 6"),
        (b'{"a": 1', "", "it ends too early"),
        (b"[" * 100_000, "", "it is nested too deeply"),
        (codecs.BOM_UTF8 + b"[" * 100_000, "", "it is nested too deeply"),
        (JSON.encode("cp1252"), "", "it is no UTF-8, and Content-Type names no charset that fits"),
        (
            JSON.encode("cp1252"),
            "a/b; charset=zlib",
            "it is no UTF-8, and Content-Type names no charset that fits",
        ),
        (
            JSON.encode("cp1252"),
            "a/b; charset=x-none",
            "it is no UTF-8, and Content-Type names no charset that fits",
        ),
        (b'"\x81"', "a/b; charset=ascii", "it is no UTF-8, and Content-Type names no charset that fits"),
        (codecs.BOM_UTF16_LE + b"[", "", "it is malformed at byte 0"),
    ],
)
def test_what_is_no_json_is_reported_in_words_of_ours(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(ProbeError) as caught:
        json_of(answer(body, content_type))
    assert (caught.value.reason, caught.value.detail) == (
        Reason.BAD_RESPONSE,
        f"the body is not JSON: {words}",
    )
    with pytest.raises(ValueError, match=words) as plain:
        json_from(body, content_type)
    assert not isinstance(plain.value, (UnicodeError, msgspec.DecodeError))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("1e999", math.inf),
        ("-1e999", -math.inf),
        ("9" * 5000, math.inf),
        ("-" + "9" * 5000, -math.inf),
        ("9" * 400 + ".5", math.inf),
        ("1e-999", 0.0),
        ("1" + "0" * 300, 10**300),
    ],
    ids=lambda given: str(given)[:8],
)
def test_a_number_beyond_all_bounds_is_infinite_and_costs_nothing_else_of_the_answer(
    number: str, value: float, encoding: str
) -> None:
    body = f'{{"odd": {number}, "good": [1, "é", null]}}'.encode(encoding)
    assert json_from(body) == {"odd": value, "good": [1, "é", None]}


@pytest.mark.parametrize("body", [b"[1e999, NaN]", b"[1e999", b"[1e999, x]", b"[1e999] 1"])
def test_such_a_number_excuses_nothing_else(body: bytes) -> None:
    with pytest.raises(ProbeError, match="the body is not JSON: it ") as caught:
        json_of(answer(body))
    assert caught.value.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("Zürich €".encode(), ""),
        ("Zürich €".encode(), "text/html"),
        ("Zürich €".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("Zürich €".encode("cp1252"), "text/html; charset=us-ascii"),
        ("Zürich €".encode("utf-16"), ""),
        (codecs.BOM_UTF8 + "Zürich €".encode(), "text/html; charset=ISO-8859-1"),
        ("Zürich €".encode("utf-16-be"), "text/plain; charset=utf-16be"),
    ],
)
def test_text_is_read_by_its_mark_and_then_by_its_declared_charset(body: bytes, content_type: str) -> None:
    assert text_of(answer(body, content_type), 100) == "Zürich €"


def test_of_a_text_no_more_is_read_than_asked_for_and_what_cannot_be_read_is_marked() -> None:
    assert text_of(answer(b"abcdef"), 3) == "abc"
    assert text_of(answer("Zü".encode()), 2) == "Z\ufffd"
    assert text_of(answer(b"\xff\x00", "text/plain; charset=none"), 9) == "\ufffd\0"


def test_a_body_that_is_still_packed_is_neither_text_nor_json() -> None:
    for read in (json_of, lambda one: text_of(one, 9)):
        with pytest.raises(
            ProbeError, match="the body has the content encoding br, which cannot be read"
        ) as caught:
            read(answer(b"{}", packed="br"))
        assert caught.value.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize(
    "name",
    ["punycode", "idna", "unicode_escape", "raw-unicode-escape", "utf-7", "zlib", "rot13", "undefined"],
)
def test_codecs_of_python_that_no_page_is_written_in_are_not_used(name: str) -> None:
    # A mebibyte of punycode keeps its decoder busy for minutes, and a byte beyond ASCII makes it raise.
    body = b"caf\\u00e9-" + b"z9" * (1 << 19) + b"\x80"
    assert text_of(answer(body, f"text/html; charset={name}"), len(body)) == body.decode("utf-8", "replace")
    with pytest.raises(ProbeError):
        json_of(answer(body, f"application/json; charset={name}"))
