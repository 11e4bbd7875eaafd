"""`errors`, `changes` and `tenants`: what a running exporter knows, as lists."""

import argparse
import sys

from exporter.commands.asking import exporter_of
from exporter.commands.showing import Column, show

USUAL = 100
"""Rows on a terminal, unless more are asked for."""

_AT = Column("at", "AT", keep=True)
_TARGET = (Column("integration", "INTEGRATION", keep=True), Column("tenant", "TENANT", keep=True))
_CAUSE = (Column("reason", "REASON", keep=True), Column("detail", "DETAIL"))

LISTS: dict[str, tuple[tuple[Column, ...], str]] = {
    "errors": (
        (
            _AT,
            *_TARGET,
            *_CAUSE,
            Column("http_status", "HTTP", number=True),
            Column("duration_seconds", "SECONDS", number=True),
            Column("trace_id", "TRACE"),
        ),
        "no failed checks",
    ),
    "changes": (
        (_AT, *_TARGET, Column("before", "BEFORE"), Column("status", "STATUS", keep=True), *_CAUSE),
        "no changes of state",
    ),
    "tenants": (
        (
            Column("tenant", "TENANT", keep=True),
            Column("status", "WORST", keep=True),
            Column("failing", "FAILING", number=True),
            Column("targets", "TARGETS", number=True),
            Column("since", "SINCE", keep=True),
            Column("statuses", "INTEGRATIONS"),
        ),
        "no tenants",
    ),
}
"""Columns, and what is said when there is no row, by the command, which is the path's last word too."""


def show_list(options: argparse.Namespace) -> int:
    """Print the list that `options.list` names; return 0."""
    columns, empty = LISTS[options.list]
    query = {
        "integration": options.integration,
        "tenant": options.tenant,
        "since": options.since,
        "limit": options.limit or (None if options.json or options.csv else USUAL),
    }
    exporter = exporter_of(options)
    show(exporter.rows(f"/api/v1/{options.list}", query), columns, options, empty)
    if options.list == "tenants":
        for warning in (exporter.get("/api/v1/tenants", {"limit": 1}) or {}).get("warnings", ()):
            print(f"warning: {warning}", file=sys.stderr)
    return 0
