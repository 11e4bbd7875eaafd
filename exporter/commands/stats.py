"""`stats`: uptime, latency and errors over a window, compared with the window before."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from exporter.commands.api_client import build_client
from exporter.commands.output import percent, print_rows, short_time
from exporter.core.defaults import STATS_SUBJECTS
from exporter.core.listing import OutputColumn

_COMPARED = (("uptime", "UPTIME"), ("error_ratio", "ERRORS"), ("p50_seconds", "P50"), ("p95_seconds", "P95"))
_RATIOS = ("uptime", "error_ratio")
_NONE = (
    "no checks are counted in the last {} yet: those of the last five minutes may be missing; "
    "`integration-exporter tenants` and the page show the present"
)


def stats(options: argparse.Namespace) -> int:
    """Print a row for each target, integration or tenant, the worst first; return 0."""
    query = {
        "window": options.window,
        "by": options.by,
        "integration": options.integration,
        "tenant": options.tenant,
    }
    rows = build_client(options).rows("/api/v1/stats", query)
    subject = [OutputColumn(name, name.upper(), keep=True) for name in STATS_SUBJECTS[options.by]]
    machine = options.json or options.csv
    measured = [OutputColumn("runs", "CHECKS", number=True), *_columns(percent=not machine)]
    found = rows if options.json else (_flat(row, readable=not machine) for row in rows)
    print_rows(found, [*subject, *measured], options, _NONE.format(options.window))
    return 0


def _columns(*, percent: bool) -> Iterator[OutputColumn]:
    for key, heading in _COMPARED:
        yield OutputColumn(key, heading, number=True)
        yield OutputColumn(f"before_{key}", "BEFORE" if percent else f"BEFORE {heading}", number=True)


def _flat(row: Mapping[str, Any], *, readable: bool) -> dict[str, Any]:
    """Return the row with the figures of the window before as columns; `readable` ones have units."""
    flat = {key: value for key, value in row.items() if key != "before"}
    before = row.get("before") or {}
    for key, _ in _COMPARED:
        flat[f"before_{key}"] = before.get(key)
    if readable:
        for name in [name for key, _ in _COMPARED for name in (key, f"before_{key}")]:
            text = percent if name.removeprefix("before_") in _RATIOS else short_time
            flat[name] = text(flat.get(name))
    return flat
