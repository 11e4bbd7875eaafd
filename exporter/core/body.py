"""From the bytes of an answer to its text or its JSON, whatever charset they are in."""

import codecs
import json
import re
from typing import Any

import msgspec

from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.reason import Reason

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.IGNORECASE)
_MARKS = (
    # the longer marks first: that of UTF-32 begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LATIN = ("iso8859-1", "ascii")
_CHARSETS = re.compile(
    r"utf-(8|16|32)(-[lb]e)?|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|tis-620|iso2022_\w+"
    r"|gb2312|gbk|gb18030|hz|big5(hkscs)?|euc_\w+|shift_jis\w*|johab"
)
"""Python's names of the charsets that pages are written in.

Its other codecs are left out: `punycode` takes time by the square of the body's length and raises whatever
is asked for errors, `unicode_escape` reads escapes that no browser reads.
"""
_DIGITS = 400  # of any whole number that a float holds there are fewer; very many take time by their square
_BYTE = re.compile(r"\(byte (\d+)\)")


def text_of(answer: Answer, most: int) -> str:
    """Return the text of the first `most` bytes of the body; what cannot be read is replaced by U+FFFD.

    A byte order mark counts first, then the charset of Content-Type, then it is UTF-8.
    Raises ProbeError (bad_response) where the body is packed in a way that we cannot undo.
    """
    _check_packed(answer)
    mark, encoding = _split_mark(answer.body)
    charset = encoding or _declared_charset(answer.headers.get("content-type", "")) or "utf-8"
    return answer.body[len(mark) : most].decode(charset, "replace")


def json_of(answer: Answer) -> Any:
    """Return the decoded JSON of the body; raise ProbeError (bad_response) that says what is wrong with it.

    JSON is UTF-8, and what is not is read by its byte order mark, as UTF-16 or UTF-32 (RFC 8259,
    section 8.1; RFC 4627, section 3), or by the charset of Content-Type.
    """
    _check_packed(answer)
    try:
        return json_from(answer.body, answer.headers.get("content-type", ""))
    except ValueError as error:
        raise ProbeError(Reason.BAD_RESPONSE, f"the body is not JSON: {error}") from None


def json_from(body: bytes, content_type: str = "") -> Any:
    """Return the JSON in `body`; raise ValueError with what is wrong, without a word of the body.

    A number that no float holds, such as 1e999, is infinite.
    """
    try:
        return _decode(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        problem = "it is no UTF-8, and Content-Type names no charset that fits"
    except msgspec.DecodeError as error:
        problem = _words(error, body)
    text = _other_text(body, content_type)
    try:
        return _decode(text or "")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise ValueError(problem if text is None else _words(error, text)) from None


def _decode(body: "bytes | str") -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:
        # Good JSON with a number that msgspec has no room for: one field is odd, not the whole answer.
        try:
            return json.loads(body, parse_int=_whole_number, parse_constant=_refuse)
        except ValueError:
            raise msgspec.DecodeError from None


def _whole_number(text: str) -> "int | float":
    return int(text) if len(text) <= _DIGITS else float(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _check_packed(answer: Answer) -> None:
    if answer.packed:
        raise ProbeError(
            Reason.BAD_RESPONSE,
            f"the body has the content encoding {answer.packed}, which cannot be read; we asked for gzip and"
            " deflate alone",
        )


def _words(error: msgspec.DecodeError, body: "bytes | str") -> str:
    place = _BYTE.search(str(error))
    if not body.strip():
        return "it is empty"
    return f"it is malformed at byte {place[1]}" if place else "it ends too early"


def _other_text(body: bytes, content_type: str) -> str | None:
    """Return the text of a body that is not plain UTF-8, None where it is none."""
    mark, marked = _split_mark(body)
    # JSON begins with ASCII, so the zeros among its first bytes give UTF-16 and UTF-32 away.
    guessed = json.detect_encoding(body)
    charset = marked or (guessed if guessed != "utf-8" else _declared_charset(content_type))
    if not charset:
        return None
    try:
        return body[len(mark) :].decode(charset)
    except ValueError:
        return None


def _split_mark(body: bytes) -> tuple[bytes, str]:
    return next(((mark, name) for mark, name in _MARKS if body.startswith(mark)), (b"", ""))


def _declared_charset(content_type: str) -> str:
    """Return Python's name of the charset in a Content-Type, "" where it has none that we know.

    What is declared as ISO 8859-1 or ASCII is read as Windows' superset of it, as browsers do
    (https://encoding.spec.whatwg.org/#names-and-labels).
    """
    found = _CHARSET.search(content_type)
    if found is None:
        return ""
    try:
        name = codecs.lookup(found[1]).name
    except (LookupError, ValueError):
        return ""
    if not _CHARSETS.fullmatch(name):
        return ""
    return "cp1252" if name in _LATIN else name
