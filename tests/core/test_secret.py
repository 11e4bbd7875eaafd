"""A Secret never shows itself, and a redacted text leaves nothing of one."""

import copy
import json
import pickle
import string
from typing import Any

import msgspec
import pytest

from exporter.core.secret import REDACTED, Secret, forms, redact, reveal_all

VALUE = "sk_live_planted"


@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        ascii,
        "{}".format,
        "{!r:>30}".format,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!s:.3}",
        lambda secret: format(secret, ".3"),
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 -- this way is tried too
        lambda secret: str([secret]),
        lambda secret: str({"key": secret}),
        lambda secret: str(ValueError(secret)),
        lambda secret: string.Template("$x").substitute(x=secret),
    ],
)
def test_no_way_of_printing_shows_it(shown: Any) -> None:
    text = shown(Secret(VALUE, "/run/secrets/x"))
    assert not any(VALUE[:length] in text for length in range(3, len(VALUE)))
    assert "*" in text


def test_a_format_has_no_say() -> None:
    assert format(Secret(VALUE), ">40") == REDACTED


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret(VALUE), protocol)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps({"deep": [Secret(VALUE)]}, protocol)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
def test_it_cannot_be_copied_by_accident(clone: Any) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        clone(Secret(VALUE))


@pytest.mark.parametrize(
    "encode", [json.dumps, msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins]
)
def test_it_becomes_no_json_by_accident(encode: Any) -> None:
    with pytest.raises(TypeError) as caught:
        encode({"key": Secret(VALUE)})
    assert VALUE not in str(caught.value)


def test_it_has_no_dictionary_to_look_into() -> None:
    assert not hasattr(Secret(VALUE), "__dict__")


def test_equal_ones_are_equal_and_no_text_is() -> None:
    assert Secret("a") == Secret("a", "/from/a/file")
    assert hash(Secret("a")) == hash(Secret("a", "/from/a/file"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) != hash("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_only_an_empty_one_is_false() -> None:
    assert Secret(" ") and Secret("0")
    assert not Secret("")


def test_it_is_revealed_by_one_word() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_a_longer_one_goes_first_so_that_no_tail_is_left() -> None:
    for secrets in ({"abcd", "abcdefgh"}, {"abcdefgh", "abcd"}, {"efgh", "abcdefgh", "cdef"}):
        assert redact("x abcdefgh", secrets) == "x ***"


@pytest.mark.parametrize(
    ("secret", "text"), [("abc", "an abc"), ("abcd", "an ***"), ("", "an abcd"), ("abcde", "an abcd")]
)
def test_four_characters_are_the_shortest_that_is_replaced(secret: str, text: str) -> None:
    assert redact("an abcd" if secret != "abc" else "an abc", {secret}) == text


def test_every_occurrence_is_replaced() -> None:
    assert redact("abcd-abcdabcd", frozenset({"abcd"})) == "***-******"


class Inner(msgspec.Struct, frozen=True):
    key: Secret
    plain: str = "plain"


class Outer(msgspec.Struct, frozen=True):
    inner: Inner
    many: tuple[Secret, ...] = ()
    named: dict[str, Secret] = {}
    absent: Secret | None = None


def test_all_inside_are_revealed_and_nothing_else() -> None:
    value = Outer(Inner(Secret("one")), (Secret("two"), Secret("three")), {"a": Secret("four")})
    assert reveal_all(value) == {"one", "two", "three", "four"}
    assert reveal_all([value, (Secret("five"),), {Secret("six")}, frozenset({Secret("seven")})]) == {
        *("one", "two", "three", "four", "five", "six", "seven")
    }
    nothing: tuple[object, ...] = (None, "text", 3, [], {}, (), set(), {"key": "value"})
    assert [reveal_all(one) for one in nothing] == [set()] * len(nothing)


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ('pa/ss wörd"', "pa/ss%20w%C3%B6rd%22"),
        ('pa/ss wörd"', "pa%2Fss%20w%C3%B6rd%22"),
        ('pa/ss wörd"', "pa%2Fss+w%C3%B6rd%22"),
        ('pa/ss wörd"', 'pa/ss w\\u00f6rd\\"'),
        ('pa/ss wörd"', 'pa/ss wörd\\"'),
        ("it's \"wörd", "it\\'s \"wörd"),  # as a traceback quotes it
        (
            "it's \"wörd\t\x1b",
            "it's \"wörd\\t\\x1b",
        ),  # as a log line has it
        ("/%:@!$&'()*+,;=~-._ö", "/%:@!$&'()*+,;=~-._%C3%B6"),  # as the path of a URL has it
    ],
)
def test_another_way_of_writing_it_is_one_of_its_forms_and_is_blotted_out_whole(
    secret: str, text: str
) -> None:
    assert {secret, text} <= forms(secret)
    assert redact(f"<{text}>", forms(secret)) == "<***>"


def test_what_is_written_alike_everywhere_has_one_form() -> None:
    assert forms(VALUE) == {VALUE}
