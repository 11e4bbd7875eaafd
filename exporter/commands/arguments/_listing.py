"""What the commands take that list rows of a running exporter."""

import argparse

from exporter.commands.arguments._flags import add_api_client, add_filter
from exporter.commands.command import Command


def listing(position: int, name: str, text: str, since: str) -> Command:
    """Return the command that prints the list `name`; `since` says what that flag leaves."""

    def add_arguments(command: argparse.ArgumentParser) -> None:
        add_filter(command)
        help_since = f"{since}: 2h, 7d, or 2026-11-21T08:00:00Z"
        command.add_argument("--since", metavar="TIME", help=help_since)
        help_limit = "rows at most; default: 100, --json and --csv all"
        command.add_argument("--limit", type=int, metavar="N", help=help_limit)
        add_api_client(command)
        command.set_defaults(list=name)

    return Command(position, text, "exporter.commands.lists:show_list", add_arguments)
