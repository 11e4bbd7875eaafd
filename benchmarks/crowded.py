"""A Prometheus that knows the last six hours of ten thousand tenants."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.block import Moments, write_block
from benchmarks.dashboard_series import Crowd, series_of
from benchmarks.programs import Program, prometheus
from benchmarks.questions import EVERY, HOURS
from tests.servers.ports import free_port


@dataclass(frozen=True)
class CrowdedPrometheus:
    """A Prometheus that knows a crowd: where it is, and the time of its last samples."""

    program: Program
    address: str
    now: float


@contextmanager
def crowded(
    expressions: list[str], tenants: int, providers: tuple[str, ...], program: str = ""
) -> Iterator[CrowdedPrometheus]:
    """Run a Prometheus that knows so many tenants, and of them every series that `expressions` read."""
    step, count = EVERY * 1000, HOURS * 3600 // EVERY + 1
    moments = Moments((int(time.time()) - HOURS * 3600) * 1000, step, count)
    with tempfile.TemporaryDirectory(prefix="dashboards-") as name:
        folder, port = Path(name), free_port()
        began = time.monotonic()
        crowd = Crowd(tenants, providers, moments)
        series = write_block(folder / "tsdb", moments, lambda: series_of(crowd, expressions))
        print(
            f"  {series:,} series, {series * count:,} samples, written in {time.monotonic() - began:.0f} s",
            flush=True,
        )
        configuration = "global: {scrape_interval: 30s}\n"
        with prometheus(folder, port, configuration, program) as measured:
            yield CrowdedPrometheus(measured, f"http://127.0.0.1:{port}", moments.end / 1000)
