"""`tokens`: list, refresh and follow the tokens of a running exporter, and make a key to keep them with."""

import argparse
import sys

from exporter.commands.api_client import ApiClient, build_client
from exporter.commands.lists import print_listing
from exporter.commands.output import print_rows
from exporter.commands.progress import follow_job
from exporter.core.errors import StartError
from exporter.core.listing import TARGET, OutputColumn
from exporter.registry import lists

TOKENS = (
    *TARGET,
    OutputColumn("token", "TOKEN", keep=True),
    OutputColumn("state", "STATE", keep=True),
    OutputColumn("expires", "EXPIRES", keep=True),
    OutputColumn("refreshable", "RENEWED"),
    OutputColumn("last_refresh", "LAST REFRESH"),
    OutputColumn("failures", "FAILURES", number=True),
    OutputColumn("reason", "REASON"),
)
REFRESHES = (
    *TARGET,
    OutputColumn("result", "RESULT", keep=True),
    OutputColumn("reason", "REASON"),
    OutputColumn("duration_seconds", "SECONDS", number=True),
)


def tokens(options: argparse.Namespace) -> int:
    """Do what `options.action` names; return 0, or 1 when a refresh failed."""
    if options.action == "key":
        return _key()
    if options.action == "log":
        return print_listing(lists()["token-log"], options, options.limit)
    exporter = build_client(options)
    if options.action == "refresh":
        return _refresh(exporter, options)
    query = {
        "integration": options.integration,
        "tenant": options.tenant,
        "expiring": options.expiring,
        "state": options.state,
    }
    print_rows(exporter.rows("/api/v1/tokens", query), TOKENS, options, "no tokens that are renewed")
    return 0


def _key() -> int:
    from cryptography.fernet import Fernet

    print(Fernet.generate_key().decode())
    return 0


def _refresh(exporter: ApiClient, options: argparse.Namespace) -> int:
    selection = {
        name: value
        for name in ("integration", "tenant", "expiring")
        if (value := getattr(options, name)) is not None
    }
    # Exactly one of them: a filter contradicts --all, and without either a refresh of all may be a slip.
    if bool(selection) == options.all:
        raise StartError("say which tokens: --all, or --integration, --tenant and --expiring")
    # In the background: many refreshes take longer than the client waits for an answer.
    job = exporter.post("/api/v1/tokens/refresh", selection | {"all": options.all, "background": True})
    job = follow_job(exporter, "/api/v1/tokens/refresh", job, "refreshing")
    rows = job["tokens"]
    print_rows(rows, REFRESHES, options, "no token had to be refreshed")
    failed = sum(row["result"] != "ok" for row in rows)
    results = ", ".join(f"{count} {name}" for name, count in sorted(job["summary"].items()))
    if rows:
        print(f"{len(rows)} refreshed: {results}", file=sys.stderr)
    return 1 if failed else 0
