"""The command `healthcheck`."""

import argparse

from exporter.commands.arguments._flags import URL_DEFAULT
from exporter.commands.command import Command


def _add_arguments(healthcheck: argparse.ArgumentParser) -> None:
    text = f"the exporter, or with a path any page that answers 200; {URL_DEFAULT}"
    healthcheck.add_argument("url", nargs="?", metavar="URL", help=text)


COMMAND = Command(
    140,
    "readiness of a running exporter, as an exit code",
    "exporter.commands.healthcheck:healthcheck",
    _add_arguments,
)
