"""Says everything that is wrong with a value, in words, by its schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exporter.config import durations
from exporter.config.document.context import Path
from exporter.config.document.schema import JsonSchema, holds_secret
from exporter.config.document.source import quotable_key
from exporter.config.document.values import Expanded, Flexible, Missing, scalar
from exporter.core.quoting import quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_REMEDIES = {
    "object": "write keys with values below it, or remove it",
    "array": "write a list: [a, b], or one item per line after a dash",
    "string": "put the value into quotes",
    "integer": "write a whole number without quotes",
    "number": "write a number without quotes",
    "boolean": "write true or false without quotes",
}

_MOVED: dict[Path, str] = {
    ("sms", "sns_region"): "write sns: {region: ...} below sms",
    **{
        ("sms", key): f"write it below sns, as sns: {{region: ..., {key}: ...}}"
        for key in ("access_key", "secret_key", "secret_key_file")
    },
}
"""What to write for keys of earlier versions, by their last two words."""

SLIP = 0.75
"""How alike a key and a known one are, as difflib counts, where one is surely a slip of the other."""


@dataclass(frozen=True)
class SchemaError:
    """One mistake at `path`; an empty `what` is one that was reported already."""

    path: Path
    what: str
    remedy: str


class Validator:
    """Judges values by one schema."""

    def __init__(self, schema: JsonSchema, *, discreet: bool = False) -> None:
        """Prepare the schema; its references are inside itself.

        With `discreet` messages quote an unknown key only where it is a slip of a known one: else it may be
        a credential in the wrong place.
        """
        self._schema = schema
        self._discreet = discreet

    @cached_property
    def _validator(self) -> "Draft202012Validator":
        # Most files are good, and a process that only met good ones saves 3 MB.
        from jsonschema import Draft202012Validator

        return Draft202012Validator(self._schema)

    def faults(self, value: Any) -> list[SchemaError]:
        """Return everything that is wrong with `value`, by the paths from its top."""
        found = self._validator.iter_errors(value)
        return [fault for error in found for fault in _read(error, (), discreet=self._discreet)]


def _read(error: "ValidationError", above: Path, *, discreet: bool) -> Iterator[SchemaError]:
    path = (*above, *error.relative_path)
    if isinstance(error.instance, Missing):
        yield SchemaError(path, "", "")
    elif error.validator == "anyOf":
        yield from _alternatives(error, path, discreet=discreet)
    elif error.validator == "additionalProperties":
        yield from _unknown_keys(error, path, discreet=discreet)
    elif error.validator == "required":
        # jsonschema reports each missing key by itself, but names it in the message alone.
        for name in _rule(error):
            if name not in _value(error) and f"'{name}'" in error.message:
                yield _missing_key(error, path, name)
    else:
        yield _misfit(error, path)


def _alternatives(error: "ValidationError", path: Path, *, discreet: bool) -> Iterator[SchemaError]:
    """Report the alternative that was meant: the one whose type fits, never `null`."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.relative_schema_path[0]), []).append(inner)
    wanted = [one for index, one in branches.items() if _rule(error)[index] != {"type": "null"}]
    meant = [one for one in wanted if not any(_wrong_type(inner) for inner in one)]
    if len(meant or wanted) == 1:
        for inner in (meant or wanted)[0]:
            yield from _read(inner, path, discreet=discreet)
        return
    kinds = [part.get("type", "object") for part in _rule(error) if part.get("type") != "null"]
    words = " or ".join(dict.fromkeys(_WORDS.get(str(kind), "a value") for kind in kinds))
    yield SchemaError(path, f"expected {words}, found {_found(error.instance)}", f"write {words}")


def _wrong_type(error: "ValidationError") -> bool:
    return error.validator == "type" and not error.relative_path


def _unknown_keys(error: "ValidationError", path: Path, *, discreet: bool) -> Iterator[SchemaError]:
    known = set(error.schema.get("properties", ())) if isinstance(error.schema, dict) else set()
    for key in _value(error):
        if key not in known:
            yield unknown_key((*path, key), known, discreet=discreet)


