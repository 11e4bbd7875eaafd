"""`alerts test`: sends marked alerts the whole way, and shows where they led."""

import argparse
import sys
from typing import Any

from exporter.commands.api_client import ApiClient
from exporter.commands.output import print_rows
from exporter.commands.progress import follow_job
from exporter.core.listing import OutputColumn

PATH = "/api/v1/alerts/test"
COLUMNS = (
    OutputColumn("severity", "SEVERITY", keep=True),
    OutputColumn("alert", "ALERT", keep=True),
    OutputColumn("receivers", "RECEIVERS"),
    OutputColumn("channels", "CHANNELS"),
    OutputColumn("hidden_by", "HIDDEN BY"),
)


def run_test(exporter: ApiClient, body: dict[str, Any], *, follow: bool = True) -> dict[str, Any]:
    """Start a test and return it, once it is over where `follow` is set."""
    drill: dict[str, Any] = exporter.post(PATH, body)
    return follow_job(exporter, PATH, drill, "messages") if follow else drill


def test(exporter: ApiClient, options: argparse.Namespace) -> int:
    """Test what `options` name; return 1 where something is wrong with the way of alerts, else 0."""
    names = ("severity", "channel", "rule", "service", "tenant", "wait")
    body = {name: getattr(options, name) for name in names if getattr(options, name)}
    drill = run_test(exporter, body, follow=not options.no_wait)
    if options.json:
        print_rows([drill], (), options, "")
    else:
        print_rows(drill["alerts"], COLUMNS, options, "")
    for line in describe_counts(drill):
        print(line, file=sys.stderr)
    for problem in drill["problems"]:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if drill["problems"] else 0


def describe_counts(drill: dict[str, Any]) -> list[str]:
    """Return what was sent by kind of channel, a line each."""
    if drill["sent"] is None:
        if drill["state"] == "running":
            return []
        return ["Alertmanager's /metrics does not answer: what was sent is not known"]
    return [f"{kind}: {count} sent" for kind, count in drill["sent"].items()]
