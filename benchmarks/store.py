"""What the store takes on a disk, and how long it takes to answer.

    python -m benchmarks.store [--targets 1000] [--days 7] [--url postgresql://...]

Summaries of every hour are written for targets that are checked once a minute, one in a hundred of them
failing, and measured are: bytes of an hour and target, what writing a row costs, the seconds that `stats`
takes for a window of half these days beside the other half, and how long retention keeps a writer waiting.
Without --url SQLite in a folder that is removed afterwards.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from exporter.core.reason import Reason
from exporter.core.store import Failure, Filter, Window
from exporter.core.summary import HOUR, Summaries, Summary
from exporter.server.handlers.stats import StatsQuery, read_rows, windows
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database

RUNS = 60
NOW = 1_795_000_000
PG_SIZE = """
SELECT sum(pg_total_relation_size(oid))
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def main() -> None:
    """Measure as the flags say and print a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    with _store(options.url) as store:
        empty = _size(store)
        rows = options.targets * options.days * 24
        wall, cpu = _fill(store, options.targets, options.days)
        print(
            f"rows: {rows}, each {wall / rows * 1e6:.0f} us, of which {cpu / rows * 1e6:.0f} of our own CPU"
        )
        print(f"bytes of an hour and target: {(_size(store) - empty) / rows:.0f}")
        before = _size(store)
        store.write([CheckBatch(failures=[_failure(number) for number in range(5000)])])
        print(f"bytes of a failed check with its log: {(_size(store) - before) / 5000:.0f}")
        _ask(store, options.days)
        _retain(store)
        _ask(store, options.days)


@contextmanager
def _store(url: str) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        store = Database(url or f"sqlite:///{folder}/state.db")
        store.open()
        try:
            yield store
        finally:
            store.close()


def _fill(store: Database, targets: int, days: int) -> tuple[float, float]:
    """Write every hour and return the seconds that writing took: by the wall's clock, and of CPU."""
    chance, wall, cpu = random.Random(1), 0.0, 0.0
    first = NOW // HOUR - days * 24 + 1
    for hour in range(first, first + days * 24):
        batch = CheckBatch(summaries=_hour(hour * HOUR, targets, chance))
        began = time.perf_counter(), time.process_time()
        store.write([batch])
        wall += time.perf_counter() - began[0]
        cpu += time.process_time() - began[1]
    return wall, cpu


def _hour(hour: int, targets: int, chance: random.Random) -> Summaries:
    found: Summaries = {}
    for number in range(targets):
        made = Summary(hour, "http")
        usual = 0.02 * 1.01 ** (number % 300)
        for _ in range(RUNS - 1):
            made.add_success(chance.lognormvariate(0, 0.3) * usual)
        if number % 100:
            made.add_success(usual)
        else:
            made.add_failure("timeout")
        made.add_watch(3600.0, failing=False)
        found[("integration-name", f"tenant-{number:05}"), hour] = made
    return found


def _failure(number: int) -> Failure:
    log = tuple(
        (0.001 * step, f"step {step} of a check, with some words on what was found") for step in range(8)
    )
    key = ("integration-name", f"tenant-{number % 1000:05}")
    return Failure(
        NOW - number, key, "http", Reason.TIMEOUT, "no answer within 10 s", 10.0, None, log, "4bf92f35"
    )


def _ask(store: Database, days: int) -> None:
    for name, chosen in (("all targets", Filter()), ("one tenant", Filter(tenant="tenant-00042"))):
        like = Window(0, 0, chosen=chosen)
        now, before = windows(NOW, days * 12, like)
        began, cpu = time.perf_counter(), time.process_time()
        query = StatsQuery(now, before, 500, 0)
        found = store.read(partial(read_rows, query=query))
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        half = f"{days / 2:g} days"
        print(
            f"stats of {half} beside {half} before, {name}: {took:.2f} s ({cpu:.2f} CPU), {len(found)} rows"
        )


def _retain(store: Database) -> None:
    """Delete the failures and fold the hours that are old enough, as the exporter does once an hour."""
    longest, deleted = 0.0, 0
    while True:
        began = time.perf_counter()
        count = store.retain({"errors": 60.0}, NOW)
        longest = max(longest, time.perf_counter() - began)
        deleted += count
        if not count:
            break
    print(f"retention and folding: {deleted} rows went, a writer waits {longest * 1000:.0f} ms at most")


def _size(store: Database) -> int:
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            return int(connection.exec_driver_sql(PG_SIZE).scalar_one())
    with store.reading() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(str(store.url.database)).stat().st_size


if __name__ == "__main__":
    main()