def unknown_key(path: Path, known: set[str], *, discreet: bool = False) -> SchemaError:
    """Return the fault of an unknown key; what is not a plain word is not quoted."""
    key = str(path[-1])
    if moved := _MOVED.get(path[-2:]):
        return SchemaError(path, f"the key {key} has moved", moved)
    name = quotable_key(key)
    if discreet and not get_close_matches(key, known, n=1, cutoff=SLIP):
        return SchemaError(path, "unknown key", f"use one of {', '.join(sorted(known))}")
    if name != key:
        close = suggestion(key, known) if get_close_matches(key, known, n=1) and ":" not in key else ""
        remedy = close or "put a blank after the colon, and a plain word before it"
        return SchemaError(path, f"unknown key {name}", remedy)
    return SchemaError(path, f"unknown key {key}", suggestion(key, known))


def _missing_key(error: "ValidationError", path: Path, name: str) -> SchemaError:
    schema = error.schema if isinstance(error.schema, dict) else {}
    about = schema.get("properties", {}).get(name, {}).get("description", "")
    return SchemaError(
        path, f"the key {name} is missing", f"add {name}: ..." + (f" ({about.rstrip('.')})" if about else "")
    )


def _misfit(error: "ValidationError", path: Path) -> SchemaError:
    schema = error.schema if isinstance(error.schema, dict) else {}
    rule, value = str(error.validator), _rule(error)
    about = str(schema.get("description", "")).rstrip(".")
    words = _quoted(error.instance, schema)
    if rule == "type" and schema.get("pattern") == durations.PATTERN:
        return SchemaError(path, f"{_found(error.instance)} is no duration", durations.REMEDY)
    if rule == "type":
        return _mistyped(path, error.instance, value)
    if rule in ("enum", "const"):
        known = [str(word) for word in (value if rule == "enum" else [value])]
        return SchemaError(path, f"{words} is not known here", suggestion(str(error.instance), known))
    if rule == "pattern":
        if value == durations.PATTERN:
            return SchemaError(path, f"{words} is no duration", durations.REMEDY)
        return SchemaError(path, f"{words} has the wrong form", about or f"it must match {value}")
    bounds = {
        "minimum": "below the least value",
        "maximum": "above the greatest value",
        "exclusiveMinimum": "not above",
        "exclusiveMaximum": "not below",
        "minItems": "shorter than",
        "maxItems": "longer than",
        "minLength": "shorter than",
        "maxLength": "longer than",
    }
    if rule in bounds:
        return SchemaError(path, f"the value is {bounds[rule]} {value}", about or "correct the value")
    return SchemaError(path, "the value does not fit", about or "see the reference of the configuration")


def _mistyped(path: Path, value: Any, wanted: Any) -> SchemaError:
    kind = str(wanted if isinstance(wanted, str) else wanted[0])
    remedy = _REMEDIES.get(kind, "correct the value")
    if isinstance(value, Expanded) and not isinstance(value, Flexible):
        remedy = f"set the variable to {_WORDS.get(kind, 'such a value')}"
    elif value is None:
        remedy = "give it a value, or remove the key"
    elif kind == "string" and isinstance(value, dict | list):
        remedy = "write one value"
    return SchemaError(path, f"expected {_WORDS.get(kind, kind)}, found {_found(value)}", remedy)


def _found(value: Any) -> str:
    value = scalar(value) if isinstance(value, Flexible) else value
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "a mapping"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "nothing")


def _quoted(value: Any, schema: JsonSchema) -> str:
    """Return a value as a message may quote it; credentials and values of variables are not."""
    hidden = isinstance(value, Expanded) or holds_secret(schema) or not isinstance(value, str)
    return "the value" if hidden else quoted(value)


def _rule(error: "ValidationError") -> Any:
    rule: Any = error.validator_value
    return rule


def _value(error: "ValidationError") -> Any:
    value: Any = error.instance
    return value


def suggestion(word: str, known: object) -> str:
    """Return a remedy for an unknown word: the likeliest of `known`, else all of them."""
    words = (
        sorted(filter(None, map(str, known)))
        if isinstance(known, (list, tuple, set, frozenset, dict))
        else []
    )
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"use one of {', '.join(words)}" if words else "remove it"
