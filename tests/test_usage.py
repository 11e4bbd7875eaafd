"""Words on the command line: flags before the command, and what was probably meant by a wrong word."""

from pathlib import Path

import pytest

from exporter.cli import main
from exporter.commands.parser import build_parser

GOOD = "integrations:\n  - {name: web, provider: tcp, options: {host: 127.0.0.1, port: 9}}\n"


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the last line that wrong words are answered with."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: integration-exporter")
    return said.splitlines()[-1]


@pytest.mark.parametrize("form", ["--config.file={}", "--config.file {}"])
def test_flags_may_stand_before_the_command(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "check"  # named like a command, and yet the value of a flag
    path.write_text(GOOD)
    assert main([*form.format(path).split(), "check", "--shard.count=2"]) == 0
    assert f"{path}: no mistake" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("chek", "there is no command 'chek'; did you mean check?"),
        ("--config.file=x chek", "there is no command 'chek'; did you mean check?"),
        ("--config.check tenant", "there is no command 'tenant'; did you mean tenants?"),
        ("quux", "there is no command 'quux'; see integration-exporter --help"),
        ("run chek", "it takes no 'chek'; did you mean check?"),
        ("--confg.check", "there is no flag --confg.check; did you mean --config.check?"),
        ("errors --tenat x", "there is no flag --tenat; did you mean --tenant?"),
        ("--log.level=debug check", "there is no flag --log.level; run has it"),
        ("check --quux", "there is no flag --quux; see integration-exporter check --help"),
        ("tokens list --tenat x", "there is no flag --tenat; did you mean --tenant?"),
    ],
)
def test_a_wrong_word_is_answered_with_what_was_meant(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, *words.split()).endswith(f"error: {said}")


def test_a_short_form_of_a_flag_is_refused_with_the_whole_ones(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("--config", "x"), ("--config=x", "check"), ("run", "--config", "x")):
        said = refusal(capsys, *words)
        assert "there is no flag --config; did you mean --config.check or --config.file" in said


def test_the_help_says_where_the_flags_of_run_are_and_keeps_each_command_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "integration-exporter run --help" in said
    lines = [line.split() for line in said.splitlines() if line.startswith("    ")]
    assert [line[0] for line in lines[0:]] == list(build_parser().commands)
    assert all(len(line) > 2 for line in lines)
