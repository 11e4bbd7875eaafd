"""The command `demo`."""

import argparse

from exporter.commands.arguments._flags import add_config_file
from exporter.commands.command import Command


def _add_arguments(demo: argparse.ArgumentParser) -> None:
    add_config_file(demo, "default: one that comes with the demo")
    text = (
        "URL of a database for the store; default: a PostgreSQL of its own where one is installed, or a file"
    )
    demo.add_argument("--store", metavar="URL", default="", help=text)
    demo.add_argument("--once", action="store_true", help="end when the first notification has arrived")


COMMAND = Command(
    70, "the whole product against simulated vendors", "exporter.commands.demo:demo", _add_arguments
)
