"""The command `ratelimits` and its actions."""

import argparse

from exporter.commands.arguments._flags import add_api_client, positive
from exporter.commands.command import Command


def _add_arguments(ratelimits: argparse.ArgumentParser) -> None:
    actions = ratelimits.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    table = actions.add_parser("list", help="list who is blocked, newest first")
    table.add_argument("--policy", metavar="NAME", help="only blocks of this policy; * are those of all")
    block = actions.add_parser("block", help="block an address, a user or a key")
    unblock = actions.add_parser("unblock", help="end a block, and forget what was counted")
    check = actions.add_parser("check", help="ask whether somebody may; takes nothing of the limit")
    check.add_argument("policy", metavar="POLICY", help="as below ratelimits.policies")
    for action in (block, unblock, check):
        action.add_argument("identifier", metavar="IDENTIFIER", help="such as 203.0.113.7 or user:ada")
    for action in (block, unblock):
        action.add_argument("--policy", metavar="NAME", help="the policy; default: all of them")
        action.add_argument("--reason", required=True, metavar="TEXT", help="why, for the audit")
    block.add_argument("--for", dest="duration", metavar="TIME", help="such as 1h; default: until unblocked")
    check.add_argument("--cost", type=int, default=0, metavar="N", help="take so much; default: 0")
    table.add_argument(
        "--limit", type=positive, metavar="N", help="rows at most; default: 100, --json and --csv all"
    )
    for action in (table, block, unblock, check):
        action.add_argument("--tenant", metavar="ID", help="whose app counts; default: the exporter itself")
        add_api_client(action)


COMMAND = Command(
    126,
    "rate limits of a running exporter: list, block, unblock",
    "exporter.commands.ratelimits:ratelimits",
    _add_arguments,
)
