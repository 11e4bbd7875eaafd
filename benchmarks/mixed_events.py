"""An hour of events of all kinds from twenty apps: is memory flat, are answers soon, is any event lost?

    python -m benchmarks.mixed_events [--seconds 3600] [--rate 2000] [--apps 20] [--url postgresql://...]

A whole exporter probes 200 targets and takes batches of about twenty events of every kind, each app over one
connection that it keeps and on a schedule: a latency counts from when the request was due. One event in a
hundred is wrong and one batch in two hundred is sent twice, as apps do after a timeout. What the exporter
counts is compared with what it answered at the end; the exit code is 1 where they differ, or where an
answer is another than 202 or 207. Rows are kept for ten minutes, so that the file is flat, too.
"""

import argparse
import asyncio
import csv
import json
import random
import re
import signal
import statistics
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp

from benchmarks.programs import Program, exporter
from benchmarks.sample_events import KINDS, SampleFields
from tests.servers.ports import free_port

TOKEN = "benchmark-0123456789abcdef"
BATCH, TARGETS, TENANTS, EVERY = 20, 200, 50, 15.0
WRONG, AGAIN = 0.01, 0.005
"""Shares of the events that are refused, and of the batches that are sent twice."""

CONFIGURATION = """\
defaults: {{interval: 5s, timeout: 2s}}
integrations:
  - name: payments
    provider: http
    options: {{url: "http://127.0.0.1:{port}/", connection: reuse}}
    tenants: {{list: [{tenants}]}}
store: {{url: "{url}", retention: {{requests: 10m, webhooks: 10m, audit: 10m}}}}
events:
  allow: {{route: ["/", "/checkout", "/orders/{{id}}", "/api/*"], widget: [donate, signup, chart]}}
  metrics:
    - {{name: jobs_waiting, help: Jobs that wait., labels: {{queue: [mail, pdf]}}}}
    - {{name: mails_total, type: counter, help: Mails sent., labels: {{template: 10}}}}
"""


