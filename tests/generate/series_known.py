"""The names of all series that code makes: what a dashboard may ask for."""

import ast
import re
from functools import cache
from pathlib import Path

import exporter
from exporter import registry
from exporter.core.monitoring_series import MONITORING_SERIES

ROOT = Path(exporter.__file__).parent
NAME = re.compile(r"integration_[a-z][a-z0-9_]*\Z")
WATCHED = re.compile(r"(?:\.watch|\._gauge|\b_family)\(\s*\"([a-z_]+)\"")
OF_PROMETHEUS = {"ALERTS", "ALERTS_FOR_STATE", "up", "scrape_duration_seconds", *MONITORING_SERIES}
OF_CLIENT = {
    *("process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"),
    *("process_open_fds", "process_max_fds"),
}
"""What prometheus_client shows of every process."""


@cache
def series_names() -> frozenset[str]:
    """Return the names of the catalogue, of what rules record, and of the process itself."""
    catalogue = {name for metric in registry.metrics() for name in metric.series_names}
    recorded = registry.catalogue().records
    return frozenset({*catalogue, *recorded, *_of_process(), *OF_PROMETHEUS, *OF_CLIENT})


def _of_process() -> set[str]:
    """Return the names that prometheus_client has: written out in the code, or as `watch` takes them."""
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        if "generate" in path.parts:
            continue
        text = path.read_text()
        if "prometheus_client" not in text and ".watch(" not in text:
            continue
        found |= {f"integration_exporter_{name}" for name in WATCHED.findall(text)}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.match(node.value):
                found |= {node.value, f"{node.value}_total", f"{node.value}_bucket", f"{node.value}_count"}
    return found
