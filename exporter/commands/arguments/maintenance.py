"""The command `maintenance` and its actions."""

import argparse

from exporter.commands.arguments._flags import add_api_client
from exporter.commands.command import Command


def _add_arguments(maintenance: argparse.ArgumentParser) -> None:
    actions = maintenance.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    table = actions.add_parser("list", help="list windows with what they silence and when, by name")
    add = actions.add_parser("add", help="make a window that is open once")
    add.add_argument("name", metavar="NAME", help="its name, unique among all windows")
    for flag, metavar, what in (
        ("--integration", "NAME", "an integration that is worked on"),
        ("--provider", "NAME", "a provider whose integrations are all meant"),
        ("--tenant", "ID", "a tenant"),
        ("--alert", "NAME", "an alert"),
        ("--severity", "SEVERITY", "a severity"),
    ):
        text = f"{what}; may be given several times"
        add.add_argument(flag, action="append", default=[], metavar=metavar, help=text)
    add.add_argument("--start", metavar="TIME", help="such as 2026-12-01T22:00:00+01:00; default: now")
    length = add.add_mutually_exclusive_group(required=True)
    length.add_argument("--end", metavar="TIME", help="when it closes")
    length.add_argument("--for", dest="length", metavar="DURATION", help="how long it is open, such as 2h")
    add.add_argument("--comment", default="", metavar="TEXT", help="why, for whoever finds the silence")
    remove = actions.add_parser("remove", help="remove a window that was made by API")
    remove.add_argument("name", metavar="NAME", help="as `maintenance list` prints it")
    for action in (table, add, remove):
        add_api_client(action)


COMMAND = Command(
    98,
    "maintenance windows of a running exporter: list, add, remove",
    "exporter.commands.maintenance:maintenance",
    _add_arguments,
)
