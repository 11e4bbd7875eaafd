"""The engine: what is shown when, what survives a reload, what a vendor's pause does."""

import asyncio
from collections.abc import Iterable

import pytest

from exporter.core.configuration import Configuration
from exporter.core.errors import Deferred, ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import Allowance, Kit, Probe, Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.threshold import Threshold, ThresholdFamily
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
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
from tests.waiting import PATIENCE


async def test_before_the_first_run_only_what_is_known_is_shown(engine: Engine, probe: Probe) -> None:
    engine.apply(made_configuration([made_target(probe=probe, labels=(("plan", "gold"),))]))
    assert await named(engine) == {
        "integration_info",
        "integration_configured",
        "integration_probe_next_run_timestamp_seconds",
    }
    assert 'integration_info{integration="payments",plan="gold",provider="made",tenant=""} 1.0' in await body(
        engine
    )


async def test_a_success_shows_measured_values_and_no_reason(
    engine: Engine, clock: HandClock, probe: Probe
) -> None:
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(2)
    lines = await body(engine)
    assert f"integration_probe_success{{{MADE}}} 1.0" in lines
    assert f"integration_made_queue_length{{{MADE}}} 3.0" in lines
    assert "integration_probe_failure_info" not in await named(engine)


async def test_a_failure_takes_measured_values_away_and_keeps_dated_facts(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    vendor.facts = [BLOCKED_UNTIL(99)]
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(2)
    vendor.error, vendor.facts = ProbeError(Reason.AUTH, "expired"), []
    await clock.advance(138)
    lines = await body(engine)
    assert f"integration_probe_success{{{MADE}}} 0.0" in lines
    assert f"integration_probe_consecutive_failures{{{MADE}}} 2.0" in lines
    assert (
        'integration_probe_failure_info{integration="payments",provider="made",reason="auth",tenant=""} 1.0'
        in lines
    )
    assert f"integration_made_blocked_until_timestamp_seconds{{{MADE}}} 99.0" in lines
    assert "integration_made_queue_length" not in await named(engine)
    vendor.error = None
    await clock.advance(65)
    assert "integration_made_blocked_until_timestamp_seconds" not in await named(engine)  # contradicted


async def test_not_configured_is_two_series_and_never_runs(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    engine.apply(made_configuration([made_target(probe=probe, options=MadeOptions(secret_key=None))]))
    await clock.advance(600)
    assert await named(engine) == {"integration_info", "integration_configured"}
    assert f"integration_configured{{{MADE}}} 0.0" in await body(engine)
    assert vendor.runs == []
    assert (await engine.check(("payments", ""))).reason is Reason.NOT_CONFIGURED


async def test_what_rules_take_the_increase_of_is_counted_from_zero_and_a_reason_from_its_first_failure(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    engine.apply(made_configuration([made_target(probe=probe)]))
    failures = 'integration_probe_failures_total{integration="payments",provider="made",reason="quota"} 1.0'
    whole = '{integration="payments",provider="made"} 0.0'
    lines = await body(engine)
    assert {f"integration_probes_total{whole}", f"integration_probe_schema_drift_total{whole}"} <= set(lines)
    assert "integration_probe_failures_total" not in await named(engine)
    vendor.error = ProbeError(Reason.QUOTA, "used up")
    await clock.advance(2)
    assert failures in await body(engine)
    assert 'integration_probes_total{integration="payments",provider="made"} 1.0' in await body(engine)
    assert 'integration_exporter_api_calls_total{integration="payments",provider="made"} 1.0' in await body(
        engine
    )


async def test_a_reload_leaves_unchanged_targets_alone_and_series_vanish_with_their_target(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor, kept: Kept
) -> None:
    stays, goes, changes = (made_target(name, probe=probe) for name in ("stays", "goes", "changes"))
    engine.apply(made_configuration([stays, goes, changes]))
    await clock.advance(2)
    state, due = engine.board.get(stays.key), engine.board.get(stays.key).next_run  # type: ignore[union-attr]  # it is there
    vendor.runs.clear()
    new = made_target("changes", probe=probe, options=MadeOptions(step="2"))
    engine.apply(made_configuration([new, stays]))
    assert engine.board.get(stays.key) is state
    assert state is not None
    assert state.next_run == due
    assert not any('"goes"' in line for line in await body(engine))
    await clock.advance(2)
    assert vendor.runs == ["changes"]
    assert [str(found.target) for found in engine.board] == ["changes", "stays"]
    assert any(goes.key in batch.forget for batch in kept.batches)
    lines = await body(engine)
    assert (
        'integration_probe_consecutive_failures{integration="changes",provider="made",tenant=""} 0.0' in lines
    )


async def test_a_changed_target_keeps_its_consecutive_failures_so_that_no_alert_blinks(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    vendor.error = ProbeError(Reason.AUTH, "expired")
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(205)
    engine.apply(made_configuration([made_target(probe=probe, options=MadeOptions(step="2"))]))
    assert f"integration_probe_consecutive_failures{{{MADE}}} 4.0" in await body(engine)


async def test_state_comes_back_from_the_store_before_the_first_run(
    clock: HandClock, probe: Probe, vendor: Vendor, kept: Kept
) -> None:
    vendor.error, vendor.facts = ProbeError(Reason.AUTH, "expired"), [BLOCKED_UNTIL(99)]
    first = Engine(NoNetwork(), clock, kept, SelfMetrics())
    first.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(200)
    await first.stop(0)
    before = {line for line in await body(first) if "tenant=" in line and "duration" not in line}
    again = Engine(NoNetwork(), clock, kept, SelfMetrics())
    again.remember(kept.snapshots().values())
    vendor.runs.clear()
    again.apply(made_configuration([made_target(probe=probe)]))
    after = {line for line in await body(again) if "tenant=" in line}
    assert {line for line in before if "next_run" not in line} == {
        line for line in after if "next_run" not in line
    }
    await clock.advance(1)
    assert vendor.runs == []  # its next slot has not come: a restart costs no call
    await again.stop(0)


async def test_a_restart_does_not_forget_that_the_vendor_asked_for_a_pause(
    clock: HandClock, probe: Probe, vendor: Vendor, kept: Kept
) -> None:
    vendor.error = ProbeError(Reason.RATE_LIMITED, "slow down", retry_after=500)
    first = Engine(NoNetwork(), clock, kept, SelfMetrics())
    first.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(2)
    await first.stop(0)
    assert len(vendor.runs) == 1
    again = Engine(NoNetwork(), clock, kept, SelfMetrics())
    again.remember(kept.snapshots().values())
    again.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(490)
    assert len(vendor.runs) == 1
    await clock.advance(20)
    assert len(vendor.runs) == 2
    await again.stop(0)


async def test_the_words_of_the_status_are_a_contract(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    lacking = made_target("lacking", probe=probe, options=MadeOptions(secret_key=None))
    engine.apply(made_configuration([made_target("payments", probe=probe), lacking]))
    await clock.advance(2)
    words = {state.target.integration: state.status for state in engine.board}
    assert words == {"payments": "connected", "lacking": "not_configured"}


async def test_a_429_makes_waits_that_double_and_a_retry_after_is_obeyed(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    vendor.error = ProbeError(Reason.RATE_LIMITED, "slow down", retry_after=500)
    target = made_target(probe=probe)
    engine.apply(made_configuration([target]))
    await clock.advance(2)
    assert len(vendor.runs) == 1
    with pytest.raises(Deferred):
        await engine.check(target.key)
    await clock.advance(490)
    assert len(vendor.runs) == 1
    vendor.error = ProbeError(Reason.RATE_LIMITED, "slow down")
    await clock.advance(20)
    assert len(vendor.runs) == 2
    state = engine.board.get(target.key)
    assert state is not None
    assert state.until is not None
    assert state.last_run is not None
    assert state.until - state.last_run == 60 * 2**2


async def test_a_spent_budget_defers_the_run_and_says_so(
    engine: Engine, clock: HandClock, vendor: Vendor
) -> None:
    frugal = made_probe(vendor, allowance=Allowance(calls=720, source="a test"))  # one an hour
    engine.apply(made_configuration([made_target(probe=frugal)]))
    await clock.advance(1800)
    assert len(vendor.runs) == 1
    (line,) = [
        line for line in await body(engine) if line.startswith("integration_exporter_probes_deferred_total")
    ]
    assert float(line.rsplit(" ", 1)[1]) >= 1
    await clock.advance(7200)
    assert 2 <= len(vendor.runs) <= 3


async def test_an_operator_who_allows_more_is_not_deferred(
    engine: Engine, clock: HandClock, vendor: Vendor
) -> None:
    frugal = made_probe(vendor, allowance=Allowance(calls=720, source="a test"))
    target = Target("payments", "", frugal, MadeOptions(), 60.0, 10.0, over_budget=True)
    engine.apply(made_configuration([target]))
    await clock.advance(1800)
    assert len(vendor.runs) > 25


async def test_check_now_runs_at_once_and_updates_the_board(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    target = made_target(probe=probe, interval=3600.0)
    engine.apply(made_configuration([target]))
    await clock.advance(2)
    vendor.error = ProbeError(Reason.AUTH, "expired")
    both = [asyncio.ensure_future(engine.check(target.key)) for _ in range(2)]
    await settle()
    await clock.advance(0)
    results = await asyncio.gather(*both)
    assert [result.reason for result in results] == [Reason.AUTH, Reason.AUTH]
    assert len(vendor.runs) == 2  # one scheduled, one for both who asked
    with pytest.raises(KeyError):
        await engine.check(("nobody", ""))


async def test_a_state_change_is_remembered_once_and_every_failure_with_its_log(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    vendor.error = ProbeError(Reason.AUTH, "expired")
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(205)
    assert [(change.before, change.status) for change in engine.history.recent_changes()] == [
        ("unknown", "error")
    ]
    assert len(engine.history.recent_failures(("payments", ""))) == 4
    vendor.error = None
    await clock.advance(60)
    assert [change.status for change in engine.history.recent_changes()] == ["connected", "error"]


async def test_thresholds_are_series_and_follow_a_reload(engine: Engine, probe: Probe) -> None:
    family = ThresholdFamily("latency_seconds", "Latency.", {Severity.HIGH: 5.0}, unit="seconds")

    def configuration(value: float) -> Configuration:
        threshold = Threshold(family, "payments", "made", "", Severity.HIGH, value)
        return made_configuration([made_target(probe=probe)], thresholds=(threshold,))

    engine.apply(configuration(5))
    start = 'integration_threshold_latency_seconds{integration="payments",provider="made",'
    start += 'severity="high",tenant=""}'
    assert f"{start} 5.0" in await body(engine)
    engine.apply(configuration(7))
    assert f"{start} 7.0" in await body(engine)
    assert f"{start} 5.0" not in await body(engine)


async def test_answers_given_to_another_credential_do_not_come_back_after_a_restart(
    clock: HandClock, kept: Kept
) -> None:
    calls: list[str] = []

    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        async def account() -> object:
            calls.append(target.options.secret_key.reveal())
            return {}

        await kit.every("account", 86_400, account)
        return []

    probe = made_probe(check, interval=3600.0)

    async def life(key: str) -> None:
        engine = Engine(NoNetwork(), clock, kept, SelfMetrics())
        engine.remember(kept.snapshots().values())
        engine.apply(
            made_configuration([made_target(probe=probe, options=MadeOptions(secret_key=Secret(key)))])
        )
        await clock.advance(7200)
        await engine.stop(0)

    for key in ("first", "first", "second"):
        await life(key)
    assert calls == ["first", "second"]


async def test_a_wall_clock_that_is_set_back_during_a_run_puts_no_target_to_sleep(
    engine: Engine, clock: HandClock, vendor: Vendor
) -> None:
    async def set_back(target: Target, kit: Kit) -> Iterable[Sample]:
        if len(vendor.runs) == 1:
            clock.set_wall(-86_400.0)
        return await vendor(target, kit)

    engine.apply(made_configuration([made_target(probe=made_probe(set_back))]))
    await clock.advance(600)
    assert len(vendor.runs) > 8


async def test_another_provider_under_the_same_name_counts_from_zero(
    engine: Engine, clock: HandClock, vendor: Vendor, probe: Probe
) -> None:
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(300)
    other = Probe("other", "Other", MadeOptions, vendor)
    engine.apply(made_configuration([made_target(probe=other)]))
    assert 'integration_probes_total{integration="payments",provider="other"} 0.0' in await body(engine)
    assert not [line for line in await body(engine) if 'provider="made"' in line]


async def test_a_check_that_is_asked_for_while_the_target_changes_is_answered_by_the_new_one(
    engine: Engine, clock: HandClock, vendor: Vendor
) -> None:
    async def slow(target: Target, kit: Kit) -> Iterable[Sample]:
        await asyncio.Event().wait() if target.options.step == "slow" else None
        return await vendor(target, kit)

    many = [
        made_target(tenant=f"t{number}", probe=made_probe(slow), options=MadeOptions(step="slow"))
        for number in range(200)
    ]
    engine.apply(made_configuration(many))
    asked = asyncio.ensure_future(engine.check(many[0].key))
    await clock.advance(0)
    quick = [
        made_target(tenant=one.tenant, probe=one.probe, options=MadeOptions(step="quick")) for one in many
    ]
    engine.apply(made_configuration(quick))
    await clock.advance(0.01)
    assert asked.done() and asked.result().ok


async def test_a_check_of_a_target_that_loses_its_credential_meanwhile_is_answered(
    engine: Engine, clock: HandClock, probe: Probe
) -> None:
    engine.apply(made_configuration([made_target(probe=probe)]))
    asked = asyncio.ensure_future(engine.check(("payments", "")))
    await settle()
    engine.apply(made_configuration([made_target(probe=probe, options=MadeOptions(secret_key=None))]))
    await clock.advance(0)
    with pytest.raises(Deferred, match="changed"):
        await asyncio.wait_for(asked, PATIENCE)


async def test_dated_facts_of_another_address_go_with_the_options_that_led_there(
    engine: Engine, clock: HandClock, probe: Probe, vendor: Vendor
) -> None:
    vendor.facts = [BLOCKED_UNTIL(99)]
    engine.apply(made_configuration([made_target(probe=probe)]))
    await clock.advance(2)
    assert "integration_made_blocked_until_timestamp_seconds" in await named(engine)
    engine.apply(made_configuration([made_target(probe=probe, labels=(("plan", "gold"),))]))
    assert "integration_made_blocked_until_timestamp_seconds" in await named(engine)
    engine.apply(made_configuration([made_target(probe=probe, options=MadeOptions(step="2"))]))
    assert "integration_made_blocked_until_timestamp_seconds" not in await named(engine)
