"""What the first step left is right after the second one: another run, a reload, a restart, a stop."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import pytest

from exporter.core.errors import Deferred, ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Allowance, Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.engine.engine import Engine
from exporter.engine.saver import SAVE_HEALTHY_EVERY
from exporter.engine.selfmetrics import SelfMetrics
from exporter.net.network import LoopNetwork
from exporter.sandbox.oauth import OAuthServer, serving
from tests.clock import HandClock, settle
from tests.engine.making import (
    BLOCKED_UNTIL,
    MadeOptions,
    NoNetwork,
    made_configuration,
    made_probe,
    made_target,
)
from tests.engine.stage import MADE, Kept, Vendor, body, named
from tests.tokens.endpoints import configured, made
from tests.waiting import PATIENCE

HOUR = 3_600.0
FRUGAL = Allowance(calls=720, source="a test")
"""One call an hour."""


async def value_of(engine: Engine, start: str) -> float:
    (line,) = [line for line in await body(engine) if line.startswith(start)]
    return float(line.rpartition(" ")[2])


async def never(target: Target, kit: Kit) -> Iterable[Sample]:
    await asyncio.Event().wait()
    return []


# Sequences and caps


async def test_who_asks_for_a_check_while_the_vendor_wants_a_pause_hears_how_long(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    vendor.error = ProbeError(Reason.RATE_LIMITED, "slow down", retry_after=500)
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(2)
    left = (await value_of(engine, "integration_probe_last_run")) + 500 - clock.now()
    with pytest.raises(Deferred, match="the vendor asked for a pause") as caught:
        await engine.check(("payments", ""))
    assert caught.value.seconds == pytest.approx(left)
    await clock.advance(left - 0.5)
    with pytest.raises(Deferred):
        await engine.check(("payments", ""))
    assert len(vendor.runs) == 1


async def test_who_asks_for_a_check_of_a_spent_budget_hears_how_long_and_the_scrape_has_it_too(
    engine: Engine, clock: HandClock, vendor: Vendor
) -> None:
    target = made_target(probe=made_probe(vendor, allowance=FRUGAL), interval=7200.0)
    engine.apply(made_configuration([target]))
    await clock.advance(2)
    assert len(vendor.runs) == 1
    asked = asyncio.ensure_future(engine.check(target.key))
    await settle()
    await clock.advance(0)
    with pytest.raises(Deferred, match="the call budget of the credential is spent") as caught:
        await asyncio.wait_for(asked, PATIENCE)
    assert caught.value.seconds == pytest.approx(HOUR, rel=0.01)
    assert await value_of(engine, "integration_exporter_probes_deferred_total") == 1
    planned = await value_of(engine, "integration_probe_next_run_timestamp_seconds")
    assert planned == pytest.approx(clock.now() + caught.value.seconds)
    await clock.advance(caught.value.seconds)
    assert len(vendor.runs) == 2


@pytest.mark.parametrize(("second", "runs"), [("one", 1), ("two", 2)])
async def test_targets_with_one_credential_share_its_budget_and_others_have_their_own(
    engine: Engine, clock: HandClock, vendor: Vendor, second: str, runs: int
) -> None:
    frugal = made_probe(vendor, allowance=FRUGAL)
    targets = [
        made_target(tenant=str(number), probe=frugal, options=MadeOptions(secret_key=Secret(key)))
        for number, key in enumerate(("one", second))
    ]
    engine.apply(made_configuration(targets))
    await clock.advance(1800)
    assert len(vendor.runs) == runs


async def test_what_one_run_called_is_what_its_credential_has_less(engine: Engine, clock: HandClock) -> None:
    async def greedy(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.trace.calls += 3
        return []

    target = made_target(probe=made_probe(greedy, allowance=FRUGAL))
    engine.apply(made_configuration([target]))
    await clock.advance(2)
    asked = asyncio.ensure_future(engine.check(target.key))
    await settle()
    await clock.advance(0)
    with pytest.raises(Deferred) as caught:
        await asyncio.wait_for(asked, PATIENCE)
    assert caught.value.seconds == pytest.approx(3 * HOUR, rel=0.01)


async def test_healthy_targets_reach_the_store_a_few_at_a_time_and_a_failure_with_the_next_batch(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor, kept: Kept
) -> None:
    targets = [made_target(tenant=f"t{number}", probe=probe) for number in range(90)]
    engine.apply(made_configuration(targets))
    await clock.advance(70)  # every one ran, and is saved as it became connected
    kept.batches.clear()
    await clock.advance(120)
    sizes = [len(batch.snapshots) for batch in kept.batches]
    assert max(sizes) < 90 / SAVE_HEALTHY_EVERY + 3
    assert kept.snapshots().keys() == {target.key for target in targets}
    vendor.error = ProbeError(Reason.AUTH, "expired")
    kept.batches.clear()
    asked = asyncio.ensure_future(engine.check(targets[0].key))
    await settle()
    await clock.advance(1)
    assert not (await asked).ok
    saved = kept.snapshots()[targets[0].key]
    assert (saved.status, saved.failures, saved.detail) == ("error", 1, "expired")
    kept.batches.clear()
    await clock.advance(95)
    state = engine.board.get(targets[0].key)
    assert state is not None and state.failures >= 2
    assert kept.snapshots()[targets[0].key].failures == state.failures, "one more is in the next batch too"


async def test_an_answer_that_was_kept_for_later_runs_is_in_the_next_batch(
    engine: Engine, clock: HandClock, kept: Kept
) -> None:
    """The store would else pay for it again after a kill."""

    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.remember("account", len(rounds)) if len(rounds) == 3 else None
        rounds.append(kit.now())
        return []

    rounds: list[float] = []
    targets = [made_target(tenant=f"t{number}") for number in range(60)]
    remembering = made_target(probe=made_probe(check))
    engine.apply(made_configuration([*targets, remembering]))
    while len(rounds) < 4:
        kept.batches.clear()
        await clock.advance(1)
    await clock.advance(1)
    assert kept.snapshots()[remembering.key].answers == {"account": (rounds[3], 3)}


# State over a reload and a restart


@pytest.mark.parametrize(("replicas", "hours"), [(1, 1), (2, 2)])
async def test_a_reload_forgets_no_call_that_was_made_but_other_replicas_divide_again(
    engine: Engine, clock: HandClock, vendor: Vendor, replicas: int, hours: int
) -> None:
    frugal = made_probe(vendor, allowance=FRUGAL)
    before = made_target(probe=frugal)
    engine.apply(made_configuration([before]))
    await clock.advance(2)
    after = made_target(probe=frugal, labels=(("plan", "gold"),))
    engine.apply(made_configuration([after], replicas=replicas))
    await clock.advance(200)
    assert len(vendor.runs) == replicas, "with another number of replicas the bucket is a new one"
    state = engine.board.get(after.key)
    assert state is not None and state.next_run is not None
    assert state.next_run - clock.now() == pytest.approx(hours * HOUR, abs=300)


async def test_an_integration_that_became_critical_shows_it_and_goes_on_counting(
    engine: Engine, clock: HandClock, probe: Probe
) -> None:
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(130)
    counted = await value_of(engine, "integration_probes_total")
    assert counted > 1 and await value_of(engine, "integration_critical") == 0
    engine.apply(made_configuration([made_target(probe=probe, critical=True)]))
    assert await value_of(engine, "integration_critical") == 1
    assert await value_of(engine, "integration_probes_total") == counted


async def test_counters_of_an_integration_go_with_it(engine: Engine, clock: HandClock, probe: Probe) -> None:
    engine.apply(made_configuration([made_target("goes", probe=probe), made_target("stays", probe=probe)]))
    await clock.advance(2)
    engine.apply(made_configuration([made_target("stays", probe=probe)]))
    lines = await body(engine)
    assert 'integration_probes_total{integration="stays",provider="made"} 1.0' in lines
    assert not [line for line in lines if '"goes"' in line]


async def test_a_failing_target_that_loses_its_credential_fails_no_more_and_says_since_when(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor, kept: Kept
) -> None:
    vendor.error = ProbeError(Reason.RATE_LIMITED, "slow down", retry_after=500)
    vendor.facts = [BLOCKED_UNTIL(99)]
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(100)
    bare = made_target(probe=probe, options=MadeOptions(secret_key=None))
    engine.apply(made_configuration([bare]))
    lost_at = clock.now()
    state = engine.board.get(bare.key)
    assert state is not None
    assert (state.status, state.reason, state.detail) == (
        "not_configured",
        Reason.NOT_CONFIGURED,
        "no secret_key is configured",
    )
    assert (state.since, state.failures, state.until, state.next_run) == (lost_at, 0, None, None)
    await clock.advance(100)
    engine.apply(made_configuration([replace(bare, labels=(("plan", "gold"),))]))
    assert state.since == lost_at, "a reload that changes something else does not move it"
    await clock.advance(SAVE_HEALTHY_EVERY)
    assert kept.snapshots()[bare.key].status == "not_configured"
    engine.apply(made_configuration([made_target(probe=probe)]))
    vendor.error = None
    await clock.advance(2)
    assert f"integration_probe_success{{{MADE}}} 1.0" in await body(engine)
    assert state.since == pytest.approx(clock.now(), abs=2)


async def restarted(clock: HandClock, kept: Kept, target: Target) -> Engine:
    again = Engine(NoNetwork(), clock, kept, SelfMetrics())
    again.remember(kept.snapshots().values())
    again.apply(made_configuration([target]))
    return again


async def test_a_target_that_got_its_credential_while_the_exporter_was_down_is_new(
    clock: HandClock, probe: Probe, kept: Kept, vendor: Vendor
) -> None:
    first = await restarted(clock, kept, made_target(probe=probe, options=MadeOptions(secret_key=None)))
    await first.stop(0)
    assert kept.snapshots()[("payments", "")].status == "not_configured"
    again = await restarted(clock, kept, made_target(probe=probe))
    assert await named(again) == {
        "integration_info",
        "integration_configured",
        "integration_probe_next_run_timestamp_seconds",
    }
    assert f"integration_configured{{{MADE}}} 1.0" in await body(again)
    await clock.advance(2)
    assert vendor.runs == ["payments"]
    await again.stop(0)


async def test_a_target_that_is_still_without_its_credential_keeps_the_day_it_lost_it(
    clock: HandClock, probe: Probe, kept: Kept
) -> None:
    bare = made_target(probe=probe, options=MadeOptions(secret_key=None))
    first = await restarted(clock, kept, bare)
    lost_at = clock.now()
    await first.stop(0)
    await clock.advance(HOUR)
    again = await restarted(clock, kept, bare)
    state = again.board.get(bare.key)
    assert state is not None and state.since == lost_at
    await again.stop(0)


async def test_nothing_of_another_provider_comes_back_under_a_name_that_it_had(
    clock: HandClock, probe: Probe, vendor: Vendor, kept: Kept
) -> None:
    vendor.error, vendor.facts = ProbeError(Reason.AUTH, "expired"), [BLOCKED_UNTIL(99)]
    first = await restarted(clock, kept, made_target(probe=probe))
    await clock.advance(100)
    other = Probe("other", "Other", MadeOptions, vendor, probe.metrics)
    first.apply(made_configuration([made_target(probe=other)]))
    state = first.board.get(("payments", ""))
    assert state is not None
    assert (state.status, state.failures, state.facts, state.last_run) == ("unknown", 0, (), None)
    await first.stop(0)
    kept.batches = [batch for batch in kept.batches if all(s.failures for s in batch.snapshots.values())]
    again = await restarted(clock, kept, made_target(probe=other))
    state = again.board.get(("payments", ""))
    assert state is not None
    assert (state.status, state.failures, state.facts, state.last_run) == ("unknown", 0, (), None)
    await again.stop(0)


async def test_a_fact_whose_metric_is_no_more_does_not_come_back(
    clock: HandClock, probe: Probe, vendor: Vendor, kept: Kept
) -> None:
    vendor.facts = [BLOCKED_UNTIL(99)]
    first = await restarted(clock, kept, made_target(probe=probe))
    await clock.advance(2)
    await first.stop(0)
    newer = replace(probe, metrics=())
    again = await restarted(clock, kept, made_target(probe=newer))
    state = again.board.get(("payments", ""))
    assert state is not None and (state.status, state.facts) == ("connected", ())
    await again.stop(0)


async def test_what_the_store_knew_of_targets_that_are_gone_is_deleted_once(
    engine: Engine, clock: HandClock, probe: Probe, kept: Kept
) -> None:
    first = await restarted(clock, kept, made_target("old", probe=probe))
    await first.stop(0)
    engine.remember(kept.snapshots().values())
    for deleted in ([("old", "")], []):
        kept.batches.clear()
        engine.apply(made_configuration([made_target("new", probe=probe)]))
        assert [key for batch in kept.batches for key in batch.forget] == deleted


# The failure of a second step, and what is under way when the end comes


async def test_who_waits_for_a_check_hears_of_the_end_of_the_exporter(
    engine: Engine, clock: HandClock
) -> None:
    target = made_target(probe=made_probe(never))
    engine.apply(made_configuration([target]))
    asked = asyncio.ensure_future(engine.check(target.key))
    await settle()
    await clock.advance(0)
    assert await engine.stop(0) == 1
    with pytest.raises(Deferred, match="the exporter is stopping") as caught:
        await asyncio.wait_for(asked, PATIENCE)
    assert caught.value.seconds == 0


async def test_who_waits_for_a_check_of_a_target_that_is_taken_out_hears_it(
    engine: Engine, clock: HandClock, probe: Probe
) -> None:
    target = made_target("goes", probe=made_probe(never))
    engine.apply(made_configuration([target, made_target(probe=probe)]))
    asked = asyncio.ensure_future(engine.check(target.key))
    await settle()
    engine.apply(made_configuration([made_target(probe=probe)]))
    with pytest.raises(Deferred, match="the target was removed") as caught:
        await asyncio.wait_for(asked, PATIENCE)
    assert caught.value.seconds == 0
    assert engine.scheduler.running <= 1


async def test_one_who_no_longer_waits_keeps_no_answer_from_the_others(
    engine: Engine, clock: HandClock, probe: Probe
) -> None:
    target = made_target(probe=probe)
    engine.apply(made_configuration([target]))
    gone, stays = (asyncio.ensure_future(engine.check(target.key)) for _ in range(2))
    await settle()
    gone.cancel()
    await settle()
    await clock.advance(0)
    assert (await asyncio.wait_for(stays, PATIENCE)).ok


async def test_at_the_stop_every_state_is_saved_and_nothing_after_it(
    engine: Engine, clock: HandClock, probe: Probe, kept: Kept
) -> None:
    targets = [made_target(tenant=f"t{number}", probe=probe) for number in range(40)]
    engine.apply(made_configuration(targets))
    await clock.advance(130)
    runs = {state.target.key: state.last_run for state in engine.board}
    assert await engine.stop(0) == 0
    assert {key: saved.last_run for key, saved in kept.snapshots().items()} == runs
    count = len(kept.batches)
    await clock.advance(60)
    assert len(kept.batches) == count


@pytest.fixture
async def tokens() -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer()) as started:
        yield started


async def test_a_token_that_is_renewed_between_two_runs_is_in_the_next_scrape(
    clock: HandClock, tokens: OAuthServer
) -> None:
    network = LoopNetwork()
    engine = Engine(network, clock, lambda _batch: None, SelfMetrics())
    target = made(tokens, "calendar", refresh_token=Secret(tokens.connect("acme")))
    engine.apply(configured(target))
    assert "integration_token_state" in await named(engine)
    assert "integration_token_expiry_timestamp_seconds" not in await named(engine)
    assert (await engine.tokens.refresh(target.key, "user:ann")).result == "ok"
    await settle()
    ends = await value_of(engine, "integration_token_expiry_timestamp_seconds")
    assert ends == pytest.approx(clock.now() + HOUR)
    await engine.stop(PATIENCE)
    await network.close()
