"""What the command line knows of a command before it imports what runs it."""

import argparse
from collections.abc import Callable
from typing import NamedTuple


def _add_nothing(_command: argparse.ArgumentParser) -> None:
    """Add no argument."""


class Command(NamedTuple):
    """One command; its name is that of its file.

    `position` orders the commands of --help, lowest first. `help` is its line there, without a full stop.
    `function` is the dotted name of what runs it: it takes the parsed options and returns the exit code.
    """

    position: int
    help: str
    function: str
    add_arguments: Callable[[argparse.ArgumentParser], None] = _add_nothing
