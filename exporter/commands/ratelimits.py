"""`ratelimits`: who is blocked by a running exporter, and who would be."""

import argparse
import sys
from typing import Any

from exporter.commands.api_client import ApiClient, build_client
from exporter.commands.output import print_rows
from exporter.core.listing import OutputColumn

BLOCKS, CHECK = "/api/v1/ratelimits/blocks", "/api/v1/ratelimits/check"
USUAL = 100
"""Rows on a terminal, unless more are asked for."""

COLUMNS = (
    OutputColumn("policy", "POLICY", keep=True),
    OutputColumn("identifier", "IDENTIFIER", keep=True),
    OutputColumn("tenant", "TENANT", keep=True),
    OutputColumn("at", "SINCE"),
    OutputColumn("until", "UNTIL", keep=True),
    OutputColumn("actor", "BY"),
    OutputColumn("reason", "REASON"),
)
DECISION = (
    OutputColumn("allowed", "ALLOWED", keep=True),
    OutputColumn("remaining", "REMAINING", number=True),
    OutputColumn("limit", "LIMIT", number=True),
    OutputColumn("reset", "RESET", number=True),
    OutputColumn("retry_after", "RETRY AFTER", number=True),
    OutputColumn("reason", "REASON"),
)


def ratelimits(options: argparse.Namespace) -> int:
    """Do what `options.action` names; return 0, or 1 when a check was refused."""
    actions = {"list": _list, "block": _block, "unblock": _unblock, "check": _check}
    return actions[options.action](build_client(options), options)


def _list(exporter: ApiClient, options: argparse.Namespace) -> int:
    # A program would not notice that rows are missing; a person sees where the table stops.
    limit = options.limit or (None if options.json or options.csv else USUAL)
    query = {"policy": options.policy, "tenant": options.tenant, "limit": limit}
    print_rows(exporter.rows(BLOCKS, query), COLUMNS, options, "nobody is blocked")
    return 0


def _block(exporter: ApiClient, options: argparse.Namespace) -> int:
    body = _body(options) | ({"for": options.duration} if options.duration else {})
    made = exporter.post(BLOCKS, body)
    print_rows([made], COLUMNS, options, "")
    if before := made.get("replaced"):
        until = before["until"] or "somebody unblocks"
        said = f"it takes the place of the block by {before['actor']} until {until}: {before['reason']}"
        print(said, file=sys.stderr)
    return 0


def _unblock(exporter: ApiClient, options: argparse.Namespace) -> int:
    exporter.delete(BLOCKS, _body(options))
    print(f"{options.identifier} is no longer blocked", file=sys.stderr)
    return 0


def _check(exporter: ApiClient, options: argparse.Namespace) -> int:
    body = {"policy": options.policy, "identifier": options.identifier, "cost": options.cost}
    found = exporter.post(CHECK, body | _given(options, "tenant"))
    print_rows([found], DECISION, options, "")
    return 0 if found["allowed"] else 1


def _body(options: argparse.Namespace) -> dict[str, Any]:
    body = {"identifier": options.identifier, "reason": options.reason}
    return body | _given(options, "policy", "tenant")


def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(options, name)) is not None}
