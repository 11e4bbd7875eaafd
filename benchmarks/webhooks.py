"""How soon a webhook is verified, stored and answered, and whether forwarding keeps up.

    python -m benchmarks.webhooks [--quick] [--rate 500] [--seconds 30] [--bare]

A whole exporter on SQLite (each answer is behind an fdatasync), an app that takes what is forwarded, and a
sender that signs as GitHub does and keeps to a schedule: a latency counts from when the request was due.
Before and after each run the disk's own fdatasync is timed in the same folder, for no answer can be sooner
than that. Rates of a tenth and a fiftieth show what one webhook costs the exporter's CPU: what the same
process uses while nothing comes is measured before each of them, in a time in which each of its periodic
tasks has its turn, and taken off. A bare program (`benchmarks.bare_webhooks`) has its turn at the same rates:
a commit and two requests cost more where few come, whoever makes them. `--bare` measures that alone.
"""

import argparse
import asyncio
import hashlib
import hmac
import os
import selectors
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks.programs import EXPORTER, Program
from benchmarks.row import Row
from tests.servers.ports import free_port

COMMAND = "python -m benchmarks.webhooks"
SECRET = b"0123456789abcdef0123456789abcdef"
WARM_UP = 100
IDLE = 15.0
"""Seconds without a webhook: of what is done now and then, all but what has a minute has its turn in them."""

FLAT = 1.2
"""How many times the cheapest webhook the most expensive one may cost."""

CONFIGURATION = """\
integrations: []
store: {{url: "sqlite:///{folder}/state.db"}}
webhooks:
  sources:
    - name: github
      scheme: github
      secrets: ["{secret}"]
      types: [push]
      forward: {{url: "http://127.0.0.1:{app}/hook", timeout: 10s, concurrency: 16}}
"""


@dataclass
class Run:
    """What one rate showed: seconds of answers and of the way to the app, `late` to the last one there.

    `cpu` is that of the exporter for each webhook, without `idle`, the CPU seconds that it takes in a second
    in which nothing comes; `disk` is the median fdatasync beside it, in seconds.
    """

    rate: int
    answers: list[float]
    ways: list[float]
    late: float
    cpu: float
    idle: float
    disk: float
    refused: int

    def quantile(self, values: list[float], share: float) -> float:
        """Return a quantile in milliseconds."""
        return sorted(values)[min(len(values) - 1, int(share * len(values)))] * 1e3


def fdatasync(folder: Path, times: int = 200) -> float:
    """Return the median seconds of appending a page and flushing it."""
    found = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            found.append(time.perf_counter() - began)
    return statistics.median(found)


class App:
    """Takes what is forwarded, and notes when."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.there: dict[bytes, float] = {}

    async def take(self, request: web.Request) -> web.Response:
        """Accept one."""
        self.there.setdefault(await request.read(), time.perf_counter())
        return web.Response()


class Sender:
    """Sends `count` webhooks at `rate` a second, each on its own schedule."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Send to `url`."""
        self._session, self._url = session, url
        self.answers: list[float] = []
        self.sent: dict[bytes, float] = {}
        self.refused = 0

    async def flood(self, name: str, rate: int, count: int) -> None:
        """Send, and return once all are answered."""
        began = time.perf_counter()
        tasks = []
        for number in range(count):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self._send(f"{name}-{number}", due)))
        await asyncio.gather(*tasks)

    async def _send(self, name: str, due: float) -> None:
        body = b'{"ref": "refs/heads/main", "id": "%s", "pad": "%s"}' % (name.encode(), b"x" * 1500)
        mark = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={mark}"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                await answer.read()
        except aiohttp.ClientError:  # it has as many connections as it takes: the sender would try again
            self.refused += 1
            return
        self.answers.append(time.perf_counter() - due)
        self.sent[body] = due
        self.refused += answer.status != 200


def precise_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that wakes to the microsecond: by epoll each request leaves up to a millisecond late."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def measured(rates: list[int], seconds: float, rest: float = IDLE, *, bare: bool = False) -> list[Run]:
    """Return what each rate shows of an exporter, or of the bare program."""
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        return runner.run(runs(rates, seconds, rest, bare=bare))


async def idle_cpu(program: Program, seconds: float) -> float:
    """Return the CPU seconds that the exporter takes in each second in which nothing comes."""
    began, cpu = time.perf_counter(), program.cpu()
    await asyncio.sleep(seconds)
    return (program.cpu() - cpu) / (time.perf_counter() - began)


