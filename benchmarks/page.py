"""How long each list, summary and tab takes where there is much: 10,000 tenants and a million stored rows.

    python -m benchmarks.page [--tenants 10000] [--rows 1000000] [--times 10] [--only /api/v1/stats ...]
        [--postgresql | --url postgresql://...] [--browser]

The store is filled first (benchmarks.page_rows). Then a whole exporter is asked for every route of the API
and every tab, with all that their contracts say may be asked: each window and subject, a tenant, the last
day, the page behind. Each line has the median and the 95th percentile of the slowest question to one path: by
the clock, as a client measures it, and in CPU of the exporter, and of PostgreSQL where it was started here.
In a last round another client asks `/-/healthy` meanwhile: its longest wait is how long the loop was held up.
`--browser` opens every tab in Chromium as well. A database of `--url` must be empty.
"""

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

import psutil

from benchmarks.page_browser import HEAD, RULE, TabTimes, draw_tabs
from benchmarks.page_rows import INTEGRATION, TENANT, fill
from benchmarks.programs import Program, cpu_clock, exporter
from benchmarks.row import Row
from exporter.server.aliases import ALIASES
from exporter.server.contracts import contracts
from exporter.server.pages import tabs
from exporter.server.routes import ROUTES
from exporter.store.database import Database
from tests.servers.ports import free_port
from tests.servers.postgres import Cluster, cluster

TENANTS, ROWS, TIMES = 10_000, 1_000_000, 10
GOAL, BROWSER_GOAL = 0.3, 1.0
TOKEN = "benchmark-0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CONFIG = """
integrations:
  - name: payments
    provider: http
    interval: 1h
    options: {{url: "http://127.0.0.1:9/"}}
    tenants: {{files: ["{folder}/tenants.yml"]}}
store: {{url: "{url}"}}
"""

LEFT_OUT = {
    "/api/v1/stream",  # it has no end
    "/api/v1/alerts",  # Alertmanager's time, and there is none here
    *("/api/v1/audit-report", "/api/v1/audit-verification"),  # they read all of a span by their nature
}
OF_ONE = ("/api/v1/timeline", "/integration")
"""What is about one integration."""

CHOICES = ("window", "by", "step")
"""Parameters of which every value is asked for."""

SOME = ("/", "/integration", "/api/v1/errors", "/api/v1/stats", "/api/v1/webhook-health")
"""What a quick run asks."""

KNOCK = 0.005


@dataclass
class Times:
    """Seconds that a question took, by the clock and of CPU; the longest that the loop was held up; bytes."""

    path: str
    query: Mapping[str, str]
    follows: bool = False
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    blocked: float = 0.0
    size: int = 0

    @property
    def address(self) -> str:
        """What is asked for."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile: the greatest of up to 20."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def questions(only: Sequence[str] = ()) -> list[Times]:
    """Return every question to every path that is asked for."""
    aliases = {one.path for one in ALIASES}
    pages = {one.path for one in tabs()}
    found = []
    for route in ROUTES:
        path = route.path
        listed = path in pages or path.startswith("/api/v1/")
        if "GET" not in route.methods or "{" in path or not listed or path in LEFT_OUT | aliases:
            continue
        if not only or path in only:
            found += [Times(path, query, "next" in query) for query in _queries(path)]
    return found


def _queries(path: str) -> Iterator[dict[str, str]]:
    usual = {"integration": INTEGRATION} if path in OF_ONE else {}
    contract = contracts().get(("GET", path))
    if contract is None:  # a tab
        yield from (usual, usual | {"tenant": TENANT}, usual | {"window": "30d"})
        return
    yield usual
    if any(one.name == "after" for one in contract.query):
        yield usual | {"next": ""}
    yield usual | {"tenant": TENANT}
    words = {one.name: one.schema["enum"] for one in contract.query if one.name in CHOICES}
    for name, values in words.items():
        yield from (usual | {name: value} for value in values)
    for value in words.get("by", ()) if "window" in words else ():
        yield usual | {"window": words["window"][-1], "by": value}
    names = {one.name for one in contract.query}
    if "since" in names:
        yield usual | {"since": "24h"}


