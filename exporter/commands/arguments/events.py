"""The command `events` and its actions."""

import argparse

from exporter.commands.arguments._flags import add_api_client, add_filter, positive
from exporter.commands.command import Command
from exporter.core.defaults import COST_SUBJECTS, HEALTH_WINDOWS

ACTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "api-health": ("requests: slowest routes, errors, percentiles", ("slowest", "worst", "window", "ai")),
    "costs": ("what AI services cost, and what the month will come to", (*COST_SUBJECTS, "window")),
    "payments": ("what became of payments", ("window", "family", "currency")),
    "traffic": ("page views by client", ("country", "route", "window")),
    "widgets": ("how widgets load and fail", ("widget", "window")),
    "sign-ins": ("attempts to sign in", ("method", "country", "window")),
}
"""The help of each action, and what its rows may be about; the first is usual."""


def _add_arguments(events: argparse.ArgumentParser) -> None:
    actions = events.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    for name, (help_line, subjects) in ACTIONS.items():
        action = actions.add_parser(name, help=help_line)
        add_filter(action)
        action.add_argument("--window", choices=tuple(HEALTH_WINDOWS), help="default: 24h; 30d by day")
        action.add_argument("--by", default=subjects[0], choices=subjects, help="default: %(default)s")
        action.add_argument("--limit", type=positive, metavar="N", help="rows at most; default: 20")
        add_api_client(action)


COMMAND = Command(
    123,
    "what apps report: requests, costs, payments, traffic, widgets",
    "exporter.commands.events:events",
    _add_arguments,
)
