"""The command `alerts` and its actions."""

import argparse
from collections.abc import Sequence

from exporter.commands.arguments._flags import add_api_client, add_filter, positive
from exporter.commands.command import Command
from exporter.core.defaults import NOISE_SUBJECTS, NOISE_WINDOWS


def _severity(text: str) -> str:
    from exporter.core.severity import Severity

    return _one_of(text, [severity.value for severity in Severity])


def _state(text: str) -> str:
    from exporter.core.notice import STATES

    return _one_of(text, STATES)


def _one_of(text: str, words: Sequence[str]) -> str:
    # Not by `choices`: these would load the words, and what they need, for every --help.
    if text not in words:
        raise argparse.ArgumentTypeError(f"write one of {', '.join(words)}")
    return text


def _add_arguments(alerts: argparse.ArgumentParser) -> None:
    actions = alerts.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    history = actions.add_parser("history", help="list what fired and what was resolved, newest first")
    noise = actions.add_parser("noise", help="count how often each alert fired, for how long, and its flaps")
    for action in (history, noise):
        add_filter(action)
        action.add_argument("--alert", metavar="NAME", help="only this alert, such as IntegrationDown")
        action.add_argument("--severity", type=_severity, help="only alerts of this severity")
    history.add_argument("--state", type=_state, help="only notices that are firing or resolved")
    history.add_argument("-q", dest="q", metavar="TEXT", help="only notices whose texts or labels contain it")
    history.add_argument("--since", metavar="TIME", help="such as 2h, 7d, or 2026-11-21T08:00:00Z")
    text = "default: %(default)s"
    noise.add_argument("--window", default="24h", choices=tuple(NOISE_WINDOWS), help=text)
    noise.add_argument("--by", default="integration", choices=tuple(NOISE_SUBJECTS), help=text)
    for action in (history, noise):
        text = "rows at most; default: 100, --json and --csv all"
        action.add_argument("--limit", type=positive, metavar="N", help=text)
        add_api_client(action)


COMMAND = Command(
    97,
    "alerts that reached a running exporter: history, noise",
    "exporter.commands.alerts:alerts",
    _add_arguments,
)
