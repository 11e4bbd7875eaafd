"""What one delivery costs while much waits, and whether a dead or a slow endpoint delays the others.

    python -m benchmarks.outbox [--quick] [--url postgresql://...] [--rate 300] [--seconds 10]

Deliveries of ten endpoints are accepted on a schedule and carried to an action that answers at once, in one
process and beside: nothing; an endpoint that takes 30 s for each; 100,000 rows of an endpoint that refuses
every attempt; nothing again. Printed are the CPU of a delivery and how late deliveries of the ten arrive;
then how many times as late the last of a hundred arrives beside the others, against the larger one of both
measurements beside nothing: a disk is not the same from one minute to the next. What waits was stored some
time before: the disk has it, and PostgreSQL has done what it does by itself within a minute (autovacuum).
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine

from benchmarks.row import Row
from exporter.core.delivery import Delivery, EndpointLimits, Receipt, RetryLater
from exporter.outbox.outbox import Outbox
from exporter.store.accept import Acceptance, accept
from exporter.store.database import Database
from exporter.store.subjects.deliveries import TABLE

KIND, AGE = "forward", 86_400.0
BODY = b"x" * 1500
SIZE, SMALL = (300, 10.0, 100_000), (50, 1.0, 2000)
"""Deliveries a second, for how many seconds, and how many of a dead endpoint wait meanwhile."""


class Endpoints:
    """Ten that answer at once, `dead` that refuses, `slow` that takes 30 seconds."""

    kind = KIND

    def __init__(self) -> None:
        """Start with nothing delivered."""
        self.there: dict[str, float] = {}

    def limits(self, _endpoint: str) -> EndpointLimits:
        """Return the limits of each: the usual ones, with more places."""
        return EndpointLimits(concurrency=16)

    async def run(self, delivery: Delivery) -> Receipt:
        """Take one."""
        if delivery.endpoint == "dead":
            raise RetryLater("connect", "refused")
        if delivery.endpoint == "slow":
            await asyncio.sleep(30.0)
        self.there[delivery.id] = time.perf_counter()
        return Receipt(200)


@dataclass(frozen=True)
class Measurement:
    """Seconds of the accept and of the whole way at the median and the 99th percentile, CPU of each."""

    beside: str
    accept: tuple[float, float]
    way: tuple[float, float]
    cpu: float

    def line(self) -> str:
        """Return it for a person."""
        accept, way = (f"{p50 * 1e3:.1f}/{p99 * 1e3:.1f} ms" for p50, p99 in (self.accept, self.way))
        cpu = f"{self.cpu * 1e6:.0f} us of CPU each"
        return f"beside {self.beside}: accepted p50/p99 {accept}, there {way}, {cpu}"


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    found = sorted(values)
    return found[len(found) // 2], found[int(0.99 * (len(found) - 1))]


def delivery(name: str, endpoint: str) -> Delivery:
    """Return one that may begin now."""
    now = time.time()
    return Delivery(name, KIND, endpoint, BODY, now, now + AGE, due=now)


async def flood(outbox: Outbox, endpoints: Endpoints, beside: str, rate: int, seconds: float) -> Measurement:
    """Accept `rate` a second and wait until all are there."""
    accepts: list[float] = []
    due: dict[str, float] = {}

    async def one(number: int, when: float) -> None:
        name = f"{beside}-{rate}-{number}"
        due[name] = when
        await outbox.submit([delivery(name, f"e{number % 10}")])
        accepts.append(time.perf_counter() - when)

    began, cpu, tasks = time.perf_counter(), time.process_time(), []
    for number in range(int(rate * seconds)):
        when = began + number / rate
        await asyncio.sleep(max(0.0, when - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, when)))
    await asyncio.gather(*tasks)
    while not due.keys() <= endpoints.there.keys():  # noqa: ASYNC110 - times count, not wake-ups
        await asyncio.sleep(0.01)
    used = (time.process_time() - cpu) / len(due)
    ways = [endpoints.there[name] - when for name, when in due.items()]
    return Measurement(beside, quantiles(accepts), quantiles(ways), used)


def fill(database: Database, endpoint: str, count: int) -> None:
    """Store deliveries that wait for an endpoint."""
    for start in range(0, count, 2000):
        made = tuple((delivery(f"{endpoint}-{start + place}", endpoint), "") for place in range(2000))
        with database.writing() as connection:
            accept(connection, [Acceptance(made)])


@contextmanager
def store(url: str) -> Iterator[Database]:
    """Open a store, one in a file of the current folder where `url` is empty."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        database = Database(url or f"sqlite:///{folder}/state.db")
        database.open()
        try:
            yield database
        finally:
            database.close()


