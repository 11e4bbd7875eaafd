"""The command `completion`."""

import argparse

from exporter.commands.command import Command

SHELLS = ("bash", "zsh", "fish")


def _add_arguments(completion: argparse.ArgumentParser) -> None:
    completion.add_argument("shell", choices=SHELLS)


COMMAND = Command(
    160, "words that your shell completes", "exporter.commands.completion:completion", _add_arguments
)
