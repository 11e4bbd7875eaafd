"""The command `doctor`."""

import argparse

from exporter.commands.arguments._flags import add_api_client, add_config_file, positive
from exporter.commands.command import Command
from exporter.core.defaults import ALERTMANAGER_URL, PROMETHEUS_URL


def _add_arguments(doctor: argparse.ArgumentParser) -> None:
    add_config_file(doctor)
    add = doctor.add_argument
    add("--offline", action="store_true", help="ask neither vendors nor channels")
    text = "send a marked alert of each severity to everybody, by the running exporter; takes 5 minutes"
    add("--send-test-alerts", action="store_true", help=text)
    text = "targets of each integration that are asked at most; default: %(default)s"
    add("--sample", type=positive, default=3, metavar="N", help=text)
    # No `default`: a service that was not named may be absent, and is then a note and no problem.
    for name, url in (("prometheus", PROMETHEUS_URL), ("alertmanager", ALERTMANAGER_URL)):
        text = f"default: {url}, if it answers there"
        add(f"--{name}.url", dest=f"{name}_url", metavar="URL", help=text)
        flag, text = f"--{name}.token-file", "file with a bearer token that it wants"
        add(flag, dest=f"{name}_token_file", metavar="PATH", help=text)
    add_api_client(doctor)


COMMAND = Command(
    130,
    "check environment, store, vendors and channels",
    "exporter.commands.doctor.command:doctor",
    _add_arguments,
)
