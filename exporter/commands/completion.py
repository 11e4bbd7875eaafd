"""`completion`: prints the script by which a shell completes the words of this command."""

import argparse
from collections.abc import Iterator

import shtab

from exporter.commands.arguments import run
from exporter.commands.parser import build_parser

BY_METAVAR = {"PATH": shtab.FILE, "DIR": shtab.DIRECTORY}
"""How the value of a flag is completed, by its name in the help."""


def completion(options: argparse.Namespace) -> int:
    """Print the script that completes the words of every command in `options.shell`."""
    parser = build_parser()
    run.add_arguments(parser)  # its flags work without the command, too
    for action in _actions(parser):
        if isinstance(action.metavar, str) and action.metavar in BY_METAVAR:
            action.complete = BY_METAVAR[action.metavar]  # type: ignore[attr-defined]  # how shtab takes it
    print(shtab.complete(parser, options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield every argument of `parser` and of its commands."""
    for action in parser._actions:  # argparse has no public way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
