"""Rate limits: how many checks a core makes, in memory, beside the storage that the library brings.

    python -m benchmarks.ratelimits [--seconds 5] [--identifiers 10000] [--accuracy]

First the service itself in this process: policies, blocks, windows, series and summaries, over many
identifiers, and the same strategy on the memory storage of the library `limits`. Then a whole exporter over
HTTP in batches of 100, from threads of this process; CPU is that of the exporter alone. `--accuracy` plays
patterns of requests against the sliding window counter and against exact timestamps.
"""

import argparse
import asyncio
import http.client
import json
import random
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from limits.aio.storage import MemoryStorage

from benchmarks.programs import Program, exporter
from benchmarks.row import Row
from exporter.core.ratelimit import RateLimitPolicy, RateLimitSettings
from exporter.exposition import Exposition
from exporter.ingest.counters import EventCounters
from exporter.ratelimits.blocks import BlockBook
from exporter.ratelimits.guard import StorageGuard
from exporter.ratelimits.limiter import LimitStorage, RateLimiter, RateLimitQuestion
from exporter.ratelimits.memory import BoundedMemoryStorage
from exporter.ratelimits.summaries import RateLimitSummaries
from exporter.ratelimits.windows import Windows
from tests.servers.ports import free_port

BATCH = 100
GOAL = 5_000
TOKEN = "benchmark-0123456789abcdef"
POLICIES = {
    name: RateLimitPolicy(name, "/shop/*", "address", 100, 60, 600.0) for name in ("search", "cart", "login")
}


def limiter(windows: Windows) -> RateLimiter:
    """Return the service with everything that it reports to, but a store."""
    counters = EventCounters(Exposition())
    book = BlockBook(None, time.time)  # type: ignore[arg-type]  # nothing is put there
    summaries = RateLimitSummaries(counters.add, lambda _batch: None, time.time)
    made = RateLimiter(book, summaries, lambda _entry: None, time.time)
    made.use(RateLimitSettings(policies=POLICIES), LimitStorage(windows, StorageGuard(1.0)))
    return made


async def service(windows: Windows, seconds: float, identifiers: int) -> float:
    """Return checks a second of CPU."""
    judge, policies, number = limiter(windows).judge, tuple(POLICIES.values()), 0
    names = [f"10.{one >> 16 & 255}.{one >> 8 & 255}.{one & 255}" for one in range(identifiers)]
    begin, cpu = time.monotonic(), time.process_time()
    while time.monotonic() < begin + seconds:
        number += 1
        # Another identifier each time, as in an attack: the worst case of every table.
        await judge(RateLimitQuestion(policies[number % 3], names[number * 7919 % identifiers], "/shop/*"))
        # A turn of the loop for each, as requests have: what a check leaves to be done then is its cost, too.
        await asyncio.sleep(0)
    return number / (time.process_time() - cpu)


def send(port: int, until: float, place: int, sent: list[int]) -> None:
    """Send batches over one connection until a time; note how many checks were answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    number = 0
    while time.monotonic() < until:
        checks = [
            {
                "policy": "cart",
                "identifier": f"10.{place}.{(number + one) >> 8 & 255}.{one}",
                "endpoint": "/shop/cart",
            }
            for one in range(BATCH)
        ]
        number += BATCH
        connection.request("POST", "/api/v1/ratelimits/check", json.dumps({"checks": checks}), headers)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"checks were answered {response.status}")
        sent[place] += BATCH
    connection.close()


def over_http(seconds: float, connections: int = 2) -> float:
    """Return checks a second of CPU of a whole exporter."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "config.yml").write_text(
            f"store: {{url: 'sqlite:///{folder}/state.db'}}\nratelimits:\n  policies:\n"
            "    - {name: cart, endpoint: '/shop/*', limit: 100/1m, block_for: 10m}\n"
        )
        (folder / "web.yml").write_text(f"bearer_tokens: [{{name: app, token: {TOKEN}, roles: [ingest]}}]\n")
        with exporter(folder, port, f"--web.config.file={folder / 'web.yml'}") as program:
            return _sent_per_core(program, port, seconds, connections)


