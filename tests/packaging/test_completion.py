"""Real shells complete real words with what `completion` prints."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exporter.commands.arguments.completion import SHELLS
from exporter.commands.parser import build_parser

START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
LOAD = {"bash": "source {}", "zsh": 'autoload -U compinit; compinit -u -D; eval "$(cat {})"'}
LIMIT = 60.0


def script(shell: str, folder: Path) -> Path:
    path = folder / f"completion.{shell}"
    command = [sys.executable, "-m", "exporter", "completion", shell]
    path.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return path


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")


class Terminal:
    """A shell at a terminal: what is typed goes in, what a person would see comes out."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.shown = ""
        self.child, self.end = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.environ.update(TERM="dumb", PS1="> ", HOME=str(folder), INPUTRC="/dev/null")
            os.execvp(command[0], command)  # it never returns

    def type(self, text: str) -> None:
        os.write(self.end, text.encode())

    def until(self, wanted: str) -> None:
        """Read on until `wanted` was shown; the test fails when it does not come in time."""
        limit = time.monotonic() + LIMIT
        while wanted not in self.shown:
            ready, _, _ = select.select([self.end], [], [], max(0.0, limit - time.monotonic()))
            assert ready, f"{wanted!r} did not come, but: {self.shown!r}"
            self.shown += os.read(self.end, 65_536).decode(errors="replace")
        self.shown = self.shown.partition(wanted)[2]

    def close(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.end)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the child of fork only executes
@pytest.mark.parametrize("shell", START)
def test_a_tab_completes_commands_flags_values_and_files(shell: str, tmp_path: Path) -> None:
    needs(shell)
    loaded = script(shell, tmp_path)
    for name in ("my-file.yml", "your-file.yml"):
        (tmp_path / name).write_text("")
    terminal = Terminal(START[shell], tmp_path)
    try:
        terminal.type(f"{LOAD[shell].format(loaded)}; echo load'ed'\n")
        terminal.until("loaded")
        terminal.until("> ")  # only now the shell itself reads what is typed
        for typed, wanted in (
            ("integration-exporter gener\t", "integration-exporter generate"),
            ("integration-exporter generate --secr\t", "--secrets.dir"),
            ("integration-exporter --config.poll\t", "--config.poll-interval"),
            ("integration-exporter run --log.format js\t", "--log.format json"),
            ("integration-exporter check --config.file my-\t", "my-file.yml"),
            ("integration-exporter --config.file your-\t", "your-file.yml"),
            ("integration-exporter completion fi\t", "completion fish"),
        ):
            terminal.type(typed)
            terminal.until(wanted)
            terminal.type("\x15")  # rub the line out
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("integration-exporter gener", "generate"),
        ("integration-exporter generate --secr", "--secrets.dir"),
        ("integration-exporter --config.poll", "--config.poll-interval"),
        ("integration-exporter run --log.format js", "json"),
        ("integration-exporter completion ba", "bash"),
    ],
)
def test_fish_completes_commands_flags_and_values(typed: str, wanted: str, tmp_path: Path) -> None:
    needs("fish")
    asked = f"source {script('fish', tmp_path)}; complete -C '{typed}'"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    found = subprocess.run(
        ["fish", "--no-config", "-c", asked], capture_output=True, text=True, env=environment, timeout=LIMIT
    )
    assert wanted in found.stdout, found.stderr


def test_every_command_is_named_in_the_script_of_every_shell(tmp_path: Path) -> None:
    for shell in SHELLS:
        text = script(shell, tmp_path).read_text()
        assert all(command in text for command in build_parser().commands)
