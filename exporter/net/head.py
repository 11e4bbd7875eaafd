"""Heads of answers that break a rule which every reader forgives: what they mean, or the rule in words.

Only heads that the parser refused come here. What is forgiven is what RFC 9112 lets a client forgive, and
browsers and curl do forgive; whatever leaves it open where the answer ends is refused. The connection of such
an answer is never used again: what follows on it might belong to another answer.
"""

import re

from exporter.net.message import TOKEN

_STATUS_LINE = re.compile(rb"HTTP/(\d\.\d)[ \t]+(\d{3})(?=[ \t\r\n])")
_END = re.compile(rb"\n\r*\n")
_CONTROL = re.compile(rb"[\x01-\x08\x0b-\x1f\x7f]")
_LETTERS = re.compile(r"[^a-z-]")
_FRAMING = ("content-length", "transfer-encoding")

Field = tuple[str, bytes]


class RuleError(Exception):
    """The rule that a head breaks, in words."""


def status_line(raw: bytes) -> tuple[int, str] | None:
    """Return status and version (such as "1.1") of the last answer in `raw`, None where none begins there.

    Interim answers (1xx) may be in front of it.
    """
    found = _STATUS_LINE.match(_last(raw))
    return (int(found[2]), found[1].decode()) if found else None


def may_become_one(raw: bytes) -> bool:
    """Return whether `raw` is the begin of a status line that is not whole yet."""
    last = _last(raw)
    return b"\n" not in last and b"HTTP/".startswith(last[:5])


def split(raw: bytes) -> tuple[bytes, bytes] | None:
    """Return head and rest of the answer in `raw` without interim ones, None where the head is not whole."""
    last = _last(raw)
    end = _END.search(last)
    return (last[: end.start()], last[end.end() :]) if end else None


def repair(head: bytes) -> bytes:
    """Return `head` as the parser likes it, with its empty line; raise RuleError."""
    first, *lines = (line.rstrip(b"\r") for line in head.split(b"\n"))
    found = _STATUS_LINE.match(first + b"\n")
    if found is None:
        raise RuleError("the status line cannot be read (RFC 9112, section 4)")
    fields = _one_length(_fields(lines, found[2]))
    reason = _CONTROL.sub(b" ", first[found.end() :]).strip()
    wire = [b"HTTP/%b %b %b" % (found[1], found[2], reason)]
    wire += [b"%b: %b" % (name.encode(), value) for name, value in fields]
    return b"\r\n".join(wire) + b"\r\n\r\n"


def _last(raw: bytes) -> bytes:
    """Return what follows the interim answers at the begin of `raw`."""
    while (found := _STATUS_LINE.match(raw)) and found[2].startswith(b"1") and found[2] != b"101":
        end = _END.search(raw)
        if end is None:
            break
        raw = raw[end.end() :]
    return raw


def _fields(lines: list[bytes], status: bytes) -> list[Field]:
    fields: list[Field] = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):  # folded: it continues the line above (section 5.2)
            if fields:
                fields[-1] = (fields[-1][0], fields[-1][1] + b" " + _value(line))
            continue  # above it is the status line, so that it belongs to no header (section 2.2)
        name, colon, value = line.partition(b":")
        second = _STATUS_LINE.match(line + b"\n")
        if second and second[2] == status:
            continue
        if not colon or second:
            raise RuleError(
                "a second status line has another status"
                if second
                else "a header line has no colon (RFC 9112, section 5)"
            )
        text = name.rstrip(b" \t").decode("latin-1")
        if TOKEN.match(text):
            fields.append((text, _value(value)))
        elif _LETTERS.sub("", text.lower()) in _FRAMING:
            raise RuleError("the name of a header that says where the answer ends is spoiled")
    return fields


def _value(value: bytes) -> bytes:
    if b"\0" in value:
        raise RuleError("the value of a header holds a zero byte (RFC 9110, section 5.5)")
    return _CONTROL.sub(b" ", value).strip()


def _one_length(fields: list[Field]) -> list[Field]:
    """Return `fields` with at most one statement of where the answer ends (section 6.3)."""
    coded = [value.lower() for name, value in fields if name.lower() == "transfer-encoding"]
    if b", ".join(coded).count(b"chunked") > 1:
        raise RuleError("Transfer-Encoding names chunked twice (RFC 9112, section 6.1)")
    lengths = [value for name, value in fields if name.lower() == "content-length"]
    kept = [field for field in fields if field[0].lower() != "content-length"]
    if coded or not lengths:  # Transfer-Encoding overrides Content-Length
        return kept
    each = {part.strip() for value in lengths for part in value.split(b",")}
    if len(each) > 1:
        raise RuleError("it has several Content-Length that differ (RFC 9112, section 6.3)")
    return [*kept, ("Content-Length", each.pop())]
