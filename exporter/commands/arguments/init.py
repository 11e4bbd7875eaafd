"""The command `init`."""

import argparse

from exporter.commands.command import Command
from exporter.core.defaults import CONFIG_FILE


def _add_arguments(init: argparse.ArgumentParser) -> None:
    add = init.add_argument
    text = "a provider that you use, with its URL or host:port where it has one; may be repeated"
    add("--provider", action="append", metavar="NAME[=VALUE]", help=text)
    # Quoted in the help, because a shell would put the variable's value there.
    text = "an option of it; a secret as a path or as '${NAME}'; may be repeated"
    add("--set", action="append", metavar="PROVIDER.OPTION=VALUE", help=text)
    add("--yes", action="store_true", help="ask nothing and take what is usual")
    add("--out", default=CONFIG_FILE, metavar="PATH", help="default: %(default)s; never overwritten")


COMMAND = Command(
    20, "a first configuration, from what you use", "exporter.commands.init.command:init", _add_arguments
)
