"""The parser of the whole command line, built from what each command says of itself."""

import argparse
import importlib
from collections.abc import Callable

from exporter import __version__
from exporter.commands.arguments import commands
from exporter.commands.command import Command
from exporter.commands.usage import Parser

DEFAULT_COMMAND = "run"
"""What words without a command mean."""


def build_parser(*, whole: bool = True) -> Parser:
    """Return the parser of every command; `command` and `function` of its result say which one is meant.

    Without `whole` it knows no arguments of commands, which the help of all of them does not show.
    """
    top = Parser(
        prog="integration-exporter",
        description="Prometheus exporter for the third-party integrations of a SaaS platform.",
        epilog="Without a command the exporter runs: integration-exporter --config.file my.yml. "
        "Each command has its own flags: integration-exporter run --help.",
    )
    top.add_argument("--version", action="version", version=f"integration-exporter {__version__}")
    # With `prog`, which argparse would make by formatting the usage.
    parsers = top.add_subparsers(
        title="commands", required=True, metavar="COMMAND", dest="command", prog=top.prog
    )
    for name, command in commands().items():
        parser = parsers.add_parser(name, help=command.help, description=_sentence(command), add_help=whole)
        # A name and no function: importing all of them would make --help wait for every library.
        parser.set_defaults(function=command.function)
        if whole:
            command.add_arguments(parser)
    return top


def import_function(name: str) -> Callable[[argparse.Namespace], int]:
    """Return the function that a command names, such as `exporter.commands.check:check`."""
    module, _, attribute = name.partition(":")
    function: Callable[[argparse.Namespace], int] = getattr(importlib.import_module(module), attribute)
    return function


def _sentence(command: Command) -> str:
    return f"{command.help[0].upper()}{command.help[1:]}."
