"""The command `check`."""

import argparse

from exporter.commands.arguments._flags import add_config_file, add_shard
from exporter.commands.command import Command


def _add_arguments(check: argparse.ArgumentParser) -> None:
    check.add_argument(
        "part",
        nargs="?",
        choices=("rules",),
        help="rules: rather have promtool and amtool judge the rules and routes, shipped ones and your own",
    )
    check.add_argument(
        "--strict", action="store_true", help="with rules: a tool that is not installed is a failure"
    )
    add_config_file(check)
    add_shard(check)


COMMAND = Command(
    30,
    "every mistake of the configuration, or of its rules",
    "exporter.commands.check:check",
    _add_arguments,
)
