"""Every goal in one run, as the table of docs/performance.md.

    python -m benchmarks.table [--quick] [--only P1 P8 ...]

It takes about 15 minutes; the machine should have nothing else to do. A part that fails costs the rows that
it had not measured yet: the table says so, and the exit code is 1. `--quick` tries every part at a tiny
size, which tells nothing of speed.
"""

import argparse
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from benchmarks import (
    capacity,
    client_cost,
    dashboards,
    events,
    exposition,
    growth,
    memory,
    outbox,
    page,
    peers,
    pipeline,
    ratelimits,
    reload,
    rules,
    sites,
    start,
    streams,
    webhooks,
)
from benchmarks.row import HEAD, Row

Part = Callable[[bool], Iterable[Row]]


def _after_another(*parts: Part) -> Part:
    """Return one part of several: the rows of each come as soon as it is measured."""
    return lambda quick: chain.from_iterable(part(quick) for part in parts)


PARTS: dict[str, Part] = {
    "P1": pipeline.rows,
    "P1b": peers.rows,
    "P1c": sites.rows,
    "P2": capacity.rows,
    "P3": exposition.rows,
    "P4": memory.rows,
    "P5": events.rows,
    "P6": webhooks.rows,
    "P7": rules.rows,
    "P8": start.rows,
    "P9": _after_another(growth.rows, outbox.rows),
    "P10": dashboards.rows,
    "P11": _after_another(streams.rows, page.rows),
    "limits": ratelimits.rows,
    "P12": client_cost.rows,
    "P13": reload.rows,
}


def measured(parts: Sequence[str], quick: bool) -> tuple[list[Row], list[str]]:
    """Return the rows of `parts` and the names of those that failed, telling on the way how far it is."""
    rows: list[Row] = []
    failed: list[str] = []
    for place, name in enumerate(parts, start=1):
        print(f"{name} ({place} of {len(parts)}) ...", flush=True)
        began = time.monotonic()
        try:
            rows += PARTS[name](quick)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the other parts are still worth their time
            failed.append(name)
            rows.append(
                Row(name, f"did not end: {_line(error)}", "", "", False, "python -m benchmarks.table")
            )
            traceback.print_exc()
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return rows, failed


def _line(error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__} {error}".split())
    return text.replace("|", "/")[:120]


def main() -> int:
    """Read the command line, measure, print; return 1 if a part failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    began = time.monotonic()
    rows, failed = measured(options.only, options.quick)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{HEAD}", *(row.markdown() for row in rows), sep="\n")
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, load {load}", end=", ")
    print(f"{time.monotonic() - began:.0f} s in all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
