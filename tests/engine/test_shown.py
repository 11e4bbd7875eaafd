"""What is shown after any row of runs is what the state says, though only what changed is written again."""

import asyncio
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.probe import Kit, Result, Target
from exporter.core.reason import Reason
from exporter.engine.board import TargetState
from exporter.engine.counters import Counters, integration_labels
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.series import common_labels, series_of, show_run
from exporter.exposition import Exposition
from tests.clock import HandClock, settle
from tests.engine.making import QUEUE, NoNetwork, made_configuration, made_probe, made_target

LEFT = Metric("integration_made_left", "What is left.", labels=("bucket",))

runs = st.lists(
    st.tuples(
        st.sampled_from([None, None, None, Reason.TIMEOUT, Reason.AUTH]),
        st.sampled_from([(), ("a",), ("a", "b")]),  # buckets
        st.sampled_from([0.0, 3.0, 1e6]),
        st.sampled_from([{}, {"connect": 0.25}, {"connect": 0.5, "tls": 1.0}, {"tls": 2.0, "connect": 4.0}]),
        st.booleans(),  # scraped after it
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(runs)
async def test_each_run_leaves_what_its_state_says(
    rows: list[tuple[Reason | None, tuple[str, ...], float, dict[str, float], bool]],
) -> None:
    left = iter(rows)

    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        reason, buckets, value, phases, _ = next(left)
        kit.trace.phases.update(phases)
        kit.trace.http_status = 200 if phases else None
        if reason is not None:
            raise ProbeError(reason, "made")
        return [QUEUE(value), *(LEFT(value, bucket=bucket) for bucket in buckets)]

    clock = HandClock()
    engine = Engine(NoNetwork(), clock, lambda _batch: None, SelfMetrics())
    target = made_target(probe=made_probe(check))
    engine.apply(made_configuration([target]))
    counters = Counters(critical=False)
    try:
        for *_, scraped in rows:
            task = asyncio.create_task(engine.check(target.key))
            await settle()
            await clock.advance(1)
            counters.count(await task)
            if scraped:
                await engine.render(False, False)
        assert await _lines(engine) == _expected(engine, target, counters)
    finally:
        await engine.stop(0)


async def _lines(engine: Engine) -> set[str]:
    body = (await engine.render(False, False)).decode()
    return {line for line in body.splitlines() if 'integration="payments"' in line}


def _expected(engine: Engine, target: Target, counters: Counters) -> set[str]:
    state = engine.board.get(target.key)
    assert state is not None and engine.configuration is not None
    whole = Exposition()
    whole.put("target", common_labels(target), series_of(state))
    whole.put("integration", integration_labels(engine.configuration.integrations[0]), counters.series())
    return {line for line in whole.render(False, False).decode().splitlines() if not line.startswith("#")}


async def test_the_log_of_a_good_run_is_kept_for_who_asked_for_it_alone() -> None:
    async def check(target: Target, kit: Kit) -> Iterable[Sample]:
        kit.log("asked the vendor")
        return [QUEUE(1)]

    clock = HandClock()
    engine = Engine(NoNetwork(), clock, lambda _batch: None, SelfMetrics())
    target = made_target(probe=made_probe(check))
    engine.apply(made_configuration([target]))
    await clock.advance(target.interval)
    state = engine.board.get(target.key)
    assert state is not None and state.result is not None and state.result.log == ()
    task = asyncio.create_task(engine.check(target.key))
    await settle()
    await clock.advance(1)
    assert [text for _, text in (await task).log] == ["asked the vendor"]
    await engine.stop(0)


def test_phases_that_come_in_another_order_keep_their_own_values() -> None:
    exposition, state = Exposition(), TargetState(made_target())
    for phases in ({"connect": 0.5, "tls": 1.0}, {"tls": 2.0, "connect": 4.0}):
        if state.absorb(Result(1.0, 1.0, phases=phases)):
            exposition.put(("target", *state.target.key), common_labels(state.target), series_of(state))
        else:
            show_run(exposition, state)
    assert 'phase="tls",provider="made",tenant=""} 2.0' in exposition.render(False, False).decode()
