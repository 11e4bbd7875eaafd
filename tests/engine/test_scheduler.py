"""The schedule: spread, lanes, hastening, removal."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from exporter.core.clock import SystemClock
from exporter.core.probe import Target
from exporter.engine.scheduler import JITTER, PORTION, ScheduledTarget, Scheduler, next_slot, spread
from tests.clock import HandClock, settle
from tests.engine.making import made_probe, made_target
from tests.waiting import PATIENCE


class Runs:
    """Notes each run; a run lasts until `finish` when its target is among `slow`."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.started: list[tuple[str, float]] = []
        self.lags: list[float] = []
        self.slow: set[str] = set()
        self.finish = asyncio.Event()
        self.delay = 60.0

    async def __call__(self, job: ScheduledTarget, lag: float) -> float:
        self.started.append((str(job.target), self.clock.monotonic()))
        self.lags.append(lag)
        if job.target.integration in self.slow:
            await self.finish.wait()
        return self.delay

    def count(self) -> Counter[str]:
        return Counter(name for name, _ in self.started)


@pytest.fixture
def runs(clock: HandClock) -> Runs:
    return Runs(clock)


@pytest.fixture
async def scheduler(clock: HandClock, runs: Runs) -> AsyncIterator[Scheduler]:
    made = Scheduler(clock, runs)
    yield made
    await made.stop(0)


