"""`errors`, `changes`, `tenants` and `list`: what a running exporter knows, as lists."""

import argparse
import sys
from difflib import get_close_matches
from typing import Any

from exporter.commands.api_client import build_client
from exporter.commands.output import print_rows
from exporter.core.errors import StartError
from exporter.core.listing import Listing, OutputColumn
from exporter.registry import lists

USUAL = 100
"""Rows on a terminal, unless more are asked for."""

TENANTS = (
    OutputColumn("tenant", "TENANT", keep=True),
    OutputColumn("status", "WORST", keep=True),
    OutputColumn("failing", "FAILING", number=True),
    OutputColumn("targets", "TARGETS", number=True),
    OutputColumn("since", "SINCE", keep=True),
    OutputColumn("statuses", "INTEGRATIONS"),
)
LISTS = (OutputColumn("name", "NAME", keep=True), OutputColumn("title", "ROWS"), OutputColumn("path", "PATH"))


def show_list(options: argparse.Namespace) -> int:
    """Print the stored list that `options.list` names, or the names where it is None; return 0."""
    if options.list is None:
        rows = [{"name": one.name, "title": one.title, "path": one.path} for one in lists().values()]
        print_rows(rows, LISTS, options, "no lists")
        return 0
    return print_listing(_listing(options.list), options, _limit(options))


def print_listing(listing: Listing[Any], options: argparse.Namespace, limit: int | None) -> int:
    """Print rows of `listing`, all of them where `limit` is None; return 0."""
    rows = build_client(options).rows(listing.path, _query(options, limit))
    print_rows(rows, listing.table, options, listing.empty)
    return 0


def show_tenants(options: argparse.Namespace) -> int:
    """Print tenants, and what is wrong with their sources; return 0."""
    exporter = build_client(options)
    rows = exporter.rows("/api/v1/tenants", _query(options, _limit(options)))
    print_rows(rows, TENANTS, options, "no tenants")
    for warning in (exporter.get("/api/v1/tenants", {"limit": 1}) or {}).get("warnings", ()):
        print(f"warning: {warning}", file=sys.stderr)
    return 0


def _limit(options: argparse.Namespace) -> int | None:
    # A program would not notice that rows are missing; a person sees where the table stops.
    return options.limit or (None if options.json or options.csv else USUAL)


def _query(options: argparse.Namespace, limit: int | None) -> dict[str, str | int | None]:
    return {
        "integration": options.integration,
        "tenant": options.tenant,
        "since": options.since,
        "limit": limit,
    }


def _listing(name: str) -> Listing[Any]:
    known = lists()
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise StartError(f"there is no list {name!r}; {hint}")
    return known[name]
