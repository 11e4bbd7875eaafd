"""The contract of a stored list, from what its `Listing` declares."""

from collections.abc import Mapping
from typing import Any

from exporter.core.listing import Listing
from exporter.server.contracts._contract import (
    AFTER,
    FORMAT,
    LIMIT,
    OFFSET,
    REASON,
    SINCE,
    TABULAR,
    UNTIL,
    CallExample,
    Contract,
    QueryParameter,
    Schema,
    choice,
)

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_ANY: Schema = {"type": ["string", "number", "boolean", "object", "array", "null"]}

KNOWN: Mapping[str, Schema] = {
    "at": {"type": "string", "format": "date-time"},
    **dict.fromkeys(("integration", "tenant", "replica", "detail"), _TEXT),
    # What an app reports of a payment may leave its provider out.
    "provider": {"type": ["string", "null"]},
    **dict.fromkeys(("since", "until", "due", "expires", "starts", "ends", "reviewed"), _TIME),
    "reason": {"type": ["string", "null"]},
    "http_status": {"type": ["integer", "null"]},
    "duration_seconds": {"type": ["number", "null"]},
}
"""Columns that mean the same in every list."""

_FILTERS = {
    "integration": "One integration, by its name.",
    "tenant": "One tenant.",
    "since": SINCE.description,
    "until": UNTIL.description,
}


def contract_of_list(listing: Listing[Any]) -> Contract:
    """Return what the route of `listing` takes and answers."""
    row: Schema = {
        "type": "object",
        "description": f"One of the {listing.title}.",
        "required": list(listing.columns),
        "properties": {name: _column(listing, name) for name in listing.columns},
    }
    properties: dict[str, Schema] = {
        listing.key: {"type": "array", "items": row},
        "next": {"type": ["string", "null"], "description": "The `after` of the next page."},
    }
    if listing.skips:
        properties["offset"] = {"type": "integer"}
    answer = {"type": "object", "required": list(properties), "properties": properties}
    paging = (AFTER, LIMIT, FORMAT, *((OFFSET,) if listing.skips else ()))
    return Contract(
        answers={200: answer},
        query=(*(_filter(listing, name) for name in listing.parameters), *paging),
        media=TABULAR,
        errors=(404,),
        examples=(
            CallExample(f"The newest {listing.title}", query={"limit": "5"}),
            CallExample("All of the last day as CSV", query={"since": "24h", "format": "csv"}),
        ),
    )


def _column(listing: Listing[Any], name: str) -> Schema:
    numbers = {column.key for column in listing.table if column.number}
    return KNOWN.get(name) or ({"type": ["number", "null"]} if name in numbers else _ANY)


def _filter(listing: Listing[Any], name: str) -> QueryParameter:
    if name in listing.choices:
        return choice(name, listing.choices[name], f"Only those whose `{name}` is this.")
    if name == "reason":
        return REASON
    return QueryParameter(name, _FILTERS.get(name, f"Only those whose `{name}` is this."))
