"""`errors`, `changes` and `tenants`: what a running exporter knows, as lists."""

import argparse
import sys

from exporter.commands.api_client import build_client
from exporter.commands.output import OutputColumn, print_rows

USUAL = 100
"""Rows on a terminal, unless more are asked for."""

_AT = OutputColumn("at", "AT", keep=True)
_TARGET = (OutputColumn("integration", "INTEGRATION", keep=True), OutputColumn("tenant", "TENANT", keep=True))
_CAUSE = (OutputColumn("reason", "REASON", keep=True), OutputColumn("detail", "DETAIL"))

LISTS: dict[str, tuple[tuple[OutputColumn, ...], str]] = {
    "errors": (
        (
            _AT,
            *_TARGET,
            *_CAUSE,
            OutputColumn("http_status", "HTTP", number=True),
            OutputColumn("duration_seconds", "SECONDS", number=True),
            OutputColumn("trace_id", "TRACE"),
        ),
        "no failed checks",
    ),
    "changes": (
        (
            _AT,
            *_TARGET,
            OutputColumn("before", "BEFORE"),
            OutputColumn("status", "STATUS", keep=True),
            *_CAUSE,
        ),
        "no changes of state",
    ),
    "tenants": (
        (
            OutputColumn("tenant", "TENANT", keep=True),
            OutputColumn("status", "WORST", keep=True),
            OutputColumn("failing", "FAILING", number=True),
            OutputColumn("targets", "TARGETS", number=True),
            OutputColumn("since", "SINCE", keep=True),
            OutputColumn("statuses", "INTEGRATIONS"),
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
    exporter = build_client(options)
    print_rows(exporter.rows(f"/api/v1/{options.list}", query), columns, options, empty)
    if options.list == "tenants":
        for warning in (exporter.get("/api/v1/tenants", {"limit": 1}) or {}).get("warnings", ()):
            print(f"warning: {warning}", file=sys.stderr)
    return 0
