"""The command `audit` and its actions."""

import argparse

from exporter.commands.arguments._flags import add_api_client, add_filter, positive
from exporter.commands.command import Command

_TIME = "such as 2h, 7d, or 2026-11-21T08:00:00Z"


def _hash(text: str) -> str:
    if len(text) != 64 or not set(text.lower()) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError("give the 64 hexadecimal digits that the log has")
    return text


def _add_arguments(audit: argparse.ArgumentParser) -> None:
    actions = audit.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    found = actions.add_parser("list", help="list entries, newest first")
    export = actions.add_parser("export", help="take entries out, all of them, as NDJSON or CSV")
    for action in (found, export):
        add_filter(action)
        _add_choice(action)
    _add_list(found)
    review = actions.add_parser("review", help="review a flagged entry")
    review.add_argument("id", type=positive, metavar="ID", help="its number, as `audit list` shows it")
    review.add_argument("--note", required=True, metavar="TEXT", help="what it was")
    verify = actions.add_parser("verify", help="check the chain: what was changed, removed or inserted")
    text = "a hash of the chain from before, from the log: it must still be there"
    verify.add_argument("--head", type=_hash, metavar="HASH", help=text)
    text = "check this database in place of a running exporter's: sqlite:///copy.db"
    verify.add_argument("--store", metavar="URL", help=text)
    erase = actions.add_parser("erase", help="make what is personal of an actor unreadable, for good")
    erase.add_argument("actor", metavar="ACTOR", help="the name, as `audit list --actor` takes it")
    erase.add_argument("--tenant", metavar="ID", help="only in this tenant")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    report = actions.add_parser("report", help="what an auditor asks for, as a page to print or CSV")
    _add_span(report)
    report.add_argument("--format", choices=("html", "csv"), default="html", help="default: %(default)s")
    for action in (export, report):
        text = "write into this file, which its owner alone may read; default: standard output"
        action.add_argument("--output", metavar="FILE", help=text)
    for action in (found, review, verify, export, erase, report):
        add_api_client(action)


def _add_choice(action: argparse.ArgumentParser) -> None:
    action.add_argument("--actor", metavar="NAME", help="only what this actor did")
    _add_span(action)


def _add_span(action: argparse.ArgumentParser) -> None:
    action.add_argument("--from", "--since", dest="since", metavar="TIME", help=f"from then on: {_TIME}")
    action.add_argument("--to", dest="until", metavar="TIME", help="until then, as for --from")


def _add_list(found: argparse.ArgumentParser) -> None:
    add = found.add_argument
    state = found.add_mutually_exclusive_group()
    text = "only flagged entries that nobody has reviewed"
    state.add_argument("--open", dest="review", action="store_const", const="open", help=text)
    text = "only flagged entries that were reviewed"
    state.add_argument("--reviewed", dest="review", action="store_const", const="done", help=text)
    add("--flag", metavar="PATTERN", help="only entries that show this pattern")
    add("--class", dest="action_class", metavar="CLASS", help="only actions of this class")
    add("--outcome", metavar="WORD", help="only this outcome: success, failure, refused")
    add("--address", metavar="ADDRESS", help="only what came from this address")
    add("--resource", metavar="NAME", help="only what was done to it")
    add("--limit", type=positive, metavar="N", help="rows at most; default: 100")


COMMAND = Command(
    128,
    "the audit: list, review, verify, export, erase, report",
    "exporter.commands.audit:audit",
    _add_arguments,
)