class Client:
    """Asks the exporter, and reads the CPU that an answer takes."""

    def __init__(self, port: int, cpu: Callable[[], float]) -> None:
        """Connect; `cpu` returns the seconds of all processes that answer."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._cpu = cpu
        self._next = ""

    def ask(self, one: Times, *, keep: bool) -> None:
        """Ask `one`; its page behind begins where the question before it ended."""
        address = one.address
        if one.follows:
            if not self._next:
                return
            address = f"{one.path}?{urlencode({'after': self._next})}"
        spent, began = self._cpu(), time.perf_counter()
        body = self.get(address)
        took, spent = time.perf_counter() - began, self._cpu() - spent
        if keep:
            one.seconds.append(took)
            one.cpu.append(spent)
        one.size = max(one.size, len(body))
        self._next = str(json.loads(body).get("next") or "") if body[:1] == b"{" else ""

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def get(self, address: str) -> bytes:
        """Return the body of a GET; SystemExit where it is not answered 200."""
        self._connection.request("GET", address, headers=HEADERS)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{address} was answered {answer.status}: {body[:200]!r}")
        return body


def knock(port: int, client: Client, asked: Sequence[Times]) -> None:
    """Ask everything once more, while another client asks whether the loop still answers."""
    waits: list[tuple[float, float]] = []
    over = threading.Event()

    def run() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not over.is_set():
            began = time.perf_counter()
            connection.request("GET", "/-/healthy")
            connection.getresponse().read()
            waits.append((began, time.perf_counter() - began))
            time.sleep(KNOCK)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for one in asked:
            begin = time.perf_counter()
            client.ask(one, keep=False)
            end = time.perf_counter() + KNOCK
            time.sleep(2 * KNOCK)
            one.blocked = max((wait for at, wait in waits[-1000:] if begin <= at <= end), default=0.0)
    finally:
        over.set()
        thread.join()


@dataclass
class Measurement:
    """What was measured: stored rows, the times of each question, and of each tab in Chromium."""

    rows: int
    asked: list[Times]
    tabs: list[TabTimes] = field(default_factory=list)

    def by_path(self) -> list[tuple[str, Times]]:
        """Return each path with its slowest question, the slowest path first."""
        slowest: dict[str, Times] = {}
        for one in self.asked:
            if one.seconds and (one.path not in slowest or p95(one.cpu) > p95(slowest[one.path].cpu)):
                slowest[one.path] = one
        return sorted(slowest.items(), key=lambda found: -p95(found[1].cpu))


@dataclass(frozen=True)
class Options:
    """What is measured, and how often."""

    tenants: int = TENANTS
    rows: int = ROWS
    times: int = TIMES
    url: str = ""
    postgresql: bool = False
    browser: bool = False
    only: tuple[str, ...] = ()


def measure(options: Options) -> Measurement:
    """Fill a store, start an exporter on it, and ask."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(cluster()) if options.postgresql else None
        url = options.url or (_database(server) if server else f"sqlite:///{folder}/state.db")
        store = Database(url)
        store.open()
        made = fill(store, options.tenants, options.rows)
        store.close()
        with _exporter(folder, url, options.tenants) as (program, port):
            client = stack.enter_context(closing(Client(port, lambda: _cpu(program, server))))
            asked = questions(options.only)
            for turn in range(options.times + 1):
                for one in asked:
                    client.ask(one, keep=turn > 0)
            knock(port, client, asked)
            found = Measurement(made, asked)
            if options.browser:
                paths = [one.address for one in _opened() if not options.only or one.path in options.only]
                origin = f"http://127.0.0.1:{port}"
                found.tabs = draw_tabs(origin, TOKEN, paths, options.times, folder)
        return found


