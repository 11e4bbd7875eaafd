"""Texts of the GSM 7-bit default alphabet: what a phone gets without a costly change to UCS-2.

Alphabet and extension table are those of 3GPP TS 23.038, section 6.2.1. One message holds 160 septets; of a
longer text each part holds 153, because seven go to the header that joins them (3GPP TS 23.040, 9.2.3.24).
"""

# ruff: noqa: RUF001 -- what looks like another character is what this is about
import unicodedata

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""Characters of one septet."""

EXTENDED = frozenset("\f^{}\\[~]|€")
"""Characters of two septets: an escape, and one more, which no border of parts may separate."""

SINGLE, PART = 160, 153
"""Septets of a message of one part, and of each part of a longer one."""

MOST_PARTS = 2
LONGEST = 1000
"""Characters of a text that are looked at: far more than its parts can hold."""

UNKNOWN = "?"
"""What is written for a character that has nothing like it in the alphabet."""

# What no decomposition of Unicode leads to.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʹʼ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("•·∙●", "*"),
        **{"…": "...", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "×": "x", "÷": "/", "⁄": "/", "≠": "<>"},
        **{"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"},
        **{"œ": "oe", "Œ": "OE", "ŋ": "n", "Ŋ": "N", "ħ": "h", "Ħ": "H", "ſ": "s", "ẞ": "SS"},
        **{"ç": "c", "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M"},
        **{"Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X"},
    }
)


def transliterate(text: str) -> str:
    """Return `text` in one line of the alphabet: accents are dropped, what has no likeness becomes `?`.

    Control characters and marks of direction are blanks, and so are line breaks: a label forges no line.
    """
    # What no message can hold is not looked at: a label may be megabytes long.
    written = "".join(map(_alike, unicodedata.normalize("NFC", text[:LONGEST]).translate(_ALIKE)))
    return " ".join(written.split())


def _alike(sign: str) -> str:
    if sign.isspace():
        return " "
    if sign in BASIC or sign in EXTENDED:
        return sign
    if unicodedata.category(sign)[0] in "CZ":
        return " "
    plain = unicodedata.normalize("NFKD", sign).translate(_ALIKE)
    kept = "".join(one for one in plain if one in BASIC or one in EXTENDED).replace("\n", " ")
    return kept or ("" if unicodedata.combining(sign) else UNKNOWN)


def septets(text: str) -> int:
    """Return how many septets `text` takes; ValueError for a character outside of the alphabet."""
    return sum(map(_septets, text))


def parts(text: str) -> int:
    """Return in how many parts `text` is sent; ValueError for a character outside of the alphabet."""
    if septets(text) <= SINGLE:
        return 1
    count, room = 1, PART
    for sign in text:
        size = _septets(sign)
        if size > room:  # a pair that the border would separate goes whole into the next part
            count, room = count + 1, PART
        room -= size
    return count


def shorten(text: str, end: str = "", most: int = MOST_PARTS) -> str:
    """Return `text` in the alphabet and in at most `most` parts, with `...` where something was left out.

    `end`, of the alphabet, is behind it in any case.
    """
    written = transliterate(text)
    if parts(written + end) <= most:
        return written + end
    size = len(written)
    while parts(f"{written[:size].rstrip()}...{end}") > most:
        size -= 1
    return f"{written[:size].rstrip()}...{end}"


def _septets(sign: str) -> int:
    if sign in BASIC:
        return 1
    if sign in EXTENDED:
        return 2
    raise ValueError(f"U+{ord(sign):04X} is not of the GSM alphabet")
