"""What every provider keeps to: its first call judges the integration, a later one takes nothing away."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from exporter import registry
from exporter.core.network import Network
from exporter.core.probe import DAY, Probe, Result
from exporter.engine.kit import CachedAnswers
from exporter.sandbox.harness import Call, Reply, Vendor
from tests.clock import HandClock
from tests.probes.day import CERTIFICATE_DATES, SandboxStage, probed, staged, target_of, values

VENDORS = registry.sandbox_vendors()
SUBJECTS = [probe for probe in registry.probes().values() if probe.name in VENDORS and not probe.generic]
every_provider = pytest.mark.parametrize("probe", SUBJECTS, ids=lambda probe: probe.name)

PROVING = {
    # Each of the services is one that the operator names because the platform uses it.
    "supabase": ("/auth/v1/health", "/rest/v1/", "/storage/v1/status"),
    # The calendar is what counts, and the token comes before it.
    "google_calendar": ("/token", "/calendar/v3/calendars/primary/events"),
}
"""Paths of calls that judge the integration beside the first one."""

INSPECTIONS = ("/tokeninfo", "/v25.0/debug_token")
"""Paths of calls about the credential itself: that it is refused there (401) does judge the integration."""

REFUSALS = (429, 500, 503, 404, 400, 403, 401)
Kind = tuple[str, str, frozenset[str]]


def kind_of(call: Call) -> Kind:
    """Return what tells one call of a provider from the others, whenever it is made."""
    return call.method, call.path, frozenset(call.query)


def further(probe: Probe, calls: list[Call]) -> list[Kind]:
    """Return the calls of a run that must not judge."""
    kinds = dict.fromkeys(map(kind_of, calls[1:]))
    return [
        kind for kind in kinds if kind != kind_of(calls[0]) and kind[1] not in PROVING.get(probe.name, ())
    ]


class Spoiler:
    """Refuses the calls of `kinds` with `status`, in nobody's own words."""

    def __init__(self, vendor: Vendor) -> None:
        self.kinds: set[Kind] = set()
        self.status = 500
        self.vendor = replace(vendor, guard=self._guarded(vendor.guard))

    def _guarded(self, guard: Callable[[Call], Reply | None]) -> Callable[[Call], Reply | None]:
        def judge(call: Call) -> Reply | None:
            if kind_of(call) in self.kinds:
                return Reply(self.status, {"message": "no"})
            return guard(call)

        return judge


class Run:
    """One provider against its vendor, run after run."""

    def __init__(
        self, probe: Probe, network: Network, stage: SandboxStage, spoiler: Spoiler, clock: HandClock
    ) -> None:
        self.probe, self.network, self.stage, self.spoiler = probe, network, stage, spoiler
        self.clock = clock
        self.answers: CachedAnswers = {}
        self.calls: list[Call] = []

    async def __call__(self, answers: CachedAnswers | None = None) -> Result:
        self.stage.stand.calls.clear()
        target = target_of(self.probe, self.stage.options)
        kept = self.answers if answers is None else answers
        result = await probed(target, self.network, clock=self.clock, answers=kept)
        self.calls = list(self.stage.stand.calls)
        return result


@asynccontextmanager
async def opened(probe: Probe, network: Network) -> AsyncIterator[Run]:
    spoiler = Spoiler(VENDORS[probe.name])
    clock = HandClock()
    async with staged(spoiler.vendor, clock) as stage:
        yield Run(probe, network, stage, spoiler, clock)


def message(result: Result) -> dict[str, float]:
    """Return the values that speak of the vendor, without those that tell how we asked."""
    ours = ("reading_refused", "permission_missing", *CERTIFICATE_DATES)
    return {name: value for name, value in values(result).items() if not any(word in name for word in ours)}


def refused(result: Result) -> Iterator[str]:
    return (name for name, value in values(result).items() if "_reading_refused{" in name and value == 1)


@every_provider
async def test_a_further_call_that_is_refused_takes_no_integration_down(
    probe: Probe, network: Network
) -> None:
    async with opened(probe, network) as run:
        good = await run()
        kinds = further(probe, run.calls)
        assert kinds, "a provider with one call has nothing to lose"
        run.spoiler.kinds = set(kinds)
        alone = await run({})
        assert alone.ok, alone.detail
        for status in REFUSALS:
            run.spoiler.status = status
            for kind in kinds:
                if status == 401 and kind[1] in INSPECTIONS:
                    continue
                run.spoiler.kinds = {kind}
                result = await run({})
                place = f"{kind[1]} {status}"
                assert (result.ok, result.http_status) == (True, good.http_status), place
                assert message(alone).items() <= message(result).items(), place
                assert list(refused(result)), place
                assert result.log, place


@every_provider
async def test_a_reading_that_fails_keeps_its_last_answer(probe: Probe, network: Network) -> None:
    async with opened(probe, network) as run:
        good = await run()
        first = run.calls
        await run()
        periodic = set(further(probe, first)) - set(map(kind_of, run.calls))
        await run.clock.advance(DAY)
        for status in (429, 500, 400):
            run.spoiler.kinds, run.spoiler.status = periodic, status
            answers = dict(run.answers)
            result = await run(answers)
            assert periodic.intersection(map(kind_of, run.calls)) or not periodic, "it was due"
            assert result.ok
            # What depends on the hour of the day may be gone with it.
            lost = {name.partition("{")[0] for name in message(good).keys() - message(result).keys()}
            assert not {name for name in lost if "cost" not in name and "requests" not in name}
