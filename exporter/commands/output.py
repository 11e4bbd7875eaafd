"""Prints rows: a table on a terminal, JSON or CSV for programs."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from exporter.core.listing import OutputColumn
from exporter.server.export import csv_line

PLAIN_WIDTH = 1000
"""Characters in a line of a table outside a terminal, so that nothing is cut for a pipe."""


def print_rows(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[OutputColumn],
    options: argparse.Namespace,
    empty: str,
) -> int:
    """Print `rows` as `options` ask and return how many there were; `empty` is for no row, on stderr.

    `--json` prints each whole row as one line of JSON, `--csv` a heading and the columns.
    """
    if options.json or options.csv:
        return _print_lines(_json_lines(rows) if options.json else _csv_lines(rows, columns))
    found = list(rows)
    if not found:
        print(empty, file=sys.stderr)
    else:
        _print_table(found, columns)
    return len(found)


def cell(value: Any) -> str:
    """Return a value as a person reads it: nothing for None, no control characters for a terminal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {cell(one)}" for name, one in value.items())
    # Texts come from vendors: an escape sequence could rewrite the screen.
    return "".join(sign if sign.isprintable() else " " for sign in str(value))


def percent(value: float | None) -> str:
    """Return a ratio as a person reads it, "-" for None."""
    return "-" if value is None else f"{value * 100:.2f} %"


def short_time(value: float | None) -> str:
    """Return some seconds as a person reads them, "-" for None."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) for row in rows)


def _csv_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[OutputColumn]) -> Iterator[str]:
    keys = [column.key for column in columns]
    yield csv_line(keys)
    for row in rows:
        yield csv_line(row.get(key) for key in keys)


def _print_lines(lines: Iterable[str]) -> int:
    """Print each line as it comes and return how many; the reader may stop early, as `head` does."""
    count = 0
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
            count += 1
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return count


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[OutputColumn]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    # Colours and cut columns are for eyes; a pipe gets whole lines without them.
    console = Console() if terminal else Console(width=PLAIN_WIDTH, no_color=True)
    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=terminal)
    for column in columns:
        table.add_column(
            column.heading,
            justify="right" if column.number else "left",
            no_wrap=column.keep,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell(row.get(column.key))) for column in columns))
    console.print(table)
