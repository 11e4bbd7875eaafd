"""How soon it is there: `--help`, `--config.check`, the first scrape, and what it takes while idle.

    python -m benchmarks.start [--quick]

`--help` is compared with `python -c pass`, and the idle process with a bare aiohttp.web server on uvloop.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from benchmarks.capacity import configuration
from benchmarks.programs import EXPORTER, INSTALLED, Program, exporter
from benchmarks.row import Row
from tests.servers.ports import free_port

SCRIPT = str(Path(sys.executable).with_name("integration-exporter"))
COMMAND = "python -m benchmarks.start"
BARE = """
import sys, uvloop
from aiohttp import web
async def hello(request): return web.Response(text="hello")
app = web.Application()
app.router.add_get("/metrics", hello)
async def main():
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    import asyncio
    await asyncio.Event().wait()
uvloop.run(main())
"""


def cpu(command: Sequence[str]) -> float:
    """Return the CPU seconds of a command that ends by itself."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, **INSTALLED}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def help_ratio(runs: int) -> tuple[float, float, float]:
    """Return the median CPU seconds of `--help`, of `python -c pass`, and the ratio of both."""
    pairs = [(cpu([SCRIPT, "--help"]), cpu([sys.executable, "-c", "pass"])) for _ in range(runs)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return ours, theirs, statistics.median(one / other for one, other in pairs)


def check(tenants: int) -> tuple[float, float]:
    """Return the seconds, and the CPU seconds, of `--config.check` of one integration with `tenants`."""
    with tempfile.TemporaryDirectory(prefix="start-") as name:
        folder = Path(name)
        rows = "\n".join(f"        - {{id: tenant-{number:05}}}" for number in range(tenants))
        path = folder / "config.yml"
        path.write_text(
            "integrations:\n  - name: site\n    provider: http\n    options: {url: 'http://127.0.0.1:9/'}\n"
            f"    tenants:\n      list:\n{rows}\n"
        )
        began = time.monotonic()
        used = cpu([*EXPORTER, "--config.check", f"--config.file={path}"])
        return time.monotonic() - began, used


def first_scrape(targets: int) -> tuple[float, float]:
    """Return the seconds, and CPU seconds, from the start to a scrape with every target's static series."""
    with tempfile.TemporaryDirectory(prefix="start-") as name:
        folder, port = Path(name), free_port()
        (folder / "config.yml").write_text(configuration(folder, free_port(), targets, 60.0, "new"))
        command = [
            *EXPORTER,
            f"--config.file={folder / 'config.yml'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        began = time.monotonic()
        with Program(command, folder / "log") as measured:
            while time.monotonic() < began + 60 and _shown(port) < targets:
                time.sleep(0.01)
            return time.monotonic() - began, measured.cpu()


def _shown(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return int(answer.read().count(b"\nintegration_info{"))
    except OSError:
        return 0


def idle(settle: float) -> tuple[int, int]:
    """Return the resident bytes of the exporter without targets, and of a bare server, both scraped once."""
    with tempfile.TemporaryDirectory(prefix="start-") as name:
        folder, port, other = Path(name), free_port(), free_port()
        (folder / "config.yml").write_text(f'store: {{url: "sqlite:///{folder}/state.db"}}\n')
        url = f"http://127.0.0.1:{other}/metrics"
        bare = [sys.executable, "-c", BARE, str(other)]
        with exporter(folder, port) as ours, Program(bare, folder / "bare.log", url) as theirs:
            _shown(port)
            time.sleep(settle)
            return ours.rss(), theirs.rss()


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    if not quick:
        check(1)  # once, so that there is bytecode
    ours, theirs, ratio = help_ratio(1 if quick else 9)
    tenants, targets = (20, 5) if quick else (10_000, 1_000)
    checked, used = check(tenants)
    started, start_cpu = first_scrape(targets)
    resident, bare = idle(0.0 if quick else 5.0)
    return [
        Row(
            "P8",
            "`--help` against `python -c pass`, CPU",
            "<= 3x",
            f"{ratio:.1f}x ({ours * 1e3:.0f} ms against {theirs * 1e3:.0f})",
            ratio <= 3,
            COMMAND,
        ),
        Row(
            "P8",
            f"`--config.check` of {tenants:,} tenants",
            "< 0.6 s",
            f"{checked:.2f} s ({used:.2f} s of CPU)",
            checked < 0.6,
            COMMAND,
        ),
        Row(
            "P8",
            f"start to the first scrape with {targets:,} targets",
            "< 1 s",
            f"{started:.2f} s ({start_cpu:.2f} s of CPU)",
            started < 1,
            COMMAND,
        ),
        Row(
            "P8",
            "idle memory against a bare aiohttp.web server on uvloop",
            "<= 1.4x",
            f"{resident / bare:.2f}x ({resident / 1e6:.0f} MB against {bare / 1e6:.0f})",
            resident <= 1.4 * bare,
            COMMAND,
        ),
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    for row in rows(parser.parse_args().quick):
        print(f"  {row.what}: {row.reached}, goal {row.goal}")


if __name__ == "__main__":
    main()
