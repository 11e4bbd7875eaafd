"""Prints findings one by one for a person, or all together for a program."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from exporter.commands.doctor.finding import Finding, FindingState
from exporter.commands.output import print_rows
from exporter.config.redactor import Redactor
from exporter.core.listing import OutputColumn

COLUMNS = (
    OutputColumn("area", "AREA", keep=True),
    OutputColumn("state", "STATE", keep=True),
    OutputColumn("what", "WHAT"),
    OutputColumn("remedy", "WHAT TO DO"),
)
_COLOURS = {FindingState.OK: "green", FindingState.NOTE: "yellow", FindingState.PROBLEM: "bold red"}
_SIGNS = {FindingState.OK: "ok", FindingState.NOTE: "note", FindingState.PROBLEM: "PROBLEM"}

ProgressCallback = Callable[[int, int, str], None]
"""Takes how many are done, of how many, and the name of the last one."""


class Report:
    """Collects findings and prints them; `redact` names credentials that no line may show."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Start without findings; `options` say whether a person or a program reads."""
        self._options = options
        self._machine = bool(options.json or options.csv)
        self._terminal = sys.stdout.isatty()
        self._area = ""
        self._redact: Callable[[str], str] = str
        self.findings: list[Finding] = []

    def redact(self, secrets: Iterable[str]) -> None:
        """Redact these from now on."""
        self._redact = Redactor(secrets).clean

    def add(self, findings: Iterable[Finding]) -> None:
        """Add findings, and print each at once for a person."""
        # Redaction comes last, over whole sentences: errors of libraries quote URLs with passwords.
        for raw in findings:
            finding = Finding(raw.area, raw.state, self._redact(raw.what), self._redact(raw.remedy))
            self.findings.append(finding)
            if not self._machine:
                with _allow_closed_pipe():
                    self._print(finding)

    def finish(self) -> int:
        """Print the summary, or all rows for a program; return 0 when there was no problem, else 1."""
        count = {state: sum(one.state is state for one in self.findings) for state in FindingState}
        if self._machine:
            print_rows((finding.row() for finding in self.findings), COLUMNS, self._options, "")
        else:
            problems, notes = (
                _count(count[state], state) for state in (FindingState.PROBLEM, FindingState.NOTE)
            )
            with _allow_closed_pipe():
                summary = f"\n{problems}, {notes}, {count[FindingState.OK]} ok"
                print(summary if self._terminal else f"{problems}, {notes}", flush=True)
        return 1 if count[FindingState.PROBLEM] else 0

    @contextmanager
    def progress(self, title: str) -> Iterator[ProgressCallback]:
        """Show a bar on the terminal while something takes its time; nothing where there is no terminal."""
        if not sys.stderr.isatty():
            yield lambda _done, _all, _what: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(title, total=None)

            def update(done: int, whole: int, what: str) -> None:
                progress.update(task, completed=done, total=whole, description=f"{title} {what}"[:60])

            yield update

    def _print(self, finding: Finding) -> None:
        if not self._terminal:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            print(f"{finding.state}: {finding.area}: {finding.what}{remedy}", flush=True)
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console(highlight=False)
        if finding.area != self._area:
            self._area = finding.area
            console.print(Text(f"\n{finding.area}", style="bold"))
        lines = Table.grid(padding=(0, 1, 0, 0))
        lines.add_column(width=9, justify="right")
        lines.add_column(overflow="fold")
        sign = Text(_SIGNS[finding.state], style=_COLOURS[finding.state])
        lines.add_row(sign, Text(finding.what))
        if finding.remedy:
            lines.add_row("→", Text(finding.remedy, style="cyan"))
        console.print(lines)


@contextmanager
def _allow_closed_pipe() -> Iterator[None]:
    """Let the reader stop early, as `head` does: the other checks still run, for the exit code."""
    try:
        yield
    except BrokenPipeError:
        # The interpreter flushes the stream once more at exit, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