def settle(database: Database) -> None:
    """Let the database and the disk be done with what was stored or deleted just now."""
    if database.url.get_backend_name() == "postgresql":
        engine = create_engine(database.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE) delivery")
        engine.dispose()
    os.sync()


def clear(database: Database) -> None:
    """Delete what waits."""
    with database.writing() as connection:
        connection.execute(TABLE.delete().where(TABLE.c.endpoint.in_(("slow", "dead"))))


async def measure(url: str, rate: int, seconds: float, waiting: int) -> list[Measurement]:
    """Return what each neighbour costs."""
    found = []
    with store(url) as database:
        endpoints = Endpoints()
        outbox = Outbox(database, [endpoints])
        await outbox.start()

        async def beside(name: str, prepare: Callable[[], None], at: int = rate) -> None:
            await asyncio.to_thread(prepare)
            await asyncio.to_thread(settle, database)
            await flood(outbox, endpoints, f"before {name}", at, 1.0)
            found.append(await flood(outbox, endpoints, name, at, seconds))

        await beside("nothing, a tenth of the rate", lambda: None, max(1, rate // 10))
        await beside("nothing", lambda: None)
        await beside("2,000 of one that takes 30 s", lambda: fill(database, "slow", 2000))
        await beside(f"these and {waiting:,} of a dead one", lambda: fill(database, "dead", waiting))
        await beside("nothing again", lambda: clear(database))
        await outbox.stop(0.1)
    return found


def rows(quick: bool = False) -> list[Row]:
    """Measure for the table, in a store of its own."""
    rate, seconds, waiting = SMALL if quick else SIZE
    found = asyncio.run(measure("", rate, seconds, waiting))
    print(*(one.line() for one in found), sep="\n")
    times = _times(found)
    return [
        Row(
            "P9",
            f"p99 of deliveries beside 2,000 that take 30 s / beside {waiting:,} dead ones",
            "< 2 times",
            f"{' / '.join(f'{one:.2f}' for one in times.values())} times",
            max(times.values()) < 2,
            "python -m benchmarks.outbox",
        )
    ]


def lateness(found: Sequence[Measurement]) -> str:
    """Return how many times as late as beside nothing the 99th percentile arrives, for a person."""
    return "; ".join(f"p99 beside {name}: {times:.2f} times that" for name, times in _times(found).items())


def _times(found: Sequence[Measurement]) -> dict[str, float]:
    """Return how many times as late as beside nothing the 99th percentile arrives, by its neighbour."""
    usual = max(one.way[1] for one in found if one.beside in ("nothing", "nothing again"))
    return {one.beside: one.way[1] / usual for one in found if not one.beside.startswith("nothing")}


def main() -> None:
    """Measure as the flags say and print a line for each neighbour."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tiny size, to see that it runs")
    parser.add_argument("--url", default="")
    parser.add_argument("--rate", type=int, default=SIZE[0])
    parser.add_argument("--seconds", type=float, default=SIZE[1])
    options = parser.parse_args()
    size = SMALL if options.quick else (options.rate, options.seconds, SIZE[2])
    found = asyncio.run(measure(options.url, *size))
    print(*(one.line() for one in found), lateness(found), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