async def measure(
    folder: Path, program: Program, app: App, url: str, rate: int, seconds: float, rest: float = IDLE
) -> Run:
    """Return what `rate` for `seconds` shows, after `rest` seconds without any."""
    count, before = max(20, int(rate * seconds)), fdatasync(folder)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sender = Sender(session, url)
        await sender.flood(f"warm-{rate}", 100, WARM_UP)
        idle = await idle_cpu(program, rest)
        sender = Sender(session, url)
        began, cpu = time.perf_counter(), program.cpu()
        await sender.flood(f"run-{rate}", rate, count)
        ended = time.perf_counter()
        while not sender.sent.keys() <= app.there.keys() and time.perf_counter() < ended + 60:  # noqa: ASYNC110 - times count, not wake-ups
            await asyncio.sleep(0.01)
        cpu = program.cpu() - cpu - idle * (time.perf_counter() - began)
    found = {body: app.there[body] for body in sender.sent if body in app.there}
    late = max(found.values(), default=ended + 60) - ended if len(found) == len(sender.sent) else 60.0
    ways = [there - sender.sent[body] for body, there in found.items()]
    disk = statistics.median((before, fdatasync(folder)))
    return Run(rate, sender.answers, ways, max(0.0, late), cpu / count, idle, disk, sender.refused)


async def runs(rates: list[int], seconds: float, rest: float = IDLE, *, bare: bool = False) -> list[Run]:
    """Return what each rate shows, one after the other on one exporter, each after a rest."""
    app, application = App(), web.Application()
    application.router.add_post("/hook", app.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    # On a disk, which /tmp need not be: what is measured is what that costs.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder, port = Path(name), free_port()
        base, place = f"http://127.0.0.1:{port}", runner.addresses[0][1]
        command = bare_command(folder, port, place) if bare else exporter_command(folder, port, place)
        # In a thread: the app must answer while the program starts.
        program = await asyncio.to_thread(Program, command, folder / "log", f"{base}/-/ready")
        with program:
            url = f"{base}/webhooks/github"
            found = [await measure(folder, program, app, url, rate, seconds, rest) for rate in rates]
    await runner.cleanup()
    return found


def exporter_command(folder: Path, port: int, app: int) -> list[str]:
    """Return what starts an exporter that forwards to the port `app`."""
    config = folder / "config.yml"
    config.write_text(CONFIGURATION.format(folder=folder, secret=SECRET.decode(), app=app))
    return [*EXPORTER, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]


def bare_command(folder: Path, port: int, app: int) -> list[str]:
    """Return what starts the program that does no more than it must."""
    words = [str(port), f"http://127.0.0.1:{app}/hook", str(folder)]
    return [sys.executable, "-m", "benchmarks.bare_webhooks", *words]


def describe(run: Run, who: str = "") -> str:
    """Return a line for a person."""
    return (
        f"{who}{run.rate}/s: answer p50 {run.quantile(run.answers, 0.5):.2f} ms, "
        f"p99 {run.quantile(run.answers, 0.99):.1f} ms; at the app p50 {run.quantile(run.ways, 0.5):.1f} ms, "
        f"p99 {run.quantile(run.ways, 0.99):.1f} ms, {run.late * 1e3:.0f} ms behind the last answer; "
        f"{run.cpu * 1e6:.0f} us of CPU each beside {run.idle:.2%} of a core when idle; "
        f"not 200: {run.refused}; fdatasync alone {run.disk * 1e3:.2f} ms"
    )


def rows(quick: bool) -> list[Row]:
    """Return the lines of P6, and of P9 as far as webhooks go, in the table of goals."""
    rates = [10, 20, 50] if quick else [10, 50, 500]
    seconds, rest = (2.0, 1.0) if quick else (30.0, IDLE)
    found = measured(rates, seconds, rest)
    return [_speed(found[-1]), _growth(found, measured(rates, seconds, rest, bare=True))]


def _speed(run: Run) -> Row:
    p50, p99 = run.quantile(run.answers, 0.5), run.quantile(run.answers, 0.99)
    met = p50 < 5 and p99 < 50 and run.late < 1 and not run.refused
    reached = (
        f"p50 {p50:.2f} ms, p99 {p99:.1f} ms, forwarded {run.late * 1e3:.0f} ms behind; "
        f"fdatasync alone {run.disk * 1e3:.2f} ms"
    )
    goal = "p50 < 5 ms, p99 < 50 ms, forwarding keeps up"
    return Row("P6", f"webhook: verify, store, answer at {run.rate}/s", goal, reached, met, COMMAND)


def _growth(found: list[Run], bare: list[Run]) -> Row:
    costs = [run.cpu for run in found]
    rates = " / ".join(str(run.rate) for run in found)
    reached = f"{_costs(found)}; of the bare program {_costs(bare)}"
    met = max(costs) <= FLAT * min(costs)
    return Row("P9", f"CPU of a webhook at {rates} a second", "flat within 20 %", reached, met, COMMAND)


def _costs(found: list[Run]) -> str:
    return " / ".join(f"{run.cpu * 1e6:,.0f}" for run in found) + " us"


def main() -> None:
    """Measure as the flags say and print a line a rate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--bare", action="store_true", help="only the program that does no more than it must")
    options = parser.parse_args()
    seconds, rest = (2.0, 1.0) if options.quick else (options.seconds, IDLE)
    rates = [options.rate // 50, options.rate // 10, options.rate]
    for bare in (True,) if options.bare else (False, True):
        for run in measured(rates, seconds, rest, bare=bare):
            print(describe(run, "bare, " if bare else ""))


if __name__ == "__main__":
    sys.exit(main())
