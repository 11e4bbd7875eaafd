"""Parses the words of a command line: flags before the command too; suggests what a wrong word meant."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

INFORMATION_FLAGS = ("-h", "--help", "--version")
"""Flags that need no command."""

_USUAL = 80


class _HelpFormatter(argparse.HelpFormatter):
    """Leaves room for the longest command next to its help."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=_columns() - 2)

    def add_arguments(self, actions: Iterable[argparse.Action]) -> None:
        """Count the indent of commands, which argparse forgets."""
        actions = list(actions)
        super().add_arguments(actions)
        if any(isinstance(one, argparse._SubParsersAction) for one in actions):
            self._action_max_length += 2


def _columns() -> int:
    """Return the width of the terminal as shutil does, whose import is a tenth of the time of --help."""
    with contextlib.suppress(ValueError):
        if (given := int(os.environ.get("COLUMNS") or 0)) > 0:
            return given
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL
    except (AttributeError, ValueError, OSError):  # no terminal, or none that says so
        return _USUAL


class Parser(argparse.ArgumentParser):
    """A parser that takes whole flags only: `--config` is not a short form of `--config.file`.

    Short forms break with each flag that is added, and their error names no remedy.
    """

    def __init__(self, *args: object, **more: object) -> None:
        """Take what argparse takes."""
        own = {"allow_abbrev": False, "formatter_class": _HelpFormatter}
        super().__init__(*args, **{**own, **more})  # type: ignore[arg-type]  # passed on as given

    @property
    def commands(self) -> Mapping[str, argparse.ArgumentParser]:
        """The parsers of its commands by name, none where it has no commands."""
        # argparse has no public way to list them.
        found = [one for one in self._actions if isinstance(one, argparse._SubParsersAction)]
        return found[0].choices if found else {}


def parse(parser: Parser, words: Sequence[str], default: str) -> argparse.Namespace:
    """Return the options in `words`; without a command they are those of `default`.

    Flags may come before the command. Wrong words end the process with exit code 2 and a suggestion.
    """
    words = _command_first(parser, list(words), default)
    options, unknown = parser.parse_known_args(words)
    if unknown:
        _refuse(parser, words, unknown[0])
    return options


def _command_first(parser: Parser, words: list[str], default: str) -> list[str]:
    """Move the command to the front; `default` goes there where no word is a command."""
    if words and words[0] in (*INFORMATION_FLAGS, *parser.commands):
        return words
    # A value in front of the command looks like a command; so flags of every command are known here.
    actions = [action for one in parser.commands.values() for action in one._actions]
    flags = {flag: action.nargs != 0 for action in actions for flag in action.option_strings}
    index = 0
    while index < len(words) and words[index].startswith("-"):
        if (flag := words[index].partition("=")[0]) not in flags:
            _refuse(parser, [default], flag)
        index += 2 if flags.get(words[index]) else 1  # the value of some flags is a word of its own
    if index >= len(words):
        return [default, *words]
    if words[index] not in parser.commands:
        close = _suggest(words[index], parser.commands)
        parser.error(f"there is no command {words[index]!r}{close or '; see integration-exporter --help'}")
    return [words[index], *words[:index], *words[index + 1 :]]


def _refuse(parser: Parser, words: Sequence[str], word: str) -> NoReturn:
    """Exit because the command in `words` does not take `word`; suggest what was meant."""
    own: argparse.ArgumentParser = parser
    for one in words:
        if isinstance(own, Parser) and one in own.commands:
            own = own.commands[one]
    flag = word.partition("=")[0]
    if not word.startswith("-"):
        own.error(f"it takes no {word!r}{_suggest(word, parser.commands)}")
    close = _suggest(flag, [one for one in own._option_string_actions if one.startswith("--")])
    others = [name for name, other in parser.commands.items() if flag in other._option_string_actions]
    if others and not close:
        close = f"; {' and '.join(others[:3])} {'have' if len(others) > 1 else 'has'} it"
    own.error(f"there is no flag {flag}{close or f'; see {own.prog} --help'}")


def _suggest(word: str, known: Iterable[str]) -> str:
    """Return a question with the closest words, "" where none is close."""
    import difflib  # a tenth of the time of --help, which suggests nothing

    known = sorted(known)
    longer = [one for one in known if len(word) > 2 and one.startswith(word)]
    found = longer or difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return f"; did you mean {' or '.join(found)}?" if found else ""
