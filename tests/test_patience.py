"""What is merely slow fails no test: a limit is meant to run out, or longer than a busy machine takes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOON = 0.5
"""Seconds up to which a limit is meant to run out."""

LEAST = 20.0
"""Seconds from which on a limit tells a hang from an answer."""

LIMITS = {
    "check_call": None,
    "check_output": None,
    "close": 0,
    "communicate": 1,
    "connect": None,
    "flush": 0,
    "HTTPConnection": None,
    "HTTPSConnection": None,
    "join": 0,
    "run": None,
    "settimeout": 0,
    "start": 0,
    "stop": 0,
    "timeout": 0,
    "until": 1,
    "until_true": 1,
    "urlopen": None,
    "wait": 0,
    "wait_for": 1,
}
"""What takes a limit in seconds, by its last name: its place among the arguments, besides `timeout=`."""

MEANT = {
    "outbox/test_verdict.py: wait(5, dice)": "it is no wait: it returns the pause before an attempt",
    "probes/test_readings.py: asyncio.timeout(2.4)": "the deadline of a run, of which some must be left",
}
"""Calls whose number between SOON and LEAST is right, and why."""

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))


def hasty(text: str) -> Iterator[ast.Call]:
    """Yield the calls of `text` with a limit that a busy machine may reach though nothing hangs."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and (name := ast.unparse(node.func).rpartition(".")[2]) in LIMITS:
            found = [word.value for word in node.keywords if word.arg in ("timeout", "seconds", "limit")]
            place = LIMITS[name]
            if place is not None:
                found += node.args[place : place + 1]
            if any(_number(one) and SOON < float(ast.literal_eval(one)) < LEAST for one in found):
                yield node


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def judged(text: str) -> list[int]:
    """Return the lines of `text` where hypothesis judges how long an example takes, or takes to be made."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "suppress_health_check":
            value = ast.unparse(node.value)
            if "too_slow" not in value and "list(" not in value:
                found.append(node.value.lineno)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "settings":
            found += [
                word.value.lineno
                for word in node.keywords
                if word.arg == "deadline" and ast.unparse(word.value) != "None"
            ]
    return found


def test_no_limit_is_so_short_that_a_busy_machine_reaches_it() -> None:
    found = {
        f"{file.relative_to(FOLDER)}: {ast.unparse(call)}": call.lineno
        for file in FILES
        for call in hasty(file.read_text())
    }
    left = {call: line for call, line in found.items() if call not in MEANT}
    assert left == {}, "take PATIENCE of tests/waiting.py, or at most half a second where it is to run out"
    assert set(found) == set(MEANT), "take it out of MEANT"


def test_hypothesis_judges_no_example_by_its_time() -> None:
    found = {str(file.relative_to(FOLDER)): judged(file.read_text()) for file in FILES}
    assert {file: lines for file, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "text",
    [
        "subprocess.run(words, timeout=10)",
        "process.communicate(timeout=5)",
        "process.communicate(b'', 5)",
        "process.wait(5)",
        "thread.join(2.0)",
        "async def f():\n    async with asyncio.timeout(1): ...",
        "asyncio.wait_for(answer, 3)",
        "until(lambda: True, 3)",
        "urllib.request.urlopen(url, timeout=2)",
        "manager.stop(5.0)",
    ],
)
def test_a_hasty_limit_is_found(text: str) -> None:
    assert len(list(hasty(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "process.wait(60)",
        "process.wait(PATIENCE)",
        "thread.join(0.2)",
        "engine.stop(0)",
        "', '.join(words)",
        "asyncio.wait_for(answer, 0.1)",
        "target_of(PROBE, {}, timeout=2.0)",
    ],
)
def test_a_limit_that_is_patient_or_meant_is_none(text: str) -> None:
    assert list(hasty(text)) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("settings(max_examples=3)", []),
        ("settings(deadline=None)", []),
        ("settings(deadline=500)", [1]),
        ("settings(\n    suppress_health_check=[HealthCheck.function_scoped_fixture],\n)", [2]),
        ("settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])", []),
        ("settings(suppress_health_check=list(HealthCheck))", []),
    ],
)
def test_hypothesis_that_judges_by_time_is_found(text: str, lines: list[int]) -> None:
    assert judged(text) == lines
