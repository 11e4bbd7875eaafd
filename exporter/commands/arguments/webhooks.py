"""The command `webhooks` and its actions."""

import argparse

from exporter.commands.arguments._flags import add_api_client, positive
from exporter.commands.command import Command

STATES = ("waiting", "delivered", "dead")


def _add_arguments(webhooks: argparse.ArgumentParser) -> None:
    actions = webhooks.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    table = actions.add_parser("list", help="list deliveries, newest first")
    dead = actions.add_parser("dead", help="list deliveries that were given up, newest first")
    dead.set_defaults(state="dead")
    show = actions.add_parser("show", help="show a delivery with every attempt")
    show.add_argument("id", metavar="ID", help="as `webhooks list` prints it")
    retry = actions.add_parser("retry", help="try deliveries again now: by id, by filter, or all")
    retry.add_argument("ids", nargs="*", metavar="ID", help="as `webhooks list` prints them")
    retry.add_argument("--all", action="store_true", help="every delivery that is dead")
    ping = actions.add_parser("ping", help="send a test delivery to an endpoint")
    ping.add_argument("name", metavar="NAME", help="the endpoint")
    endpoints = actions.add_parser("endpoints", help="list endpoints, and how they answer")
    endpoints.add_argument("--tenant", metavar="ID", help="only this tenant")
    endpoints.add_argument("--state", metavar="STATE", help="only endpoints in this state, such as disabled")
    sources = actions.add_parser("sources", help="list who sends webhooks here")
    for action in (table, dead, retry):
        _add_filter(action)
    table.add_argument("--state", choices=STATES, help="only deliveries in this state")
    for action in (table, dead):
        action.add_argument("--since", metavar="TIME", help="such as 2h, 7d, or 2026-11-21T08:00:00Z")
    for action in (table, dead, endpoints):
        text = "rows at most; default: 100, --json and --csv all"
        action.add_argument("--limit", type=positive, metavar="N", help=text)
    for action in (table, dead, show, retry, ping, endpoints, sources):
        add_api_client(action)


def _add_filter(action: argparse.ArgumentParser) -> None:
    action.add_argument("--endpoint", metavar="NAME", help="only this endpoint")
    action.add_argument("--tenant", metavar="ID", help="only this tenant")
    action.add_argument("--type", metavar="TYPE", help="only events of this type, such as order.created")
    action.add_argument("--reason", metavar="REASON", help="only those whose last attempt failed so")


COMMAND = Command(
    125,
    "webhooks of a running exporter: list, retry, ping, endpoints",
    "exporter.commands.webhooks:webhooks",
    _add_arguments,
)
