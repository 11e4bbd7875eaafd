"""Kills the exporter while apps report durable events, and says what is lost or there twice: nothing may be.

    python -m benchmarks.killed_events [--kills 50] [--postgres]

Four apps send batches of ten without a pause, each again with the same ids until it is acknowledged. The
exporter is killed by SIGKILL after some batches and up to 30 ms, and starts again on what the disk has.
"""

import argparse
import asyncio
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.servers.event_killing import kill_often
from tests.servers.postgres import cluster


def main() -> int:
    """Read the command line and run; return 1 where something is lost or there twice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--postgres", action="store_true", help="a real PostgreSQL in place of a file")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        url = f"sqlite:///{folder}/state.db"
        if options.postgres:
            server = stack.enter_context(cluster())
            server.admin("CREATE DATABASE state OWNER app")
            url = f"postgresql://app:app-password@127.0.0.1:{server.port}/state"
        found = asyncio.run(kill_often(folder, url, options.kills))
    print(f"{found.kills} kills, {len(found.acknowledged):,} events acknowledged", end=", ")
    print(f"{found.again} bodies sent again, lost {found.lost[:5]}, twice {found.twice[:5]}")
    return int(bool(found.lost or found.twice))


if __name__ == "__main__":
    sys.exit(main())
