"""The command `integration-exporter`. What a command needs is imported once it is chosen: --help is quick."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from exporter.commands.parser import DEFAULT_COMMAND, build_parser, import_function
from exporter.commands.usage import INFORMATION_FLAGS, parse
from exporter.core import hangup

if TYPE_CHECKING:
    from exporter.core.errors import ConfigError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 1 for a mistake of the operator's, 2 for wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None and _may_serve(words):
        hangup.hold()  # first of all: a reload that is asked for during the start must not end the process
    # Answers --help, before anything else is imported and any flag of a command is made.
    parser = build_parser(whole=not (words and words[0] in INFORMATION_FLAGS))
    options = parse(parser, words, DEFAULT_COMMAND)
    # Only a process that serves takes a SIGHUP up; any other ends when its terminal is gone.
    if options.command != DEFAULT_COMMAND:
        hangup.release()
    # Here and not above: --help and wrong words never come so far, and need none of it.
    from exporter.core.errors import ConfigError, StartError

    try:
        return import_function(options.function)(options)
    except ConfigError as error:
        _print_mistakes(error)
    except StartError as error:
        print(f"integration-exporter: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _may_serve(words: Sequence[str]) -> bool:
    """Return whether these may be words of the command that serves; flags may come before another one."""
    return not words or words[0] == DEFAULT_COMMAND or words[0].startswith("-")


def _print_mistakes(error: "ConfigError") -> None:
    for mistake in error.mistakes:
        print(mistake, file=sys.stderr)
    count = len(error.mistakes)
    text = f"{count} mistake{'s' if count > 1 else ''} in the configuration; nothing was done"
    print(text, file=sys.stderr)
