"""A bar for work that a running exporter does, and what polls for its progress."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from exporter.commands.api_client import ApiClient

POLL_INTERVAL = 0.3
"""Seconds between two requests for the progress."""


class ProgressBar(Protocol):
    """Shows how much is done."""

    def move(self, done: int) -> None:
        """Show that `done` of the total are done."""


def follow_job(exporter: ApiClient, path: str, job: dict[str, Any], word: str) -> dict[str, Any]:
    """Poll `path`/ID until the job is done, with a bar on a terminal; return the job as it is then."""
    while job["state"] == "running" and not job["total"]:  # it is still being counted
        job = _ask(exporter, path, job)
    with progress_bar(job["total"], word) as bar:
        while job["state"] == "running":
            bar.move(job["done"])
            job = _ask(exporter, path, job)
        bar.move(job["done"])
    return job


def _ask(exporter: ApiClient, path: str, job: dict[str, Any]) -> dict[str, Any]:
    time.sleep(POLL_INTERVAL)
    found: dict[str, Any] = exporter.get(f"{path}/{job['id']}")
    return found


class _NoBar:
    def move(self, done: int) -> None:
        del done


@contextmanager
def progress_bar(total: int, word: str) -> Iterator[ProgressBar]:
    """Show a bar on a terminal while the block runs; `word` says what is done."""
    if not sys.stderr.isatty() or not total:
        yield _NoBar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(word), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total)

        class Moving:
            def move(self, done: int) -> None:
                progress.update(task, completed=done)

        yield Moving()