def _opened() -> list[Times]:
    """Return the tabs as they open."""
    about = {"integration": INTEGRATION}
    return [Times(one.path, about if one.path in OF_ONE else {}) for one in tabs()]


def _database(server: Cluster) -> str:
    # That of the tests has 8 MB, for many of them at a time.
    server.admin("ALTER SYSTEM SET shared_buffers = '256MB'", "CREATE DATABASE page OWNER app")
    server.stop()
    server.start()
    return f"postgresql://app:app-password@127.0.0.1:{server.port}/page?sslmode=require"


@contextmanager
def _exporter(folder: Path, url: str, tenants: int) -> Iterator[tuple[Program, int]]:
    names = "".join(f"- {{id: t{number:05}}}\n" for number in range(tenants))
    (folder / "tenants.yml").write_text(names)
    (folder / "config.yml").write_text(CONFIG.format(folder=folder, url=url))
    (folder / "web.yml").write_text(f"bearer_tokens: [{{name: ops, token: {TOKEN}, roles: [admin]}}]\n")
    port = free_port()
    with exporter(folder, port, f"--web.config.file={folder / 'web.yml'}") as program:
        yield program, port


def _cpu(program: Program, server: Cluster | None) -> float:
    found = cpu_clock(program.facts.pid)
    if server is None or server.process is None:
        return found
    workers = psutil.Process(server.process.pid).children(recursive=True)
    return found + sum(cpu_clock(one.pid) for one in workers)


def rows(quick: bool) -> list[Row]:
    """Measure and return the rows of the table of goals."""
    size = Options(50, 500, 1, only=SOME) if quick else Options()
    found = []
    for name, postgresql in (("SQLite", False), ("PostgreSQL", True))[: 1 if quick else 2]:
        browser = not quick and not postgresql
        result = measure(replace(size, postgresql=postgresql, browser=browser))
        paths = result.by_path()
        what = f"{len(result.asked)} questions to {len(paths)} lists, summaries and tabs, {name}"
        slowest = max((one for _, one in paths), key=lambda one: p95(one.seconds))
        found.append(_row(what, GOAL, p95(slowest.seconds), slowest.address))
        if result.tabs:
            last = max(result.tabs, key=lambda one: max(one.drawn))
            found.append(
                _row(f"{len(result.tabs)} tabs in Chromium", BROWSER_GOAL, max(last.drawn), last.path)
            )
    return found


def _row(what: str, goal: float, reached: float, where: str) -> Row:
    return Row(
        "P11",
        what,
        f"each below {goal * 1000:.0f} ms (p95)",
        f"{reached * 1000:.0f} ms at most, {where}",
        reached < goal,
        "python -m benchmarks.page",
    )


def main() -> None:
    """Measure as the flags say, and print a line for each path and tab."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--url", default="")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--only", nargs="*", default=())
    given = vars(parser.parse_args())
    result = measure(Options(**given | {"only": tuple(given["only"])}))
    print(f"{result.rows} rows, {given['tenants']} tenants, {len(result.asked)} questions\n")
    print("| Slowest question | CPU | p95 | Clock | p95 | Loop held up | Bytes | |")
    print("|---|---|---|---|---|---|---|---|")
    for _, one in result.by_path():
        verdict = "met" if p95(one.cpu) < GOAL / 2 else "**missed**"
        times = " | ".join(
            f"{value * 1000:.0f} ms"
            for taken in (one.cpu, one.seconds)
            for value in (statistics.median(taken), p95(taken))
        )
        print(f"| {one.address} | {times} | {one.blocked * 1000:.0f} ms | {one.size} | {verdict} |")
    if result.tabs:
        print(f"\n{HEAD}\n{RULE}")
        for tab in sorted(result.tabs, key=lambda one: -max(one.drawn)):
            print(tab.line(BROWSER_GOAL))


if __name__ == "__main__":
    main()
