"""What every kind of event keeps to, those to come too: kinds are found by looking in their folder."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from exporter import registry
from exporter.core.event import EventError, EventFields, EventKind, Measurement, label_limits
from exporter.core.event_fields import EventField, FieldType, fields_of, own_fields
from exporter.core.metric import Metric
from tests.ingest.reporting import JOBS

KINDS = list(registry.events().values())
EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)

SAMPLES: Mapping[FieldType, Any] = {
    FieldType.TEXT: "other",
    FieldType.NUMBER: 1.5,
    FieldType.INTEGER: 1,
    FieldType.TIME: "2026-11-18T10:00:00Z",
    FieldType.TEXTS: {},
    FieldType.VALUES: {"why": "asked"},
}
SHAPES = {"[A-Za-z]{2}": "DE", "[A-Za-z]{3}": "EUR", "[0-9a-f]{32}": "0af7651916cd43dd8448eb211c80319c"}
"""Texts that fit the patterns of fields."""


class Asking:
    """A context of labels that lets everything through, and notes which allow-lists were asked."""

    def __init__(self) -> None:
        self.sources: Mapping[str, bool] = {}
        self.asked: set[str] = set()

    def label(self, name: str, value: str) -> str:
        self.asked.add(name)
        return value

    def declared(self, name: str) -> Metric | None:
        return JOBS if name == "jobs_waiting" else None


def sample(field: EventField) -> Any:
    if field.choices:
        return field.choices[0]
    return SHAPES.get(field.bounds.strip("`"), SAMPLES[field.type])


def whole(kind: EventKind) -> dict[str, Any]:
    """Return an event that has every field of its kind."""
    every = {field.name: sample(field) for field in own_fields(kind.fields)}
    return {"kind": kind.name, **every, **kind.example}


def variants(kind: EventKind) -> Iterator[EventFields]:
    """Yield events in which each field that has choices takes every one, with all fields and the least."""
    chosen = [(field.name, choice) for field in own_fields(kind.fields) for choice in field.choices]
    for base in ({"kind": kind.name, **kind.example}, whole(kind)):
        for name, choice in chosen or [("kind", kind.name)]:
            yield read({**base, name: choice}, kind)
        # What tells success from failure may be a number or a word of its own.
        for field in own_fields(kind.fields):
            for odd in ((0, 500) if field.is_number else ("timeout", "error")) if not field.choices else ():
                try:
                    yield read({**base, field.name: odd}, kind)
                except msgspec.ValidationError:
                    continue


def read(event: dict[str, Any], kind: EventKind) -> EventFields:
    return msgspec.json.decode(msgspec.json.encode(event), type=kind.fields)


def measured(kind: EventKind, context: Asking) -> Iterator[Measurement]:
    for event in variants(kind):
        try:
            yield from (one for one in kind.read(event, context) if isinstance(one, Measurement))
        except EventError:
            continue


@EVERY
def test_its_example_has_what_must_be_there_and_its_name_is_that_of_its_file(kind: EventKind) -> None:
    required = {field.name for field in own_fields(kind.fields) if field.required}
    assert required <= kind.example.keys()
    assert kind.fields.__struct_config__.tag == kind.name
    assert read({"kind": kind.name, **kind.example}, kind)


@EVERY
def test_what_it_is_about_has_a_name(kind: EventKind) -> None:
    for field in own_fields(kind.fields):
        if field.required and field.type is FieldType.TEXT and not field.choices:
            with pytest.raises(msgspec.ValidationError, match=f"length >= 1.*{field.name}"):
                read({"kind": kind.name, **kind.example, field.name: ""}, kind)


@EVERY
def test_every_field_is_bounded(kind: EventKind) -> None:
    for field in fields_of(kind.fields):
        of_mapping = field.type in (FieldType.TEXTS, FieldType.VALUES)  # the body bounds those
        assert field.choices or field.bounds or of_mapping or field.type is FieldType.TIME, field.name


@EVERY
def test_what_it_counts_is_declared_and_all_that_is_declared_is_counted(kind: EventKind) -> None:
    found = {one.metric: one for one in measured(kind, Asking())}
    for metric, one in found.items():
        assert len(one.labels) == len(metric.labels), metric
    assert found.keys() - {JOBS} == set(kind.metrics)


@EVERY
def test_the_allow_lists_that_it_asks_are_those_that_it_names(kind: EventKind) -> None:
    context = Asking()
    assert list(measured(kind, context))
    # Labels of declared metrics have their lists in the declaration.
    assert {name for name in context.asked if "." not in name} == kind.labels.keys()


@EVERY
def test_its_list_shows_every_field(kind: EventKind) -> None:
    own = tuple(field.name for field in own_fields(kind.fields))
    assert sorted(kind.columns) == (sorted(own) if kind.retention else [])
    assert bool(kind.retention) >= bool(kind.path)


@EVERY
def test_its_series_begin_at_zero_where_they_count_what_goes_wrong(kind: EventKind) -> None:
    """A rise from nothing to 1 is no increase for Prometheus: what is counted rarely is there before."""
    if not kind.alerts:
        return
    read_by_alerts = {name for one in kind.alerts for text in one.expressions for name in _names(text)}
    seen: dict[Metric, set[float]] = {}
    for one in measured(kind, Asking()):
        seen.setdefault(one.metric, set()).add(one.value)
    for metric, values in seen.items():
        if metric.name in read_by_alerts and re.search("fail|block|miss|dispute|fraud", metric.name):
            assert 0.0 in values, metric


def _names(expression: str) -> set[str]:
    return set(re.findall(r"\bintegration_\w+", expression))


def test_kinds_that_share_an_allow_list_agree_on_its_size() -> None:
    assert label_limits(KINDS)["route"] == 200
    with pytest.raises(ValueError, match="another kind lets 200 values of route appear"):
        label_limits([*KINDS, _with_routes(7)])


def _with_routes(most: int) -> EventKind:
    first = KINDS[0]
    return EventKind("x", "X", first.fields, first.read, (), example={}, labels={"route": most})
