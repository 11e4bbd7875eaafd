"""Every goal in one run, as the table of docs/performance.md.

    python -m benchmarks.table [--quick] [--only P1 P8 ...]

It takes about 15 minutes; the machine should have nothing else to do. `--quick` tries every part at a tiny
size, which tells nothing of speed.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable

from benchmarks import capacity, exposition, growth, memory, pipeline, start
from benchmarks.row import HEAD, Row

PARTS: dict[str, Callable[[bool], list[Row]]] = {
    "P1": pipeline.rows,
    "P2": capacity.rows,
    "P3": exposition.rows,
    "P4": memory.rows,
    "P8": start.rows,
    "P9": growth.rows,
}


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    began = time.monotonic()
    rows = []
    for name in options.only:
        print(f"{name} ...", flush=True)
        rows += PARTS[name](options.quick)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{HEAD}", *(row.markdown() for row in rows), sep="\n")
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, load {load}", end=", ")
    print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