async def test_a_target_runs_after_its_delay_and_then_again_after_what_the_run_returned(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    scheduler.add([(made_target(), 5.0)])
    await clock.advance(4.9)
    assert runs.started == []
    await clock.advance(0.1)
    await clock.advance(120)
    assert [when for _, when in runs.started] == [5.0, 65.0, 125.0]


async def test_a_run_knows_its_number_by_which_its_jitter_goes(clock: HandClock) -> None:
    numbers: list[int] = []

    async def note(job: ScheduledTarget, lag: float) -> float:
        numbers.append(job.runs)
        return 60.0

    scheduler = Scheduler(clock, note)
    scheduler.add([(made_target(), 0.0)])
    await clock.advance(130)
    await scheduler.stop(0)
    assert numbers == [1, 2, 3]


async def test_first_runs_of_many_targets_are_spread_and_few_start_at_once(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    waits = scheduler.add([(made_target("many", f"t{n}"), None) for n in range(1000)])
    assert max(waits.values()) <= 1000 / 50
    per_second = Counter(int(wait) for wait in waits.values())
    assert len(per_second) == 20
    assert max(per_second.values()) < 100


async def test_first_runs_of_many_integrations_are_spread_too(scheduler: Scheduler) -> None:
    generic = made_probe(generic=True)
    waits = scheduler.add([(made_target(f"i{n}", probe=generic), None) for n in range(2000)])
    assert 9 < max(waits.values()) <= 2000 / 200
    assert max(Counter(int(wait) for wait in waits.values()).values()) < 300


async def test_a_burst_starts_in_portions_so_that_the_loop_serves_what_is_under_way() -> None:
    turn, starts = 0, Counter[int]()

    async def note(job: ScheduledTarget, lag: float) -> float:
        starts[turn] += 1
        return 60.0

    scheduler = Scheduler(SystemClock(), note)
    generic = made_probe(generic=True)
    scheduler.add([(made_target(f"i{n}", probe=generic), 0.0) for n in range(500)])
    while sum(starts.values()) < 500:
        turn += 1
        assert turn < 10_000
        await asyncio.sleep(0)
    await scheduler.stop(0)
    assert max(starts.values()) <= PORTION


async def test_a_slow_vendor_never_delays_another(clock: HandClock, runs: Runs, scheduler: Scheduler) -> None:
    slow, quick = made_probe(concurrency=2), made_probe(generic=True)
    runs.slow = {"slow"}
    scheduler.add([(made_target("slow", f"t{n}", slow), 0.0) for n in range(10)])
    scheduler.add([(made_target("quick", "", quick), 0.0)])
    await clock.advance(600)
    assert runs.count()["quick"] == 11
    assert sum(n for name, n in runs.count().items() if name.startswith("slow")) == 2
    assert scheduler.waiting() == 8
    assert max(lag for (name, _), lag in zip(runs.started, runs.lags, strict=True) if name == "quick") == 0


async def test_integrations_of_a_generic_probe_do_not_share_a_lane(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    generic = made_probe(generic=True, concurrency=1)
    runs.slow = {"dead"}
    scheduler.add([(made_target("dead", "a", generic), 0.0), (made_target("alive", "", generic), 1.0)])
    await clock.advance(2)
    assert runs.count() == {"dead/a": 1, "alive": 1}


async def test_what_waited_in_its_lane_has_its_lag_reported(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    runs.slow = {"payments"}
    probe = made_probe(concurrency=1)
    scheduler.add([(made_target(tenant="a", probe=probe), 0.0), (made_target(tenant="b", probe=probe), 0.0)])
    await clock.advance(7)
    runs.finish.set()
    await settle()
    assert runs.lags == [0.0, 7.0]


async def test_the_whole_process_runs_no_more_than_its_limit_and_every_lane_gets_its_turn(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    runs.slow = {f"i{n}" for n in range(6)}
    scheduler = Scheduler(clock, runs, most=4)  # in place of the usual one
    scheduler.add([(made_target(f"i{n}", probe=made_probe(generic=True)), 0.0) for n in range(6)])
    await clock.advance(1)
    assert scheduler.running == 4
    runs.finish.set()
    await settle()
    assert len(runs.count()) == 6


async def test_a_hastened_target_runs_at_once_and_only_once(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    target = made_target()
    scheduler.add([(target, 50.0)])
    scheduler.run_soon(target.key)
    scheduler.run_soon(target.key)
    await clock.advance(0)
    assert len(runs.started) == 1
    await clock.advance(55)
    assert len(runs.started) == 1  # the old due time is forgotten
    await clock.advance(10)
    assert len(runs.started) == 2


async def test_hastening_a_target_that_waits_in_its_lane_does_not_run_it_twice(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    probe = made_probe(concurrency=1)
    first, second = made_target(tenant="a", probe=probe), made_target(tenant="b", probe=probe)
    runs.slow = {"payments"}
    scheduler.add([(first, 0.0), (second, 0.0)])
    await clock.advance(1)
    scheduler.run_soon(second.key)
    runs.finish.set()
    await clock.advance(1)
    assert runs.count() == {"payments/a": 1, "payments/b": 1}


async def test_a_removed_target_is_cancelled_and_never_runs_again(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    target = made_target()
    runs.slow = {"payments"}
    scheduler.add([(target, 0.0)])
    await clock.advance(1)
    scheduler.remove(target.key)
    await clock.advance(600)
    assert len(runs.started) == 1
    assert scheduler.running == 0
    assert target.key not in scheduler


async def test_a_run_that_breaks_keeps_its_place_in_the_schedule(clock: HandClock) -> None:
    started: list[Target] = []

    async def broken(job: ScheduledTarget, lag: float) -> float:
        started.append(job.target)
        raise ValueError("a mistake of the engine")

    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context["exception"]))
    scheduler = Scheduler(clock, broken)
    scheduler.add([(made_target(), 0.0)])
    await clock.advance(61)
    assert len(started) == 2


async def test_stopping_lets_runs_end_and_cuts_the_late_ones(
    clock: HandClock, runs: Runs, scheduler: Scheduler
) -> None:
    runs.slow = {"slow"}
    scheduler.add([(made_target("slow"), 0.0)])
    await clock.advance(1)
    assert await scheduler.stop(0.01) == 1
    assert scheduler.running == 0


def test_slots_keep_their_phase_over_runs_and_restarts_and_never_come_too_soon() -> None:
    target = made_target(interval=60.0)
    began = 1_800_000_000.0
    slots = [next_slot(target, began + 60 * n, n) for n in range(50)]
    phases = [(slot - spread(target.key) * 60) % 60 for slot in slots]
    assert all(min(phase, 60 - phase) <= 60 * JITTER for phase in phases)
    assert all(slot - (began + 60 * n) >= 30 - 60 * JITTER for n, slot in enumerate(slots))
    assert all(slot - (began + 60 * n) <= 90 + 60 * JITTER for n, slot in enumerate(slots))


def test_the_spread_is_even() -> None:
    buckets = Counter(int(spread(("i", f"t{n}")) * 10) for n in range(10_000))
    assert len(buckets) == 10
    assert min(buckets.values()) > 900


async def test_busy_lanes_share_a_full_process_with_those_that_wait(clock: HandClock) -> None:
    started: Counter[str] = Counter()

    async def work(job: ScheduledTarget, lag: float) -> float:
        started[job.target.integration] += 1
        await asyncio.sleep(0)
        return 0.0  # due again at once: every lane is saturated

    scheduler = Scheduler(SystemClock(), work, most=4)
    generic = made_probe(generic=True, concurrency=4)
    scheduler.add([(made_target(f"i{n}", f"t{m}", generic), 0.0) for n in range(8) for m in range(8)])
    for _ in range(3000):
        await asyncio.sleep(0)
    await scheduler.stop(PATIENCE)
    assert len(started) == 8
    assert min(started.values()) > max(started.values()) / 3
