"""A run that found no descriptor is put off: its target stays as it is, and nobody is called."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest
import structlog

from exporter.core.errors import SHORTAGE_RETRY as AGAIN
from exporter.core.errors import ProbeError, Shortage
from exporter.core.metric import Sample
from exporter.core.network import Request
from exporter.core.probe import Allowance, Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.shortages import QUIET, Shortages
from exporter.net.network import LoopNetwork
from tests.clock import HandClock
from tests.engine.making import QUEUE, made_configuration, made_probe, made_target
from tests.engine.stage import Kept
from tests.scarcity import no_descriptors
from tests.servers import raw
from tests.waiting import PATIENCE

BEGINS = "the exporter lacks what it needs to probe: runs are put off, no target counts as failed"
ENDS = "the exporter has what it needs to probe again"


class Vendor:
    """Makes calls of a new connection each, some of them before descriptors are gone; counts its runs."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.runs = 0
        self.scarce_after: int | None = None

    async def __call__(self, target: Target, kit: Kit) -> Iterable[Sample]:
        self.runs += 1
        for _ in range(self.scarce_after or 0):
            await kit.call(Request(self.url, reuse=False))
        if self.scarce_after is None:
            await kit.call(Request(self.url, reuse=False))
            return [QUEUE(3)]
        with no_descriptors():
            await kit.call(Request(self.url, reuse=False))
        return []


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with raw.serving(raw.answering(raw.ok())) as server:
        yield Vendor(server.port)


@pytest.fixture
async def engine(clock: HandClock, kept: Kept) -> AsyncIterator[Engine]:
    network = LoopNetwork()
    started = Engine(network, clock, kept, SelfMetrics())
    yield started
    await started.stop(0)
    await network.close()


async def pass_by(engine: Engine, clock: HandClock, seconds: float) -> None:
    """Move on second by second, and let the runs of each come to their end."""
    for _ in range(int(seconds)):
        await clock.advance(1)
        async with asyncio.timeout(PATIENCE):
            while engine.scheduler.running:
                await asyncio.sleep(0.001)


async def values(engine: Engine, *names: str) -> dict[str, float]:
    """Return the values of the series whose name or text begins with one of `names`."""
    lines = (await engine.render(False, False)).decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith(names)
    }


SEEN = (
    "integration_probe_success",
    "integration_probe_consecutive_failures",
    "integration_probe_failure_info",
    "integration_probes_total",
    "integration_probe_failures_total",
    "integration_made_queue_length",
    "integration_probe_next_run_timestamp_seconds",
    "integration_probe_last_run_timestamp_seconds",
)


async def test_a_run_without_a_descriptor_changes_nothing_of_its_target_which_is_overdue_while_that_lasts(
    engine: Engine, clock: HandClock, vendor: Vendor, probe: Probe, kept: Kept
) -> None:
    target = made_target(probe=probe)
    engine.apply(made_configuration([target]))
    await pass_by(engine, clock, 2)
    before = await values(engine, *SEEN)
    assert before['integration_probe_success{integration="payments",provider="made",tenant=""}'] == 1.0
    vendor.scarce_after = 0
    await pass_by(engine, clock, 400)
    assert await values(engine, *SEEN) == before
    state = engine.board.get(target.key)
    assert state is not None and state.next_run is not None
    assert clock.now() - state.next_run > 300  # what the alert on overdue probes compares
    assert engine.history.recent_failures() == [] and engine.history.recent_changes() == []
    assert not any(batch.failures or batch.changes for batch in kept.batches)
    tries = (400 - 60) / AGAIN
    assert tries - 2 < vendor.runs - 1 < tries + 2
    vendor.scarce_after = None
    await pass_by(engine, clock, AGAIN + 1)
    after = await values(engine, *SEEN)
    assert after['integration_probes_total{integration="payments",provider="made"}'] == 2.0
    assert after['integration_probe_success{integration="payments",provider="made",tenant=""}'] == 1.0
    assert state.next_run > clock.now()


