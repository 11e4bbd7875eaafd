"""Judges an answer; the first thing that is not as expected is named, never the body itself."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

from exporter.config import durations
from exporter.core.body import text_of
from exporter.core.errors import ProbeError
from exporter.core.network import Answer
from exporter.core.quoting import quoted
from exporter.core.reason import Reason
from exporter.net.reasons import reason_of_status, status_error
from exporter.probes.http.options import Expect, HeaderExpect

SEARCHED = 32 << 10
"""Bytes of the body that regular expressions see, so that a slow one cannot hold up the loop for long."""

_TOKEN = re.compile(r",? token \".*|(?<=Unexpected token): \S+(?=:)")
_NAME = re.compile(r" '.*'|(?<=unknown extension) \S+")
"""Parts of errors that repeat the text."""

# One for all: jmespath makes one for each search, which only the collector of cycles frees.
_INTERPRETER = TreeInterpreter()

_STATUS = re.compile(r"([1-5])xx\Z|([1-5]\d\d)(?:-([1-5]\d\d))?\Z")


@lru_cache(maxsize=1024)
def expression(text: str) -> Any:
    """Return a compiled JMESPath expression; raise ValueError with a short reason."""
    try:
        return jmespath.compile(text)
    except (JMESPathError, RecursionError, ValueError) as error:
        words = str(error).partition("\n")[0].removeprefix("Invalid jmespath expression: ")
        words = _TOKEN.sub("", words)  # it may be a credential in the wrong place
        raise ValueError(words.strip(": ,")[:120] or "it cannot be read") from None


def search(text: str, document: Any) -> Any:
    """Return what the expression finds; None where a function does not fit what is there."""
    try:
        return find(expression(text).parsed, document)
    except (JMESPathError, RecursionError, TypeError, ValueError):
        return None


def find(node: Any, document: Any) -> Any:
    """Return what a node of a compiled expression finds; raise as jmespath does."""
    return _INTERPRETER.visit(node, document)


@lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str]:
    """Return a compiled regular expression; raise ValueError for one that is wrong or may run without end."""
    if _repeats_a_repetition(text):
        raise ValueError("repeats a group that repeats itself, which may take for ever")
    try:
        # `.*` in front changes nothing in a search but makes it slow.
        return re.compile(re.sub(r"\A(?:\.\*)+(?![?+{])", "", text))
    # OverflowError: the count of a repetition that is too large, such as a{99999999999}.
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"cannot be read: {_NAME.sub('', str(error))}") from None


@lru_cache(maxsize=1024)
def status_matcher(wanted: "int | str") -> Callable[[int], bool]:
    """Return a test for a status; raise ValueError for what is none."""
    found = _STATUS.match(str(wanted))
    if not found:
        raise ValueError(f"{quoted(str(wanted))} is none")
    if found[1]:
        low, high = int(found[1]) * 100, int(found[1]) * 100 + 99
    else:
        low, high = int(found[2]), int(found[3] or found[2])
    if low > high:
        raise ValueError(f"{wanted} is an empty range")
    return lambda status: low <= status <= high


def check_status(expect: Expect, answer: Answer, now: float) -> None:
    """Raise ProbeError for a status that is not expected: 401 is auth, 500 is vendor_error and so on."""
    if _is_expected(expect.status, answer.status):
        return
    if reason_of_status(answer.status) is not None:
        raise status_error(answer, now)
    wanted = ", ".join(map(str, expect.status))
    raise _failed(f"the status is {answer.status}, expected is {wanted}")


def check_answer(expect: Expect, answer: Answer, seconds: float) -> None:
    """Raise ProbeError (assertion) unless latency, protocol, headers and body's text are as expected."""
    longest = durations.seconds(expect.max_latency)
    if longest and seconds > longest:
        raise _failed(f"the answer took {seconds:.3f} s, expected is at most {expect.max_latency}")
    if expect.http_version and answer.http_version not in expect.http_version:
        raise _failed(f"the HTTP version is {answer.http_version}, not {' or '.join(expect.http_version)}")
    if expect.tls != "any" and (expect.tls == "required") != bool(answer.tls_version):
        raise _failed(f"the answer came {'over' if answer.tls_version else 'without'} TLS")
    for header in expect.headers:
        _check_header(header, answer.headers.get(header.name.lower()))
    if expect.matches or expect.not_matches:
        _check_text(expect, text_of(answer, SEARCHED))


def first_untrue(expect: Expect, document: Any) -> int | None:
    """Return which JMESPath expression is the first that is not true of the decoded body, None if all are.

    False are, as JMESPath defines it: false, null, and an empty string, list or object. A field that
    is not there is null.
    """
    for index, text in enumerate(expect.body):
        found = search(text, document)
        # Not `not found`: the number 0 is true in JMESPath.
        if found is False or found is None or found in ("", [], {}):
            return index
    return None


def untrue(expect: Expect, index: int) -> ProbeError:
    """Return the error of the expression number `index`; what it found stays out of it."""
    return _failed(f"expect.body[{index}] `{expect.body[index]}` is not true")


@lru_cache(maxsize=1024)  # nearly every run asks the same of the same status
def _is_expected(wanted: tuple[int | str, ...], status: int) -> bool:
    return any(status_matcher(one)(status) for one in wanted)


def _check_header(expect: "HeaderExpect", value: str | None) -> None:
    if expect.matches and (value is None or not pattern(expect.matches).search(value[:SEARCHED])):
        raise _failed(f"the header {expect.name} does not match `{expect.matches}`")
    if expect.not_matches and value is not None and pattern(expect.not_matches).search(value[:SEARCHED]):
        raise _failed(f"the header {expect.name} matches `{expect.not_matches}`")


def _check_text(expect: Expect, text: str) -> None:
    for index, wanted in enumerate(expect.matches):
        if not pattern(wanted).search(text):
            raise _failed(f"expect.matches[{index}] `{wanted}` is not found in the body")
    for index, unwanted in enumerate(expect.not_matches):
        if pattern(unwanted).search(text):
            raise _failed(f"expect.not_matches[{index}] `{unwanted}` is found in the body")


def _failed(detail: str) -> ProbeError:
    return ProbeError(Reason.ASSERTION, detail)


def _repeats_a_repetition(text: str) -> bool:
    """Return whether a group that holds an unbounded repetition is itself repeated without bound: (a+)*."""
    # A bracket or star that is escaped, or in a character class, is a plain character.
    text = re.sub(r"\\.", "_", text)
    text = re.sub(r"\[\^?\]?[^\]]*\]", "_", text)
    holds = [False]
    for place, letter in enumerate(text):
        if letter == "(":
            holds.append(False)
        elif letter == ")" and len(holds) > 1:
            inner = holds.pop()
            if inner and _unbounded(text, place + 1):
                return True
            holds[-1] |= inner
        elif _unbounded(text, place):
            holds[-1] = True
    return False


def _unbounded(text: str, place: int) -> bool:
    return bool(re.compile(r"[*+]|\{\d*,\}").match(text, place))