@dataclass
class Results:
    """What the apps were answered; `latencies` in seconds since a request was due."""

    events: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    latencies: "array[float]" = field(default_factory=lambda: array("f"))

    def quantile(self, share: float) -> float:
        """Return a quantile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3


class SimulatedApp:
    """One app: sends batches over one connection, on its schedule."""

    def __init__(self, name: str, session: aiohttp.ClientSession, url: str, results: Results) -> None:
        """Throw dice of its own, so that each run sends the same."""
        self._name, self._session, self._url, self._results = name, session, url, results
        self._dice = random.Random(name)
        self._numbers = count()
        self._names = list(KINDS)
        self._weights = [weight for weight, _ in KINDS.values()]

    async def run(self, every: float, seconds: float) -> None:
        """Send a batch `every` seconds on average, for so long."""
        began = time.monotonic()
        due = began + self._dice.uniform(0, every)
        while due < began + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            body = self._body()
            await self._send(body, due)
            if self._dice.random() < AGAIN:
                await self._send(body, time.monotonic())
            due += every

    def _body(self) -> bytes:
        number = max(1, round(self._dice.gauss(BATCH, BATCH / 5)))
        chosen = self._dice.choices(self._names, self._weights, k=number)
        return json.dumps([self._event(kind) for kind in chosen]).encode()

    def _event(self, kind: str) -> SampleFields:
        event = {
            "kind": kind,
            "id": f"{self._name}-{next(self._numbers)}",
            "tenant": f"t{self._dice.randrange(TENANTS)}",
            "integration": self._dice.choice(("", "payments")),
            **KINDS[kind][1](self._dice),
        }
        if self._dice.random() < WRONG:
            event["surprise"] = 1
        return event

    async def _send(self, body: bytes, due: float) -> None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        found = self._results
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                text = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            found.answers[type(error).__name__] += 1
            return
        found.latencies.append(time.monotonic() - due)
        found.answers[str(answer.status)] += 1
        if answer.status in (202, 207):
            reply = json.loads(text)
            found.events["accepted"] += reply["accepted"]
            found.events["duplicates"] += reply["duplicates"]
            found.events["rejected"] += len(reply["rejected"])


_SERIES = re.compile(r"^(integration_exporter_\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)

Buckets = dict[float, float]


@dataclass(frozen=True)
class Snapshot:
    """What one scrape and the system say: seconds since the start, bytes, CPU seconds, counts and lag."""

    seconds: float
    rss: int
    cpu: float
    counts: Mapping[str, float]
    lag: Buckets


COUNTS = {
    "integration_exporter_events_total": "accepted",
    "integration_exporter_events_duplicate_total": "duplicates",
    "integration_exporter_events_rejected_total": "rejected",
    "integration_exporter_event_series_dropped_total": "series dropped",
    "integration_exporter_store_dropped": "rows dropped",
}


def snapshot(text: str, program: Program, began: float) -> Snapshot:
    """Read what a scrape says."""
    counts: Counter[str] = Counter()
    lag: Buckets = {}
    for name, labels, value in _SERIES.findall(text):
        if name in COUNTS:
            counts[COUNTS[name]] += float(value)
        elif name == "integration_exporter_probe_lag_seconds_bucket":
            bound = float(labels.partition('le="')[2].partition('"')[0])
            lag[bound] = lag.get(bound, 0.0) + float(value)
    return Snapshot(time.monotonic() - began, program.rss(), program.cpu(), counts, lag)


def lag_p99(first: Snapshot, last: Snapshot) -> float:
    """Return the bound in seconds that 99 % of the probes between two scrapes kept; NaN without probes."""
    grown = {bound: last.lag[bound] - first.lag.get(bound, 0.0) for bound in last.lag}
    total = grown.get(float("inf"), 0.0)
    kept = [bound for bound, number in grown.items() if number >= 0.99 * total]
    return min(kept) if total else float("nan")


class Watch:
    """Scrapes the exporter every `every` seconds, as Prometheus does."""

    def __init__(self, session: aiohttp.ClientSession, base: str, program: Program, out: Path) -> None:
        """Write each snapshot into `out`."""
        self._session, self._url, self._program, self._out = session, f"{base}/metrics", program, out
        self._began = time.monotonic()
        self.snapshots: list[Snapshot] = []

    async def take(self) -> None:
        """Take one snapshot."""
        async with self._session.get(self._url, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            answer.raise_for_status()
            text = await answer.text()
        self.snapshots.append(snapshot(text, self._program, self._began))

    async def run(self, every: float) -> None:
        """Take snapshots until it is cancelled."""
        with self._out.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("seconds", "rss_bytes", "cpu_seconds", "accepted", "lag_p99"))
            while True:
                await self.take()
                last = self.snapshots[-1]
                before = self.snapshots[-2:][0]
                taken = last.counts.get("accepted", 0)
                values = (last.seconds, last.rss, last.cpu, taken, lag_p99(before, last))
                writer.writerow([f"{value:.9g}" for value in values])
                file.flush()
                if len(self.snapshots) % 20 == 0:
                    print(f"{last.seconds:.0f} s: {last.rss / 1e6:.0f} MB, {taken:,.0f} events", flush=True)
                await asyncio.sleep(every)


def findings(results: Results, snapshots: Sequence[Snapshot]) -> Iterator[str]:
    """Yield what should not be: other answers than expected, or counts that differ from them."""
    odd = {status: number for status, number in results.answers.items() if status not in ("202", "207")}
    if odd:
        yield f"answers that should not be: {odd}"
    last = snapshots[-1].counts
    # A request that was cut may have been counted without its answer.
    for name in ("accepted", "duplicates", "rejected"):
        if last.get(name, 0) != results.events[name] and not odd:
            yield f"{name}: answered {results.events[name]:,}, counted {last.get(name, 0):,.0f}"
    if last.get("rows dropped"):
        yield f"{last['rows dropped']:,.0f} rows found no room on their way to the store"


def report(results: Results, snapshots: Sequence[Snapshot]) -> None:
    """Print memory, latencies, lag and counts."""
    # What fills up by design (ids of an hour, label values first seen) is there after a while.
    part = max(1, len(snapshots) // 10)
    middle = len(snapshots) // 2
    parts = {
        "start": snapshots[part : 2 * part] or snapshots[:1],
        "middle": snapshots[middle : middle + part],
        "end": snapshots[-part:],
    }
    memory = {name: statistics.median(one.rss for one in some) / 1e6 for name, some in parts.items()}
    first, last = snapshots[0], snapshots[-1]
    took = last.seconds - first.seconds
    print(f"events: {dict(results.events)}, {last.counts['accepted'] / took:,.0f} a second were accepted")
    print(f"answers: {dict(results.answers)}; ", end="")
    print(f"p50 {results.quantile(0.5):.1f} ms, p99 {results.quantile(0.99):.1f} ms", end="")
    print(f", longest {max(results.latencies) * 1e3:.0f} ms since they were due")
    print("memory in MB: " + ", ".join(f"{name} {value:.0f}" for name, value in memory.items()), end="")
    print(f", most {max(one.rss for one in snapshots) / 1e6:.0f}")
    half = snapshots[middle]
    print("p99 of the probes' lag is at most, in ms: ", end="")
    print(f"first half {lag_p99(first, half) * 1e3:g}, second half {lag_p99(half, last) * 1e3:g}")
    print(f"CPU: {(last.cpu - first.cpu) / took:.2f} cores; ", end="")
    print(f"series dropped: {last.counts.get('series dropped', 0):,.0f}")


async def send(options: argparse.Namespace, base: str, program: Program, out: Path) -> int:
    """Let the apps send, and report; return 1 where something is wrong."""
    results = Results()
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(_session()) for _ in range(options.apps + 1)]
        watch = Watch(sessions.pop(), base, program, out)
        watching = asyncio.create_task(watch.run(min(EVERY, max(0.2, options.seconds / 20))))
        apps = [
            SimulatedApp(f"app{number}", session, f"{base}/api/v1/events", results)
            for number, session in enumerate(sessions)
        ]
        every = BATCH * options.apps / options.rate
        await asyncio.gather(*(app.run(every, options.seconds) for app in apps))
        watching.cancel()
        await watch.take()
    report(results, watch.snapshots)
    wrong = list(findings(results, watch.snapshots))
    print(*(wrong or ["nothing is wrong"]), sep="\n")
    return int(bool(wrong))


def _session() -> aiohttp.ClientSession:
    """Return a session of one connection, which is kept."""
    connector = aiohttp.TCPConnector(limit=1, keepalive_timeout=300.0)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60.0))


def run(options: argparse.Namespace, folder: Path) -> int:
    """Start everything, send and report."""
    ports = {"server": free_port(), "exporter": free_port()}
    tenants = ", ".join(f"{{id: t{number}}}" for number in range(TARGETS))
    url = options.url or f"sqlite:///{folder}/state.db"
    text = CONFIGURATION.format(port=ports["server"], tenants=tenants, url=url)
    (folder / "config.yml").write_text(text)
    (folder / "web.yml").write_text(
        f"bearer_tokens: [{{name: app, token: {TOKEN}, roles: [ingest, viewer]}}]\n"
    )
    slow = [sys.executable, "-m", "benchmarks.slow_server", str(ports["server"]), "20"]
    web = f"--web.config.file={folder / 'web.yml'}"
    with Program(slow, folder / "server.log"), exporter(folder, ports["exporter"], web) as program:
        print(
            f"{options.rate:g} events a second of {options.apps} apps for {options.seconds:g} s", flush=True
        )
        base = f"http://127.0.0.1:{ports['exporter']}"
        return asyncio.run(send(options, base, program, options.out or folder / "mixed.csv"))


def main() -> int:
    """Read the command line and run; return 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--rate", type=float, default=2000.0, help="events a second of all apps")
    parser.add_argument("--apps", type=int, default=20)
    parser.add_argument("--url", default="", help="the store's; a file without it")
    parser.add_argument(
        "--out", type=Path, default=None, help="CSV of the snapshots; none is kept without it"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # the programs are ended, too
    # Not in memory: what is stored before the answer waits for a disk.
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return run(options, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
