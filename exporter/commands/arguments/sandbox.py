"""The command `sandbox`."""

import argparse

from exporter.commands.command import Command
from exporter.core.defaults import SANDBOX_ADDRESS


def _add_arguments(sandbox: argparse.ArgumentParser) -> None:
    text = "host:port of the controls; the vendors take the ports behind it, two each; default: %(default)s"
    sandbox.add_argument("--listen", default=SANDBOX_ADDRESS, metavar="ADDRESS", help=text)


COMMAND = Command(
    60,
    "simulated vendors on this machine, to try things on",
    "exporter.commands.sandbox:sandbox",
    _add_arguments,
)
