"""The command `probe`."""

import argparse

from exporter.commands.arguments._flags import add_config_file
from exporter.commands.command import Command


def _add_arguments(probe: argparse.ArgumentParser) -> None:
    add_config_file(probe)
    probe.add_argument("name", metavar="NAME", help="name of the integration")
    probe.add_argument("--tenant", default="", help="id of the tenant")
    probe.add_argument("-v", "--verbose", action="store_true", help="print the log of the run")


COMMAND = Command(
    40,
    "one integration, probed once: its log, samples and times",
    "exporter.commands.probe:probe",
    _add_arguments,
)
