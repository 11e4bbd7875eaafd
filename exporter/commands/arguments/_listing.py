"""What the commands take that list rows of a running exporter."""

import argparse

from exporter.commands.arguments._flags import add_api_client, add_filter
from exporter.commands.command import Command


def listing(position: int, name: str | None, text: str, since: str, function: str = "show_list") -> Command:
    """Return the command that prints the list `name`, or the one its first word names where that is None.

    `since` says what that flag leaves, `function` of commands/lists.py prints it.
    """

    def add_arguments(command: argparse.ArgumentParser) -> None:
        if name is None:
            help_name = "which list; without it: the names of all"
            command.add_argument("list", nargs="?", metavar="NAME", help=help_name)
        add_filter(command)
        help_since = f"{since}: 2h, 7d, or 2026-11-21T08:00:00Z"
        command.add_argument("--since", metavar="TIME", help=help_since)
        help_limit = "rows at most; default: 100, --json and --csv all"
        command.add_argument("--limit", type=int, metavar="N", help=help_limit)
        add_api_client(command)
        # As if NAME had been given: one function prints every list.
        if name is not None:
            command.set_defaults(list=name)

    return Command(position, text, f"exporter.commands.lists:{function}", add_arguments)