def _sent_per_core(program: Program, port: int, seconds: float, connections: int) -> float:
    sent = [0] * connections
    begin, cpu = time.monotonic(), program.cpu()
    threads = [
        threading.Thread(target=send, args=(port, begin + seconds, place, sent))
        for place in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not sum(sent):
        raise SystemExit("no check was answered")
    return sum(sent) / (program.cpu() - cpu)


def evenly(rate: float, seconds: float) -> Iterator[float]:
    """Yield requests that come evenly, `rate` a second."""
    yield from (number / rate for number in range(int(rate * seconds)))


def by_chance(rate: float, seconds: float) -> Iterator[float]:
    """Yield requests that come by chance."""
    now, dice = 0.0, random.Random(4)
    while (now := now + dice.expovariate(rate)) < seconds:
        yield now


def in_bursts(rate: float, seconds: float) -> Iterator[float]:
    """Yield a burst at the end of every other minute, and even requests for the rest of the time."""
    bursts = [minute * 60 - 0.01 for minute in range(2, int(seconds / 60), 3) for _ in range(int(rate * 60))]
    yield from sorted([*bursts, *evenly(rate, seconds)])


PATTERNS: dict[str, Callable[[float, float], Iterator[float]]] = {
    "evenly": evenly,
    "by chance": by_chance,
    "in bursts": in_bursts,
}


async def accuracy() -> None:
    """Print for each pattern, at twice the limit: what got through, and the most within any minute."""
    policy, base = RateLimitPolicy("p", "/", "address", 100, 60), 1_795_000_020.0
    for name, pattern in PATTERNS.items():
        now = [base]
        windows = Windows(BoundedMemoryStorage(lambda now=now: now[0]))  # type: ignore[misc]  # a default binds it
        passed, exact, most, exact_passed = deque[float](), deque[float](), 0, 0
        total = 0
        for moment in pattern(200 / 60, 3600.0):
            now[0] = base + moment
            if (await windows.hit(policy, "who", 1))[0]:
                total += 1
                passed.append(moment)
            while passed and passed[0] <= moment - 60:
                passed.popleft()
            most = max(most, len(passed))
            while exact and exact[0] <= moment - 60:
                exact.popleft()
            if len(exact) < 100:
                exact.append(moment)
                exact_passed += 1
        print(f"{name}: the counter lets {total} through in an hour, {most} in the fullest minute; ", end="")
        print(f"timestamps {exact_passed}, 100")


def run(seconds: float, identifiers: int) -> tuple[float, float, float]:
    """Measure the service, the same on the library's storage, and HTTP; print it."""
    ours = asyncio.run(service(Windows(BoundedMemoryStorage()), seconds, identifiers))
    theirs = asyncio.run(service(Windows(MemoryStorage()), seconds, identifiers))
    print(f"{identifiers:,} identifiers: {ours:,.0f} checks a second on a core, ", end="")
    print(f"{theirs:,.0f} with the memory storage of the library")
    http_ = over_http(seconds)
    print(f"over HTTP in batches of {BATCH}: {http_:,.0f} a second on a core of the exporter")
    return ours, theirs, http_


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table."""
    ours, theirs, http_ = run(0.5 if quick else 5.0, 10_000)
    command, goal = "python -m benchmarks.ratelimits", f">= {GOAL:,}/s a core"
    return [
        Row(
            *("limits", "checks of rate limits in memory, 10,000 identifiers", goal),
            *(f"{ours:,.0f} ({theirs:,.0f} with the library's storage)", ours >= GOAL, command),
        ),
        Row("limits", "the same over HTTP in batches of 100", goal, f"{http_:,.0f}", http_ >= GOAL, command),
    ]


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--identifiers", type=int, default=10_000)
    parser.add_argument("--accuracy", action="store_true", help="play patterns of requests instead")
    options = parser.parse_args()
    if options.accuracy:
        asyncio.run(accuracy())
    else:
        run(options.seconds, options.identifiers)


if __name__ == "__main__":
    main()
