"""What the columns of a query mean, and how a database's own types become those of a row."""

import datetime
import decimal
import ipaddress
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from exporter.config.feeds.row import TEXT, BadRow, FeedProblem, tenant_of, written_number

LABEL = "label_"
JSON = ("labels", "options", "thresholds")
_IDS = ("id", "tenant")
_TEXTUAL = (
    *(uuid.UUID, ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Interface),
    *(ipaddress.IPv6Interface, ipaddress.IPv4Network, ipaddress.IPv6Network),
)


@dataclass
class _Odd(Exception):
    """A column whose value cannot be used: what it holds, and what to select in its place."""

    column: str
    what: str
    remedy: str


def reader(columns: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """Return what makes a raw row, or BadRow, of the values of `columns`.

    FeedProblem where the columns cannot serve. NULL says nothing. Values of plain columns fit a text, a
    number or a boolean, whatever the option is.
    """
    ids = [name for name in _IDS if name in columns]
    if len(ids) != 1:
        raise FeedProblem(
            "the query has both columns id and tenant" if ids else "the query has no column id or tenant",
            "select the tenant's id AS id",
        )
    if len(set(columns)) < len(columns):
        raise FeedProblem("the query has two columns of one name", "give each column a name of its own")
    at = columns.index(ids[0])
    places = [(place, name) for place, name in enumerate(columns) if place != at]

    def read(values: Sequence[Any]) -> Any:
        made: dict[str, Any] = {}
        try:
            made["id"] = _id(values[at], ids[0])
            _add_columns(made, [(name, values[place]) for place, name in places if values[place] is not None])
        except _Odd as odd:
            return BadRow(tenant_of(made), f"the column {odd.column} {odd.what}", odd.remedy)
        return made

    return read


def _add_columns(made: dict[str, Any], columns: list[tuple[str, Any]]) -> None:
    """Add what `columns` say to a raw row; those of their own go before the keys of JSON objects."""
    for name, value in columns:
        if name in JSON:
            made[name] = _object(value, name)
    labels, options = dict(made.get("labels", {})), dict(made.get("options", {}))
    labels = {name: _json_label(value) for name, value in labels.items()}
    # Numbers and booleans fit an option that wants text, too: TEXT marks them.
    marked = [name for name, value in options.items() if isinstance(value, int | float)]
    for name, value in columns:
        if name.startswith(LABEL):
            labels[name.removeprefix(LABEL)] = _text(value, name)
        elif name not in JSON:
            options[name] = _natural(value, name)
            marked += [name] if isinstance(value, int | float | decimal.Decimal) else []
    made |= {key: value for key, value in (("labels", labels), ("options", options), (TEXT, marked)) if value}


def _id(value: Any, name: str) -> str:
    if value is None:
        raise _Odd(name, "is NULL", "leave such rows out by WHERE, or give them an id")
    if isinstance(value, bool | float | datetime.date | datetime.time):
        raise _Odd(name, f"holds {_kind(value)}, which is no id", f"select {_cast(name)}, or another column")
    if isinstance(value, decimal.Decimal):
        if not value.is_finite() or value != value.to_integral_value():
            raise _Odd(name, "holds a broken number, which is no id", f"select {_cast(name)}")
        # A numeric column may write 7 as 7.00: both are one id.
        return str(int(value))
    return _text(value, name)


def _text(value: Any, name: str) -> str:
    """Return a value as the text that a database would write for it."""
    value = _natural(value, name)
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return written_number(value)
    raise _Odd(name, f"holds {_kind(value)}", f"select {_cast(name)}")


def _natural(value: Any, name: str) -> Any:
    """Return a value as JSON would have it: a text, a number, a boolean, or a list of them."""
    if isinstance(value, decimal.Decimal):
        return format(value, "f")  # with all its digits, as text that may stand for a number
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, _TEXTUAL):
        return str(value)
    if isinstance(value, list):
        return [None if item is None else _item(item, name) for item in value]
    if isinstance(value, str | int | float | dict):
        return value
    raise _Odd(name, f"holds {_kind(value)}", f"select {_cast(name)}")


def _item(value: Any, name: str) -> Any:
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return _natural(value, name)


def _json_label(value: Any) -> Any:
    return written_number(value) if isinstance(value, int | float) else value


def _object(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            raise _Odd(name, "holds text that is no JSON", f"select a JSON object AS {name}") from None
    if not isinstance(value, dict):
        raise _Odd(name, "holds no JSON object", f"select a JSON object AS {name}")
    return value


def _kind(value: Any) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (float, "a broken number"),
        (datetime.datetime, "a moment"),
        (datetime.date, "a date"),
        (datetime.time, "a time of the day"),
        (datetime.timedelta, "an interval"),
        ((bytes, memoryview), "bytes"),
        (list, "an array"),
        (dict, "a JSON object"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "a value of a type of its own")


def _cast(name: str) -> str:
    return f"CAST(... AS text) AS {name}"
