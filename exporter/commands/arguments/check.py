"""The command `check`."""

import argparse

from exporter.commands.arguments._flags import add_config_file, add_shard
from exporter.commands.command import Command


def _add_arguments(check: argparse.ArgumentParser) -> None:
    add_config_file(check)
    add_shard(check)


COMMAND = Command(
    30,
    "every mistake of the configuration; nothing is started",
    "exporter.commands.check:check",
    _add_arguments,
)
