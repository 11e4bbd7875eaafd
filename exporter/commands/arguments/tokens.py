"""The command `tokens` and its actions."""

import argparse

from exporter.commands.arguments._flags import add_api_client, add_filter, positive
from exporter.commands.command import Command


def _add_arguments(tokens: argparse.ArgumentParser) -> None:
    actions = tokens.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    table = actions.add_parser("list", help="list tokens with their states, worst first")
    table.add_argument("--state", metavar="STATE", help="only tokens in this state")
    refresh = actions.add_parser("refresh", help="refresh tokens now, and report the result of each")
    refresh.add_argument("--all", action="store_true", help="every token")
    log = actions.add_parser("log", help="list what was done with tokens, newest first")
    log.add_argument("--since", metavar="TIME", help="such as 2h, 7d, or 2026-11-21T08:00:00Z")
    log.add_argument("--limit", type=positive, default=100, metavar="N", help="default: %(default)s")
    for action in (table, refresh, log):
        add_filter(action)
        add_api_client(action)
    for action in (table, refresh):
        text = "only tokens that expire within this time, such as 24h"
        action.add_argument("--expiring", metavar="DURATION", help=text)
    # Without a client: the key is made here, and no exporter learns it from this command.
    actions.add_parser("key", help="print a new key for store.token_keys")


COMMAND = Command(
    120,
    "tokens of a running exporter: list, refresh, log, key",
    "exporter.commands.tokens:tokens",
    _add_arguments,
)
