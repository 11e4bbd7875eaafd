"""The methods of the Python client, one for each kind of event: written, so that editors complete them."""

import inspect
import textwrap
from collections.abc import Iterable, Iterator

from exporter.core.event import EventKind
from exporter.core.event_fields import EventField, FieldType, own_fields
from exporter.generate.document import NOTICE

PATH = "exporter/client/kinds.py"
WIDTH = 100
"""Characters of a line of a docstring, less than the linter allows."""

TYPES = {
    FieldType.TEXT: "str",
    FieldType.NUMBER: "float",
    FieldType.INTEGER: "int",
    FieldType.TIME: "datetime",
    FieldType.TEXTS: "Mapping[str, str]",
    FieldType.VALUES: "Mapping[str, Any]",
}

_HEAD = f'''\
# {NOTICE}
"""One method for each kind of event, with its fields; which are required the signature says."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Kinds(ABC):
    """What may be reported; durations in seconds, money in major units.

    Each method takes `tenant`, `integration`, `id` and `at` too, all optional: whose event it is, which
    integration it is about, what makes it unique, and when it was.
    """

    @abstractmethod
    def event(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Report an event of `kind`."""
'''


def client_kinds(kinds: Iterable[EventKind]) -> str:
    """Return the module of the client that has a method for each of `kinds`."""
    return "\n".join((_HEAD, *map(_method, kinds)))


def _method(kind: EventKind) -> str:
    fields = own_fields(kind.fields)
    lines = [
        f"    def {kind.name}(",
        *(f"        {parameter}," for parameter in _parameters(fields)),
        "    ) -> None:",
        *_docstring(kind, fields),
        "        self.event(",
        f'            "{kind.name}",',
        "            {",
        *(f'                "{field.name}": {field.name},' for field in fields),
        "                **common,",
        "            },",
        "        )",
    ]
    return "\n".join(lines) + "\n"


def _parameters(fields: Iterable[EventField]) -> Iterator[str]:
    yield "self"
    optional = [field for field in fields if not field.required]
    yield from (f"{field.name}: {TYPES[field.type]}" for field in fields if field.required)
    if optional:
        yield "*"
    yield from (f"{field.name}: {TYPES[field.type]} | None = None" for field in optional)
    yield "**common: Any"


def _docstring(kind: EventKind, fields: Iterable[EventField]) -> Iterator[str]:
    """Yield the lines: what it reports, what its type says, and the choices of fields that have some."""
    about = inspect.cleandoc(kind.fields.__doc__ or "").split("\n\n")
    choices = [f"`{field.name}`: {', '.join(field.choices)}." for field in fields if field.choices]
    yield f'        """Report an event of the kind {kind.name}.'
    for paragraph in (*about, *choices):
        text = " ".join(paragraph.split())
        yield ""
        yield from textwrap.wrap(text, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)
    yield '        """'
