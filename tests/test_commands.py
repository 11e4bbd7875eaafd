"""Commands are found by their folder, and each says all of itself in one file."""

import inspect
import sys
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.commands import arguments
from exporter.commands.arguments import commands
from exporter.commands.parser import DEFAULT_COMMAND, build_parser, import_function

HELLO = """
from exporter.commands.command import Command


def _add_arguments(hello):
    hello.add_argument("--name", default="world")


def hello(options):
    print(f"hello {options.name}")
    return 3


COMMAND = Command(500, "a greeting", "exporter.commands.arguments.hello:hello", _add_arguments)
"""


@pytest.mark.parametrize("name", commands())
def test_the_function_of_each_command_takes_its_options_alone(name: str) -> None:
    function = import_function(commands()[name].function)
    assert len(inspect.signature(function).parameters) == 1
    assert inspect.signature(function).return_annotation is int


def test_no_two_commands_have_the_same_place_or_line_in_the_help() -> None:
    found = commands().values()
    assert len({command.position for command in found}) == len(found)
    assert len({command.help for command in found}) == len(found)
    assert [command.help for command in found if command.help.endswith(".")] == []


def test_without_a_command_the_exporter_runs_and_another_flag_checks_its_configuration() -> None:
    run, check = (build_parser().parse_args([DEFAULT_COMMAND, *words]) for words in ([], ["--config.check"]))
    assert (run.command, run.function) == ("run", commands()["run"].function)
    assert (check.command, check.function) == ("run", commands()["check"].function)


def test_a_file_in_the_folder_is_a_command_and_nothing_else_is_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hello.py").write_text(HELLO)
    (tmp_path / "_shared.py").write_text("raise AssertionError\n")
    monkeypatch.setattr(arguments, "__path__", [*arguments.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "exporter.commands.arguments.hello", raising=False)
    assert list(commands())[-1] == "hello"
    assert main(["hello", "--name=you"]) == 3
    assert capsys.readouterr().out == "hello you\n"
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "hello        a greeting" in capsys.readouterr().out
