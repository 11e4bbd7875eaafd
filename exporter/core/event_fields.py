"""What a kind of event says of its fields, for pages, clients, lists and tests: read from its type."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msgspec import inspect

from exporter.core.event import EventFields


class FieldType(StrEnum):
    """What a field holds."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "whole number"
    TIME = "time"
    TEXTS = "texts by name"
    VALUES = "values by name"


@dataclass(frozen=True)
class EventField:
    """One field: `choices` are all that it may be, none where it is free; `bounds` say in words what fits."""

    name: str
    type: FieldType
    required: bool
    choices: tuple[str, ...] = ()
    bounds: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it can be added up."""
        return self.type in (FieldType.NUMBER, FieldType.INTEGER)


def fields_of(kind: type[EventFields]) -> tuple[EventField, ...]:
    """Return the fields of a kind in their order, the common ones first; TypeError for a type of no field."""
    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{kind} is no type of events")
    return tuple(map(_field, info.fields))


def own_fields(kind: type[EventFields]) -> tuple[EventField, ...]:
    """Return the fields that the kind has besides those that every event has."""
    common = EventFields.__struct_fields__
    return tuple(field for field in fields_of(kind) if field.name not in common)


def _field(found: inspect.Field) -> EventField:
    value = _inner(found.type)
    choices = tuple(map(str, value.values)) if isinstance(value, inspect.LiteralType) else ()
    bounds = ", ".join(_bounds(value))
    return EventField(found.encode_name, _type(value), found.required, choices, bounds)


def _inner(value: inspect.Type) -> inspect.Type:
    """Return the type without None, which a field that may be left out can be."""
    if isinstance(value, inspect.UnionType):
        inner = [one for one in value.types if not isinstance(one, inspect.NoneType)]
        if len(inner) == 1:
            return inner[0]
    return value


def _type(value: inspect.Type) -> FieldType:
    if isinstance(value, inspect.DictType):
        return FieldType.TEXTS if isinstance(value.value_type, inspect.StrType) else FieldType.VALUES
    types: dict[type[inspect.Type], FieldType] = {
        inspect.StrType: FieldType.TEXT,
        inspect.LiteralType: FieldType.TEXT,
        inspect.IntType: FieldType.INTEGER,
        inspect.FloatType: FieldType.NUMBER,
        inspect.DateTimeType: FieldType.TIME,
    }
    found = types.get(type(value))
    if found is None:
        raise TypeError(f"{value} is no type of a field of events")
    return found


def _bounds(value: inspect.Type) -> Iterator[str]:
    """Yield what a value must keep to."""
    if isinstance(value, inspect.StrType):
        if value.pattern is not None:
            yield f"`{value.pattern.removeprefix(chr(92) + 'A').removesuffix(chr(92) + 'Z')}`"
        if value.max_length is not None:
            least = f"{value.min_length} to" if value.min_length else "at most"
            yield f"{least} {value.max_length} characters"
    elif isinstance(value, inspect.IntType | inspect.FloatType):
        low, high = _number(value.ge), _number(value.le)
        if low and high:
            yield f"{low} to {high}"
        elif low or high:
            yield f"from {low}" if low else f"up to {high}"


def _number(bound: Any) -> str:
    return "" if bound is None else f"{bound:,.10g}"
