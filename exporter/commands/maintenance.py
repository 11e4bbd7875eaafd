"""`maintenance`: windows in which alerts of what is worked on notify nobody."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from exporter.commands.api_client import ApiClient, build_client
from exporter.commands.output import print_rows
from exporter.config import durations
from exporter.core.errors import StartError
from exporter.core.listing import OutputColumn

PATH = "/api/v1/maintenance"
COLUMNS = (
    OutputColumn("name", "NAME", keep=True),
    OutputColumn("state", "STATE", keep=True),
    OutputColumn("starts", "STARTS", keep=True),
    OutputColumn("ends", "ENDS", keep=True),
    OutputColumn("integrations", "INTEGRATIONS"),
    OutputColumn("providers", "PROVIDERS"),
    OutputColumn("tenants", "TENANTS"),
    OutputColumn("alerts", "ALERTS"),
    OutputColumn("origin", "ORIGIN"),
    OutputColumn("author", "AUTHOR"),
    OutputColumn("comment", "COMMENT"),
)
_FLAGS = {
    "integrations": "integration",
    "providers": "provider",
    "tenants": "tenant",
    "alerts": "alert",
    "severities": "severity",
}


def maintenance(options: argparse.Namespace) -> int:
    """Do what `options.action` names; return 0."""
    actions = {"list": _list, "add": _add, "remove": _remove}
    return actions[options.action](build_client(options), options)


def _list(exporter: ApiClient, options: argparse.Namespace) -> int:
    print_rows(exporter.rows(PATH, {}), COLUMNS, options, "no maintenance windows")
    return 0


def _add(exporter: ApiClient, options: argparse.Namespace) -> int:
    start = options.start or datetime.now(UTC).isoformat(timespec="seconds")
    chosen = {key: getattr(options, flag) for key, flag in _FLAGS.items() if getattr(options, flag)}
    body = {"name": options.name, "start": start, "end": _end(start, options), "comment": options.comment}
    made = exporter.post(PATH, body | chosen)
    for note in made.pop("notes"):
        print(f"note: {note}", file=sys.stderr)
    print_rows([made], COLUMNS, options, "")
    return 0


def _end(start: str, options: argparse.Namespace) -> str:
    if options.end:
        return str(options.end)
    try:
        length = timedelta(seconds=durations.seconds(options.length))
        return (datetime.fromisoformat(start) + length).isoformat()
    except (ValueError, OverflowError):
        text = "write --for as a duration such as 2h, and --start as 2026-12-01T22:00:00+01:00"
        raise StartError(text) from None


def _remove(exporter: ApiClient, options: argparse.Namespace) -> int:
    exporter.delete(f"{PATH}/{quote(options.name, safe='')}", {})
    if not (options.json or options.csv):
        print(f"{options.name} is removed", file=sys.stderr)
    return 0
