"""What apps and pages in browsers report."""

from typing import Any, Union

from exporter.registry import events
from exporter.server.contracts._contract import (
    AnswerPart,
    CallExample,
    Contract,
    ErrorAnswer,
    Natural,
    QueryParameter,
)


class RejectedRow(AnswerPart, kw_only=True):
    """An event that was refused: its place in the body, the field at fault, and why."""

    index: int
    path: str
    reason: str
    detail: str


class EventsAnswer(AnswerPart, kw_only=True):
    """What became of the events of a body."""

    accepted: Natural
    duplicates: Natural
    rejected: list[RejectedRow]


# Made of what is in the folder: a type checker has nothing to say about it.
_EVENT: Any = Union[tuple(kind.fields for kind in events().values())]  # noqa: UP007 - the members are known at run time

_PAID = {
    "kind": "payment",
    "id": "pay-17",
    "tenant": "acme",
    "outcome": "succeeded",
    "amount": 12.5,
    "currency": "EUR",
    "provider": "stripe",
}
_KEY = QueryParameter("k", "The public key of the site.")

CONTRACTS = {
    ("POST", "/api/v1/events"): Contract(
        {202: EventsAnswer, 207: EventsAnswer},
        body=_EVENT | list[_EVENT],
        takes=(
            *("application/json", "application/x-ndjson", "application/cloudevents+json"),
            "application/cloudevents-batch+json",
        ),
        errors=(413, 415),
        refusal=(EventsAnswer, ErrorAnswer),
        examples=(
            CallExample("A payment", 202, body=_PAID),
            CallExample(
                "Two, of which one is wrong", 207, body=[_PAID | {"id": "pay-18"}, {"kind": "payment"}]
            ),
            CallExample("One that is wrong", 400, body={"kind": "payment", "outcome": "perhaps"}),
        ),
    ),
    ("GET", "/app/w.js"): Contract(
        {200: Any}, (_KEY,), media=("text/javascript",), examples=(CallExample("The script"),)
    ),
    ("POST", "/app/w"): Contract(
        {202: EventsAnswer, 207: EventsAnswer},
        (_KEY,),
        body=list[Any],
        takes=("text/plain", "application/json"),
        errors=(413, 415),
        refusal=(EventsAnswer, ErrorAnswer),
        examples=(CallExample("A page of a site that there is not", 403, body=[]),),
    ),
    ("OPTIONS", "/app/w"): Contract(
        {204: None}, (_KEY,), examples=(CallExample("A page of a site that there is not", 403),)
    ),
}
