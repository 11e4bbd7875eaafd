"""The command `stats`."""

import argparse

from exporter.commands.arguments._flags import add_api_client, add_filter
from exporter.commands.command import Command
from exporter.core.defaults import STATS_SUBJECTS, STATS_WINDOW, STATS_WINDOWS


def _add_arguments(stats: argparse.ArgumentParser) -> None:
    add_filter(stats)
    text = "default: %(default)s"
    stats.add_argument("--window", default=STATS_WINDOW, choices=tuple(STATS_WINDOWS), help=text)
    stats.add_argument("--by", default="integration", choices=tuple(STATS_SUBJECTS), help=text)
    add_api_client(stats)


COMMAND = Command(
    110,
    "uptime, latency, errors in a window and in the one before",
    "exporter.commands.stats:stats",
    _add_arguments,
)
