"""What every provider keeps to, whoever wrote it: the folder is walked, nothing is listed."""

from itertools import chain

import pytest

from exporter import registry
from exporter.core.clock import SystemClock
from exporter.core.network import Network
from exporter.core.probe import Probe
from exporter.core.reason import Reason
from exporter.engine.kit import CachedAnswers
from exporter.net.tokens import Tokens
from exporter.sandbox.harness import FAULTS
from tests.probes.day import (
    CERTIFICATE_DATES,
    exposed,
    golden,
    good_day,
    hurried,
    leaks,
    names,
    probed,
    target_of,
)

PROBES = list(registry.probes().values())
ENGINE_MADE = CERTIFICATE_DATES

every_provider = pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
every_fault = pytest.mark.parametrize(
    ("probe", "fault"),
    [pytest.param(probe, fault, id=f"{probe.name}-{fault}") for probe in PROBES for fault in FAULTS],
)


def declared(probe: Probe, options: object) -> set[str]:
    own = probe.dynamic(options) if probe.dynamic else ()
    return {metric.name for metric in chain(probe.metrics, own)}


@every_provider
async def test_a_good_day_shows_the_declared_metrics_and_no_others(probe: Probe, network: Network) -> None:
    day = good_day(probe.name)
    async with day.open() as stage:
        target = target_of(probe, stage.options)
        answers: CachedAnswers = {}
        result = await probed(target, network, answers=answers)
        assert (result.reason, result.detail) == (None, "")
        assert result.drift == ()
        # Twice, because what grew since the last time shows from the second time on.
        shown = names(result) | names(await probed(target, network, answers=answers))
        wanted = declared(probe, target.options)
        assert shown - ENGINE_MADE <= wanted
    for scenario in day.scenarios:
        async with day.open() as stage:
            await stage.play(scenario)
            result = await probed(target_of(probe, stage.options), network)
            shown |= names(result)
            assert leaks(target, result) == [], scenario
    assert shown - ENGINE_MADE == wanted - ENGINE_MADE, "each metric shows on a good day or in a scenario"
    assert probe.encrypts or shown.isdisjoint(ENGINE_MADE), "without `encrypts` it has no thresholds for them"


@every_provider
async def test_a_good_day_shows_no_secret_in_results_or_in_what_is_kept(
    probe: Probe, network: Network
) -> None:
    answers: CachedAnswers = {}
    async with good_day(probe.name).open() as stage:
        target = target_of(probe, stage.options)
        result = await probed(target, network, answers=answers)
        assert leaks(target, result, answers, str(target), repr(target.options)) == []


@every_fault
async def test_a_fault_gives_its_exact_reason_no_measured_value_and_no_secret(
    probe: Probe, fault: str, network: Network
) -> None:
    day = good_day(probe.name)
    if fault not in day.reasons:
        assert probe.generic, f"only generic providers may be blind to a fault; {fault} is missing"
        return
    async with day.open() as stage:
        target = target_of(probe, stage.options)
        # Once in health, so that a kept connection and kept answers are there to mislead.
        answers: CachedAnswers = {}
        assert (await probed(target, network, answers=answers)).ok
        await stage.spoil(fault)
        # Only silence has to be waited for; a busy machine may need its time for the others.
        result = await probed(hurried(target) if fault == "slow" else target, network, answers=answers)
        assert result.reason is day.reasons[fault], result.detail
        assert result.samples == ()
        assert all(sample.metric.dated for sample in result.facts)
        assert result.detail
        assert leaks(target, result, answers) == []
        await stage.spoil(None)
        assert (await probed(target, network, answers=answers)).ok


@pytest.mark.parametrize(
    "probe", [probe for probe in PROBES if probe.generic and probe.metrics], ids=lambda probe: probe.name
)
async def test_the_exposition_of_a_generic_provider_is_the_golden_one(probe: Probe, network: Network) -> None:
    day = good_day(probe.name)
    async with day.open() as stage:
        target = target_of(probe, stage.options)
        # The certificate is made again for each test, so its end is not the same twice.
        without = frozenset(ENGINE_MADE) | day.volatile
        text = exposed(await probed(target, network), target, without=without)
        assert text == golden(f"{probe.name}.txt", text)


@every_provider
async def test_a_throttling_vendor_is_given_the_pause_it_asks_for(probe: Probe, network: Network) -> None:
    day = good_day(probe.name)
    if "rate_limited" not in day.reasons:
        return
    async with day.open() as stage:
        await stage.spoil("rate_limited")
        result = await probed(target_of(probe, stage.options), network)
        assert result.retry_after == 7


@every_provider
async def test_a_target_without_what_it_needs_calls_nobody(probe: Probe, network: Network) -> None:
    async with good_day(probe.name).open() as stage:
        for name in probe.needs:
            without = {key: value for key, value in stage.options.items() if key != name}
            result = await probed(target_of(probe, without), network)
            assert result.reason is Reason.NOT_CONFIGURED
            assert name in result.detail
            assert result.calls == 0
            assert result.samples == result.facts == ()


@every_provider
async def test_the_calls_of_a_run_are_what_the_provider_says_they_cost(
    probe: Probe, network: Network
) -> None:
    async with good_day(probe.name).open() as stage:
        target = target_of(probe, stage.options)
        answers: CachedAnswers = {}
        tokens = Tokens(network, SystemClock())
        first = await probed(target, network, answers=answers, tokens=tokens)
        second = await probed(target, network, answers=answers, tokens=tokens)
        # Runs in a month, each as cheap as the second one, are the least that it can cost.
        cheapest = second.calls * 30 * 86_400 / probe.interval
        assert cheapest <= probe.calls_per_month(target.options, probe.interval)
        assert second.calls <= first.calls
        if probe.allowance:
            assert probe.calls_per_month(target.options, probe.interval) <= probe.allowance.calls
