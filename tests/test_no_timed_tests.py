"""No test asserts that something is fast: a busy machine would fail it. Speed is measured in benchmarks/."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CLOCKS = {
    "monotonic",
    "perf_counter",
    "perf_counter_ns",
    "monotonic_ns",
    "process_time",
    "thread_time",
    "time",
}

LEAST = 20.0
"""Seconds that a bound must have, if there is one: it tells a hang from an answer, not slow from quick."""

FOLDER = Path(__file__).parent


def reads_clock(node: ast.AST, marked: frozenset[str] = frozenset()) -> bool:
    """Whether `node` asks a real clock, or holds one of the `marked` names."""
    return any(
        (isinstance(one, ast.Name) and one.id in marked)
        or (
            isinstance(one, ast.Call)
            and isinstance(one.func, ast.Attribute)
            and one.func.attr in CLOCKS
            and not ast.unparse(one.func.value).endswith("clock")  # one that the test drives by hand
        )
        for one in ast.walk(node)
    )


def assigned(scope: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that `scope` gives a value, with the value."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
        elif isinstance(node, ast.Call) and node.args and ast.unparse(node.func).endswith(".append"):
            yield ast.unparse(node.func).removesuffix(".append"), node.args[0]


def differs(node: ast.AST, clocks: frozenset[str], spans: frozenset[str]) -> bool:
    """Whether `node` holds a time that has passed: the difference of two looks at a clock."""
    return any(
        (isinstance(one, ast.Name) and one.id in spans)
        or (isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub) and reads_clock(one, clocks))
        for one in ast.walk(node)
    )


def wide(bound: ast.expr, constants: dict[str, float]) -> bool:
    if isinstance(bound, ast.Constant) and isinstance(bound.value, int | float):
        return bound.value >= LEAST
    return isinstance(bound, ast.Name) and constants.get(bound.id, 0.0) >= LEAST


def upper_bounds(assertion: ast.Assert) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield (what is bounded, its bound) of each `a < b` and `b > a`."""
    for node in ast.walk(assertion.test):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for left, how, right in zip(sides, node.ops, sides[1:], strict=False):
                if isinstance(how, ast.Lt | ast.LtE):
                    yield left, right
                elif isinstance(how, ast.Gt | ast.GtE):
                    yield right, left


def timed(text: str) -> list[int]:
    """Return the lines of the assertions of `text` that bound a time that has passed by less than LEAST."""
    tree = ast.parse(text)
    constants = {"PATIENCE": 60.0} | {
        name: float(value.value)
        for name, value in assigned(tree)
        if isinstance(value, ast.Constant) and isinstance(value.value, int | float)
    }
    found: set[int] = set()
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= timed_within(scope, constants | parameters(scope))
    return sorted(found)


def parameters(scope: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, float]:
    """Return each parameter with its default, LEAST where its callers give it."""
    names = [one.arg for one in scope.args.args]
    defaults = [
        float(one.value) if isinstance(one, ast.Constant) and isinstance(one.value, int | float) else LEAST
        for one in scope.args.defaults
    ]
    return dict.fromkeys(names, LEAST) | dict(zip(names[::-1], defaults[::-1], strict=False))


def timed_within(scope: ast.AST, constants: dict[str, float]) -> set[int]:
    values = list(assigned(scope))
    clocks = frozenset(name for name, value in values if reads_clock(value))
    spans: frozenset[str] = frozenset()
    for _ in values:  # a span may be kept in one name after another
        spans = frozenset(name for name, value in values if differs(value, clocks - spans, spans))
    ends = {
        name: value.right
        for name, value in values
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and reads_clock(value.left)
    }
    found = set()
    for node in (one for one in ast.walk(scope) if isinstance(one, ast.Assert)):
        for small, great in upper_bounds(node):
            bound = ends.get(ast.unparse(great)) if reads_clock(small) else None
            if bound is None and differs(small, clocks - spans, spans):
                bound = great
            if bound is not None and not wide(bound, constants):
                found.add(node.lineno)
    return found


FILES = sorted(FOLDER.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_no_assertion_bounds_a_time_that_has_passed(file: Path) -> None:
    lines = timed(file.read_text())
    assert lines == [], f"{file}: lines {lines} time the machine; assert an order, a count or a bound of 20 s"


BEGAN = "def test():\n    began = time.monotonic()\n"


@pytest.mark.parametrize(
    "text",
    [
        BEGAN + "    assert time.monotonic() - began < 5",
        BEGAN + "    assert 5 > time.monotonic() - began",
        BEGAN + "    took = time.perf_counter() - began\n    assert 1 <= took < 3",
        BEGAN + "    took = time.perf_counter() - began\n    assert took < 3 * STAGGER",
        BEGAN + "    slowest = max(0.0, time.monotonic() - began)\n    assert slowest < 0.25",
        BEGAN + "    runs.append(time.time() - began)\n    assert min(runs) < 1.0 and True",
        BEGAN + "    took = time.time() - began\n    least = min(took, 9)\n    assert least < 1",
        "def test():\n    end = time.monotonic() + 5\n    assert time.monotonic() < end, 'late'",
    ],
)
def test_a_timed_assertion_is_found(text: str) -> None:
    assert timed(text) == [text.count("\n") + 1]


@pytest.mark.parametrize(
    "text",
    [
        BEGAN + "    assert time.monotonic() - began < 20",
        BEGAN + "    assert time.monotonic() - began > 0.2",
        BEGAN + "    assert time.monotonic() - began < PATIENCE",
        "def test(limit=30):\n    end = time.monotonic() + limit\n    assert time.monotonic() < end",
        "LIMIT = 30\ndef test():\n    end = time.monotonic() + LIMIT\n    assert time.monotonic() < end",
        "def test():\n    assert clock.monotonic() - 3 < 5",
        "def test():\n    assert expiry == pytest.approx(time.time() - 3 * DAY, abs=60)",
    ],
)
def test_an_assertion_that_no_busy_machine_fails_is_none(text: str) -> None:
    assert timed(text) == []
