"""The GSM alphabet: what a text costs, how it is written, and that two parts are never passed."""

# ruff: noqa: RUF001 -- what looks like another character is what this is about
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.core.gsm7 import BASIC, EXTENDED, PART, SINGLE, parts, septets, shorten, transliterate

A = "a"


def test_the_alphabet_is_that_of_3gpp_ts_23_038() -> None:
    # 128 places of the default table, of which one is the escape; ten of the extension table are characters.
    assert len(BASIC) == 127
    assert {ord(one) for one in EXTENDED} == {0x0C, *map(ord, "^{}\\[~]|€")}
    assert not BASIC & EXTENDED


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        (A * SINGLE, 1),
        (A * (SINGLE + 1), 2),
        (A * (2 * PART), 2),
        (A * (2 * PART + 1), 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 152 and a pair: the pair goes whole into the second part, which is full one septet earlier.
        (A * 152 + "€" + A * 151, 2),
        (A * 152 + "€" + A * 152, 3),
        (A * 153 + "€" + A * 151, 2),
        ("€" * 152, 2),
        ("€" * 153, 3),
    ],
)
def test_a_text_is_sent_in_as_many_parts_as_phones_join(text: str, count: int) -> None:
    assert parts(text) == count


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("äöüÄÖÜß ñ à é £ ¥ Δ", "äöüÄÖÜß ñ à é £ ¥ Δ"),
        ("őčšřëâ Łódź Đà", "ocsrea Lodz Dà"),
        ("“quoted” – ‘and’ … more", "\"quoted\" - 'and' ... more"),
        ("ﬁnal ½ ①", "final 1/2 1"),
        ("日本 Привет 🔥", "?? ?????? ?"),
        ("e\u0301 combining", "é combining"),
        ("one\ntwo\r\nthree\x00\x1b[31m\u202eevil\u200b", "one two three [31m evil"),
        ("  many   blanks\t", "many blanks"),
        ("[brackets] {braces} ~ | \\ ^ €", "[brackets] {braces} ~ | \\ ^ €"),
        ("`tick`", "'tick'"),
    ],
)
def test_what_the_alphabet_lacks_is_written_by_what_is_nearest(text: str, written: str) -> None:
    assert transliterate(text) == written


@given(st.text(max_size=400), st.sampled_from(["", " Last SMS of this incident."]))
@example("€" * 400, "")
@example("\ud800" * 10 + "[" * 400, " Last SMS of this incident.")
def test_whatever_it_is_made_of_it_is_one_line_of_two_parts_at_most(text: str, end: str) -> None:
    written = shorten(text, end)
    assert parts(written) <= 2 and written.endswith(end)
    assert set(written) <= BASIC | EXTENDED and not set(written) & {"\n", "\r", "\f"}
    assert septets(written) <= 2 * PART


@given(st.text(alphabet=sorted((BASIC | EXTENDED) - {"\n", "\r", "\f", " "}), max_size=150))
def test_a_short_text_of_the_alphabet_is_sent_as_it_is(text: str) -> None:
    assert shorten(text) == text


def test_what_is_too_long_ends_in_dots_and_uses_both_parts() -> None:
    written = shorten("x" * 10_000_000)
    assert written == "x" * 303 + "..."


def test_a_character_outside_of_the_alphabet_has_no_size() -> None:
    with pytest.raises(ValueError, match=r"U\+65E5"):
        septets("日")
