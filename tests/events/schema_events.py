"""Strategies of events, from the JSON Schema of each kind: whole, damaged, and such as no writer writes."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from hypothesis import strategies as st

from exporter.core.event import EventKind

Event = dict[str, Any]

# JSON has neither NaN nor infinities; the texts of `hostile` have them.
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ANY = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ODD_TEXTS = st.sampled_from(
    [
        *("", " ", "\x00", "a\x00b", "\ud800", "\udc00x", "\u2028", "\u202etxt", "'; DROP TABLE event; --"),
        *("%00", "../../etc/passwd", '"', "\\", "{{ .Labels }}", "x" * 201, "x" * 70_000, "\ufffe", "NaN"),
    ]
)
ODD_NUMBERS = st.sampled_from([0, -0.0, -1, 2**31, 2**63, 2**64, 10**400, 1e-320, 1.7e308, 1e15, -1e15])
RAW = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1E400", "9" * 5000, "0x10", "1_000", "01", "+1"),
    *('"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\x01"', '"\\x41"', "'x'", "undefined", "tru", ""),
    *("[" * 500 + "]" * 500, "[" * 100_000, '{"x":' * 400 + "1" + "}" * 400, '{"x":' * 20_000, "{" * 900),
)
"""Values of a field that JSON does not have, or has too much of."""


_WHOLE: dict[str, st.SearchStrategy[Event]] = {}


def whole(kind: EventKind) -> st.SearchStrategy[Event]:
    """Return events that fit the schema of the kind; many have the fields of its example, and count."""
    if kind.name not in _WHOLE:
        _WHOLE[kind.name] = _fitting(kind)
    return _WHOLE[kind.name]


def _fitting(kind: EventKind) -> st.SearchStrategy[Event]:
    schema = msgspec.json.schema(kind.fields)
    (part,) = (one for one in schema["$defs"].values() if "kind" in one["properties"])
    drawn = _object(part)
    small = st.just({"kind": kind.name, **kind.example})
    return st.one_of(
        drawn.map(_near), small, st.builds(lambda more, least: {**_near(more), **least}, drawn, small)
    )


def _object(schema: Event) -> st.SearchStrategy[Event]:
    """Return objects that have what is required, and some of the rest."""
    required = set(schema["required"])
    parts = {name: _value(part) for name, part in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )


def _value(schema: Event) -> st.SearchStrategy[Any]:
    """Return values of what msgspec writes into schemas of fields; a keyword that is new is a KeyError."""
    if "anyOf" in schema:
        return st.one_of(*map(_value, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return ANY
    low, high = schema.get("minimum"), schema.get("maximum")
    makers: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "null": st.none,
        "string": lambda: _text(schema),
        "integer": lambda: st.integers(low, high),
        "number": lambda: st.floats(low, high, allow_nan=False, allow_infinity=False),
        "object": lambda: st.dictionaries(
            st.text(max_size=9), _value(schema.get("additionalProperties", {}))
        ),
    }
    return makers[schema["type"]]()


def _text(schema: Event) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
    if "pattern" in schema:
        return st.from_regex(re.compile(str(schema["pattern"])))
    return st.text(min_size=schema.get("minLength", 0), max_size=min(60, schema.get("maxLength", 60)))


def _near(event: Event) -> Event:
    """Return the event without the time, which is never near, and of no integration, which nobody knows."""
    return {name: value for name, value in event.items() if name not in ("at", "integration")}


@st.composite
def damaged(draw: st.DrawFn, kind: EventKind) -> Event:
    """Draw an event in which a field is of another type, missing, unknown, or out of bounds."""
    event = dict(draw(whole(kind)))
    names = st.sampled_from([*kind.fields.__struct_fields__, "kind", "surprise"])
    for name in draw(st.lists(names, min_size=1, max_size=3)):
        value = draw(st.one_of(ANY, ODD_TEXTS, ODD_NUMBERS, st.just(...)))
        if value is ...:
            event.pop(name, None)
        else:
            event[name] = value
    return event


@st.composite
def hostile(draw: st.DrawFn, kinds: Iterable[EventKind]) -> str:
    """Draw the text of an event with a value that JSON does not have, or a key that is there twice."""
    kind = draw(st.sampled_from(list(kinds)))
    least = {"kind": kind.name, **kind.example}
    name = draw(st.sampled_from([*kind.fields.__struct_fields__, "kind", "kind ", "\\u006bind"]))
    raw = draw(st.sampled_from(RAW) | st.sampled_from([json.dumps(value) for value in least.values()]))
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in least.items()]
    parts.insert(draw(st.integers(0, len(parts))), f'"{name}": {raw}')
    return "{" + ", ".join(parts) + "}"


def junk() -> st.SearchStrategy[str]:
    """Return texts that are no events at all."""
    return st.one_of(st.text(max_size=30), ANY.map(json.dumps), st.sampled_from(RAW))
