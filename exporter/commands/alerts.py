"""`alerts`: what Alertmanager sent to a running exporter."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from exporter.commands.api_client import ApiClient, build_client
from exporter.commands.output import print_rows
from exporter.config import durations
from exporter.core.defaults import NOISE_SUBJECTS
from exporter.core.listing import OutputColumn
from exporter.store.listings import listings

USUAL = 100
"""Rows on a terminal, unless more are asked for."""

FILTER = ("integration", "tenant", "alert", "severity")
FIGURES = (
    OutputColumn("fired", "FIRED", number=True),
    OutputColumn("flaps", "FLAPS", number=True),
    OutputColumn("resolved", "RESOLVED", number=True),
    OutputColumn("mean_seconds_to_resolve", "MEAN", number=True),
    OutputColumn("longest_seconds_to_resolve", "LONGEST", number=True),
    OutputColumn("last_fired", "LAST FIRED", keep=True),
)


def alerts(options: argparse.Namespace) -> int:
    """Do what `options.action` names; return 0."""
    actions = {"history": _history, "noise": _noise}
    return actions[options.action](build_client(options), options)


def _history(exporter: ApiClient, options: argparse.Namespace) -> int:
    listing = listings()["notices"]
    query = _query(options, *FILTER, "state", "q", "since")
    print_rows(exporter.rows(listing.path, query), listing.table, options, listing.empty)
    return 0


def _noise(exporter: ApiClient, options: argparse.Namespace) -> int:
    rows = exporter.rows("/api/v1/alert-noise", _query(options, *FILTER, "window", "by"))
    subject = [OutputColumn(name, name.upper(), keep=True) for name in NOISE_SUBJECTS[options.by]]
    machine = options.json or options.csv
    found = rows if machine else _readable(rows)
    print_rows(found, [*subject, *FIGURES], options, f"no alert fired in the last {options.window}")
    return 0


def _readable(rows: Iterator[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows with times to resolve as durations, of whole seconds."""
    for row in rows:
        times = {
            key: value for key, value in row.items() if key.endswith("_to_resolve") and value is not None
        }
        yield row | {key: durations.text_of(round(value)) for key, value in times.items()}


def _query(options: argparse.Namespace, *names: str) -> dict[str, str | int | None]:
    # A program would not notice that rows are missing; a person sees where the table stops.
    limit = options.limit or (None if options.json or options.csv else USUAL)
    return {name: getattr(options, name) for name in names} | {"limit": limit}
