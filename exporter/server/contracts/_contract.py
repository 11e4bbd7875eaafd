"""What contracts are made of: parameters, bodies, answers and examples."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exporter.core.defaults import HEALTH_WINDOWS
from exporter.core.reason import Reason
from exporter.server.query import FORMS, MOST_EXPORTED, USUAL_ROWS
from exporter.server.rows import STATUSES

Schema = Mapping[str, Any]

MONTH = tuple(HEALTH_WINDOWS)[-1]
"""The longest window that every summary knows, for examples."""

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""A time as RFC 3339, in UTC."""

Ratio = Annotated[float, Meta(ge=0, le=1)]
Natural = Annotated[int, Meta(ge=0)]
DurationSeconds = Annotated[float, Meta(ge=0)]
Reasons = dict[str, Natural]


class AnswerPart(msgspec.Struct, kw_only=True):
    """An object that an answer is, or has."""


class ErrorAnswer(AnswerPart, kw_only=True):
    """Why a request was refused, in one sentence."""

    error: str
    status: Annotated[int, Meta(ge=400, le=599)]


@dataclass(frozen=True)
class QueryParameter:
    """One parameter of a query."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    required: bool = False


@dataclass(frozen=True)
class CallExample:
    """A request that works as it stands, and its status; a test replays it against a running exporter.

    `path` fills the places of the path; a value `{name}` stands for what an earlier example of the same file
    answered under that name. `keeps` are such names, with where they are in this answer.
    """

    summary: str
    status: int = 200
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    keeps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contract:
    """What a route takes and answers.

    `answers` are types by status, None for an empty one; a tuple has alternatives, a mapping is a schema.
    `body` is the type of the request's body, `takes` are its media types, `media` those of the answer.
    `errors` are statuses besides those that any route may have; `refusal` is the type of a 400 that is more
    than one sentence.
    """

    answers: Mapping[int, Any]
    query: tuple[QueryParameter, ...] = ()
    body: Any = None
    takes: tuple[str, ...] = ("application/json",)
    media: tuple[str, ...] = ("application/json",)
    errors: tuple[int, ...] = ()
    examples: tuple[CallExample, ...] = ()
    body_required: bool = True
    refusal: Any = ErrorAnswer


def choice(name: str, values: Iterable[str], description: str, usual: str = "") -> QueryParameter:
    """Return a parameter that takes one of `values`."""
    schema: dict[str, Any] = {"type": "string", "enum": list(values)}
    return QueryParameter(name, description, schema | ({"default": usual} if usual else {}))


def number(name: str, description: str, usual: int, most: int, least: int = 0) -> QueryParameter:
    """Return a parameter that takes a whole number."""
    schema = {"type": "integer", "minimum": least, "maximum": most, "default": usual}
    return QueryParameter(name, description, schema)


INTEGRATION = QueryParameter("integration", "One integration, by its name.")
TENANT = QueryParameter("tenant", "One tenant.")
STATUS = choice("status", STATUSES, "Targets of one status.")
WORDS = QueryParameter("q", "Words that must all be in a row.", {"type": "string", "maxLength": 200})
SINCE = QueryParameter("since", "From then on: RFC 3339, Unix seconds, or a duration before now such as 24h.")
UNTIL = QueryParameter("until", "Up to then, likewise.")
AFTER = QueryParameter(
    "after", "The `next` of the page before.", {"type": "string", "pattern": "^[0-9.e+-]+_[0-9]+$"}
)
OFFSET = number("offset", "Rows to pass over.", 0, 10_000_000)
FORMAT = choice("format", FORMS, "JSON in pages, or everything as CSV or NDJSON.", FORMS[0])
LIMIT = number("limit", "Rows of a page at most (1000), or of an export.", USUAL_ROWS, MOST_EXPORTED)
REASON = choice("reason", Reason, "Failures of one reason.")

TABULAR = ("application/json", "text/csv", "application/x-ndjson")
"""What a list is answered as, by `format`."""
