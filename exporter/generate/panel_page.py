"""The page on every panel of every dashboard: what it shows, in which unit, and which thresholds it draws."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exporter.generate import paths
from exporter.generate.dashboards import Dashboard, panels_of, text_of
from exporter.generate.document import as_markdown, table

PATH = f"{paths.REFERENCE}/panels.md"
_THRESHOLD = re.compile(r"integration_threshold_[a-z0-9_]+")
_HEAD = ("Panel", "Shows", "Unit", "Dashed lines", "From")


def panel_page(boards: Iterable[Dashboard]) -> str:
    """Return the page, a table for each of `boards`."""
    parts = (part for board in boards for part in _part(json.loads(text_of(board))))
    return as_markdown(
        "# Panels of the dashboards",
        "What each panel of the [dashboards](../dashboards.md) shows, as its description says. The tests ask "
        "every query of all of them, of a real Prometheus and a real PostgreSQL that hold a made-up "
        "platform, and each returns data. Dashed lines are the thresholds in force, by their key in "
        "`thresholds`.",
        *parts,
    )


def lines_of(panel: Mapping[str, Any]) -> list[str]:
    """Return the series of thresholds that `panel` draws."""
    graph = panel["type"] == "timeseries"
    asked = " ".join(target.get("expr", "") for target in panel["targets"]) if graph else ""
    return sorted(set(_THRESHOLD.findall(asked)))


def _part(board: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {board['title'].removeprefix('Integrations / ')}"
    yield f"`/d/{board['uid']}`: {board['description']}"
    rows = [_row(panel) for panel in panels_of(board) if panel["type"] != "row"]
    yield table(_HEAD, rows)


def _row(panel: Mapping[str, Any]) -> tuple[str, ...]:
    lines = (name.removeprefix("integration_threshold_") for name in lines_of(panel))
    store = any("rawSql" in target for target in panel["targets"])
    return (
        panel["title"],
        panel["description"],
        f"`{panel['fieldConfig']['defaults']['unit']}`",
        ", ".join(f"`{name}`" for name in lines),
        "the store" if store else "Prometheus",
    )
