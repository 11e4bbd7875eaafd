"""The audit: reviews, erasures, the chain, figures and reports."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from exporter.server.contracts._contract import (
    SINCE,
    TENANT,
    UNTIL,
    AnswerPart,
    CallExample,
    Contract,
    Natural,
    QueryParameter,
    Time,
    choice,
    number,
)
from exporter.server.handlers.audit import LONGEST_NOTE, USUAL_WINDOW, WINDOWS
from exporter.store.chain_check import PORTION


class ReviewBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What came of looking at the entry."""

    note: Annotated[str, Meta(min_length=1, max_length=LONGEST_NOTE)]


class ReviewAnswer(AnswerPart, kw_only=True):
    """Who reviewed which entry, and when."""

    id: int
    reviewed: Time
    reviewer: str
    note: str


class ErasureBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose entries become unreadable: an actor of one tenant, or of all."""

    actor: Annotated[str, Meta(min_length=1, max_length=1000)]
    tenant: str | None = None


class ErasureAnswer(AnswerPart, kw_only=True):
    """How many people of that name there were."""

    people: Natural


class ChainAnswer(AnswerPart, kw_only=True):
    """A portion of the chain that was checked; `next` is null at its end."""

    after: Natural
    next: int | None
    checked: Natural
    pruned: Natural
    entries: Natural
    head: str
    problems: list[dict[str, Any]]
    head_found_at: int | UnsetType | None = UNSET


class AuditActor(AnswerPart, kw_only=True):
    """How many entries an actor has."""

    actor: str
    tenant: str
    entries: Natural


class AuditSummaryAnswer(AnswerPart, kw_only=True):
    """The audit of a window in figures."""

    window: str
    since: Time
    until: Time
    entries: Natural
    by_class: dict[str, Natural]
    by_outcome: dict[str, Natural]
    by_actor: list[AuditActor]
    of_exporter: Natural
    flags: dict[str, Natural]
    flagged: Natural
    reviewed: Natural
    unreviewed: Natural
    highest_risk: Natural


CONTRACTS = {
    ("POST", "/api/v1/audit/{id}/review"): Contract(
        {200: ReviewAnswer},
        body=ReviewBody,
        errors=(404, 409),
        examples=(
            CallExample("An entry that there is not", 404, {"id": "999999"}, body={"note": "It was me."}),
        ),
    ),
    ("POST", "/api/v1/audit/erase"): Contract(
        {200: ErasureAnswer},
        body=ErasureBody,
        examples=(
            CallExample("Somebody who is in no entry", body={"actor": "nobody@example.com"}),
            CallExample("Nobody", 400, body={"actor": ""}),
        ),
    ),
    ("GET", "/api/v1/audit-verification"): Contract(
        {200: ChainAnswer},
        (
            QueryParameter("after", "The `next` of the portion before.", {"type": "integer", "minimum": 0}),
            number("limit", "Entries of a portion.", PORTION, PORTION),
            QueryParameter("head", "A hash that must be in the chain, in hexadecimal digits."),
        ),
        errors=(404,),
        examples=(CallExample("The first portion"), CallExample("No hash", 400, query={"head": "x"})),
    ),
    ("GET", "/api/v1/audit-report"): Contract(
        {200: Any},
        (
            QueryParameter("from", SINCE.description),
            QueryParameter("to", UNTIL.description),
            choice("format", ("html", "csv"), "A page to print, or a table.", "html"),
        ),
        media=("text/html", "text/csv"),
        examples=(CallExample("Three days as a table", query={"from": "72h", "format": "csv"}),),
    ),
    ("GET", "/api/v1/audit-summary"): Contract(
        {200: AuditSummaryAnswer},
        (choice("window", WINDOWS, "How long, up to now.", USUAL_WINDOW), TENANT),
        examples=(CallExample("The last day"),),
    ),
}
