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


def _shown_state(text: str) -> str:
    return _one_of(text, ("firing", "acknowledged", "inhibited", "resolved"))


def _add_arguments(alerts: argparse.ArgumentParser) -> None:
    actions = alerts.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    table = actions.add_parser("list", help="list what fires now, and who is at it, most urgent first")
    table.add_argument("--mine", action="store_true", help="only what you have acknowledged, or are assigned")
    table.add_argument("--assignee", metavar="NAME", help="only what is assigned to NAME")
    text = "only alerts in this state; default: all but those that are resolved"
    table.add_argument("--state", type=_shown_state, help=text)
    _add_answers(actions)
    _add_test(actions)
    history = actions.add_parser("history", help="list what fired and what was resolved, newest first")
    noise = actions.add_parser("noise", help="count how often each alert fired, for how long, and its flaps")
    for action in (table, history, noise):
        add_filter(action)
        action.add_argument("--alert", metavar="NAME", help="only this alert, such as IntegrationDown")
        action.add_argument("--severity", type=_severity, help="only alerts of this severity")
    text = "only notices that are firing, acknowledged or resolved"
    history.add_argument("--state", type=_state, help=text)
    history.add_argument("-q", dest="q", metavar="TEXT", help="only notices whose texts or labels contain it")
    for action in (table, history):
        action.add_argument("--since", metavar="TIME", help="such as 2h, 7d, or 2026-11-21T08:00:00Z")
    text = "default: %(default)s"
    noise.add_argument("--window", default="24h", choices=tuple(NOISE_WINDOWS), help=text)
    noise.add_argument("--by", default="integration", choices=tuple(NOISE_SUBJECTS), help=text)
    for action in (table, history, noise):
        text = "rows at most; default: 100, --json and --csv all"
        action.add_argument("--limit", type=positive, metavar="N", help=text)
        add_api_client(action)


def _add_answers(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add what people do about alerts."""
    fire = actions.add_parser("fire", help="fire an alert by hand, until somebody resolves it")
    fire.add_argument("service", metavar="SERVICE", help="what it is about: an integration, or any name")
    fire.add_argument("message", metavar="MESSAGE", help="one line: the subject of its messages")
    fire.add_argument("--severity", type=_severity, required=True, help="critical, high, medium or low")
    fire.add_argument("--details", metavar="TEXT", help="what its messages say below the subject")
    fire.add_argument("--tenant", metavar="ID", help="whom it concerns")
    acknowledge = actions.add_parser("ack", help="say that you are at it: nobody else is notified meanwhile")
    text = "how long, 7d at most; default: 4h"
    acknowledge.add_argument("--for", dest="duration", metavar="DURATION", help=text)
    acknowledge.add_argument("--until", metavar="TIME", help="such as 2026-11-21T08:00:00Z")
    resolve = actions.add_parser("resolve", help="end an alert that was fired by hand")
    assign = actions.add_parser("assign", help="give an alert to somebody; by default to you")
    whom = assign.add_mutually_exclusive_group()
    whom.add_argument("--to", metavar="NAME", help="who has it from now on, such as user:ada")
    whom.add_argument("--nobody", action="store_true", help="nobody has it any more")
    for action in (acknowledge, resolve, assign):
        text = "as `alerts list` prints it"
        action.add_argument("fingerprints", nargs="+", metavar="FINGERPRINT", help=text)
        action.add_argument("--note", metavar="TEXT", help="kept with it, for the others")
    for action in (fire, acknowledge, resolve, assign):
        add_api_client(action)


def _add_test(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the test of the way to people."""
    test = actions.add_parser("test", help="send a marked alert of each severity, and report where they lead")
    test.add_argument("--severity", type=_severity, help="only of this severity")
    test.add_argument(
        "--channel", metavar="KIND", help="only of one severity that leads to it, such as slack"
    )
    test.add_argument(
        "--rule", metavar="ALERT", help="with the labels of this alert, such as IntegrationDown"
    )
    test.add_argument("--service", metavar="NAME", help="of this integration: for routes that look at it")
    test.add_argument("--tenant", metavar="ID", help="of this tenant: for routes that look at it")
    text = "how long messages are waited for; default: as long as the routes collect alerts, low 5m"
    test.add_argument("--wait", metavar="DURATION", help=text)
    test.add_argument("--no-wait", action="store_true", help="report the receivers, and let it run on")
    add_api_client(test)


COMMAND = Command(
    97,
    "alerts: list, fire, ack, assign, history, noise, test",
    "exporter.commands.alerts:alerts",
    _add_arguments,
)