async def test_a_target_that_failed_before_goes_on_to_count_as_failed_and_not_more_often(
    engine: Engine, clock: HandClock
) -> None:
    async def refuse(_target: Target, _kit: Kit) -> Iterable[Sample]:
        raise failures[0]

    failures: list[Exception] = [ProbeError(Reason.AUTH, "expired")]
    target = made_target(probe=made_probe(refuse))
    engine.apply(made_configuration([target]))
    await pass_by(engine, clock, 2)
    failures[0] = Shortage("descriptors", "none left")
    await pass_by(engine, clock, 200)
    state = engine.board.get(target.key)
    assert state is not None
    assert (state.status, state.reason, state.failures) == ("error", Reason.AUTH, 1)


async def test_a_new_target_stays_unknown(
    engine: Engine, clock: HandClock, vendor: Vendor, probe: Probe
) -> None:
    vendor.scarce_after = 0
    target = made_target(probe=probe)
    engine.apply(made_configuration([target]))
    await pass_by(engine, clock, 30)
    state = engine.board.get(target.key)
    assert state is not None and (state.status, state.last_run) == ("unknown", None)


async def test_calls_that_a_run_made_before_are_counted_and_spent_and_the_one_that_stayed_here_is_not(
    engine: Engine, clock: HandClock, vendor: Vendor
) -> None:
    vendor.scarce_after = 2
    frugal = made_probe(vendor, allowance=Allowance(calls=720, source="a test"))  # one an hour
    engine.apply(made_configuration([made_target(probe=frugal)]))
    await pass_by(engine, clock, 60)
    counted = await values(engine, "integration_exporter_api_calls_total")
    assert (list(counted.values()), vendor.runs) == ([2.0], 1)  # the budget lets it not begin again


async def test_an_episode_is_two_lines_on_the_log_and_each_run_is_counted(
    engine: Engine, clock: HandClock, vendor: Vendor, probe: Probe
) -> None:
    engine.apply(made_configuration([made_target(name, probe=probe) for name in ("a", "b", "c")]))
    await pass_by(engine, clock, 3)
    none = await values(engine, "integration_exporter_shortages_total")
    assert set(none.values()) == {0.0} and len(none) == 3
    vendor.scarce_after, runs = 0, vendor.runs
    with structlog.testing.capture_logs() as lines:
        await pass_by(engine, clock, 300)
        put_off = vendor.runs - runs
        vendor.scarce_after = None
        await pass_by(engine, clock, QUIET + AGAIN)
    counted = await values(engine, "integration_exporter_shortages_total")
    assert counted['integration_exporter_shortages_total{resource="descriptors"}'] == put_off > 20
    assert [(line["event"], line["log_level"]) for line in lines] == [(BEGINS, "error"), (ENDS, "info")]
    assert "raise LimitNOFILE or ulimit -n" in lines[0]["error"] and lines[1]["put_off"] == put_off


async def test_an_episode_that_begins_later_is_reported_again() -> None:
    clock = HandClock()
    shortages = Shortages(clock, SelfMetrics())
    with structlog.testing.capture_logs() as lines:
        for wait in (QUIET - 1, QUIET - 1, QUIET + 1, QUIET + 1):
            shortages.note(Shortage("memory", "none left"))
            await clock.advance(wait)
    assert [line["event"] for line in lines] == [BEGINS, ENDS, BEGINS, ENDS]


async def test_a_caller_of_a_check_learns_what_is_lacking_and_when_it_is_tried_again(
    engine: Engine, clock: HandClock, vendor: Vendor, probe: Probe
) -> None:
    target = made_target(probe=probe)
    engine.apply(made_configuration([target]))
    await pass_by(engine, clock, 2)
    vendor.scarce_after = 0
    asked = asyncio.create_task(engine.check(target.key))
    await pass_by(engine, clock, 2)
    with pytest.raises(Shortage, match=r"raise LimitNOFILE or ulimit -n; the next run is in \d\d s"):
        await asked
    vendor.scarce_after = None
    asked = asyncio.create_task(engine.check(target.key))
    await pass_by(engine, clock, 2)
    assert (await asked).ok


async def test_a_target_that_went_away_while_its_run_found_nothing_is_left_alone(
    engine: Engine, clock: HandClock
) -> None:
    going = asyncio.Event()

    async def wait(_target: Target, _kit: Kit) -> Iterable[Sample]:
        await going.wait()
        raise Shortage("descriptors", "none left")

    engine.apply(made_configuration([made_target(probe=made_probe(wait))]))
    await clock.advance(2)
    engine.apply(made_configuration([]))
    going.set()
    await pass_by(engine, clock, 30)
    assert len(engine.board) == 0
