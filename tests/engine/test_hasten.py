"""What a vendor's webhook reports is looked at soon: within the budget, and once for a burst."""

from collections.abc import Iterable

import pytest

from exporter.core.metric import Sample
from exporter.core.probe import Allowance, Kit, Probe, Target
from exporter.engine.engine import HASTE, Engine
from exporter.probes.stripe import EVENTS
from exporter.probes.stripe.readings import READINGS
from exporter.registry import probes
from tests.clock import HandClock
from tests.engine.making import QUEUE, made_configuration, made_probe, made_target

DAY = 86_400.0


class Reader:
    """A check with one expensive reading, which counts how often it is made."""

    def __init__(self) -> None:
        self.runs = 0
        self.readings = 0

    async def check(self, _target: Target, kit: Kit) -> Iterable[Sample]:
        self.runs += 1
        return [QUEUE(await kit.every("disputes/1", DAY, self.read))]

    async def read(self) -> int:
        self.readings += 1
        return self.readings

    def probe(self, **more: object) -> Probe:
        return made_probe(self.check, events={"charge.dispute.*": "disputes"}, **more)


@pytest.fixture
def reader() -> Reader:
    return Reader()


async def started(engine: Engine, clock: HandClock, probe: Probe) -> None:
    engine.apply(made_configuration([made_target(tenant="acme", probe=probe, interval=3600.0)]))
    await clock.advance(2)


async def test_the_reading_that_an_event_is_about_is_made_again_at_once(
    engine: Engine, clock: HandClock, reader: Reader
) -> None:
    await started(engine, clock, reader.probe())
    assert (reader.runs, reader.readings) == (1, 1)
    assert engine.hasten("payments", "acme", "charge.dispute.created")
    await clock.advance(1)
    assert (reader.runs, reader.readings) == (2, 2)
    page = (await engine.render(False, False)).decode()
    assert f'{QUEUE}{{integration="payments",provider="made",tenant="acme"}} 2.0' in page


@pytest.mark.parametrize(
    ("integration", "tenant", "event"),
    [
        ("payments", "acme", "charge.succeeded"),
        ("payments", "globex", "charge.dispute.created"),
        ("", "", "charge.dispute.created"),
    ],
)
async def test_other_events_and_unknown_targets_change_nothing(
    engine: Engine, clock: HandClock, reader: Reader, integration: str, tenant: str, event: str
) -> None:
    await started(engine, clock, reader.probe())
    assert not engine.hasten(integration, tenant, event)
    await clock.advance(10)
    assert (reader.runs, reader.readings) == (1, 1)


async def test_a_burst_is_one_run_and_what_came_behind_it_is_read_by_the_next_one(
    engine: Engine, clock: HandClock, reader: Reader
) -> None:
    await started(engine, clock, reader.probe())
    for _ in range(1000):
        engine.hasten("payments", "acme", "charge.dispute.created")
        await clock.advance(0.01)
    assert (reader.runs, reader.readings) == (2, 2)
    await clock.advance(2 * 3600)
    assert reader.readings == 3, "the last events came after the second reading"
    runs = reader.runs
    await clock.advance(HASTE)
    assert engine.hasten("payments", "acme", "charge.dispute.closed")
    await clock.advance(1)
    assert reader.runs == runs + 1


async def test_events_spend_only_what_the_credential_has_saved(
    engine: Engine, clock: HandClock, reader: Reader
) -> None:
    probe = reader.probe(allowance=Allowance(calls=10.0, source="a test"))
    await started(engine, clock, probe)
    budgets = engine._budgets
    budgets.spend(made_target(tenant="acme", probe=probe), 1, clock.monotonic())
    assert not engine.hasten("payments", "acme", "charge.dispute.created")
    await clock.advance(10)
    assert (reader.runs, reader.readings) == (1, 1)


def test_the_readings_that_events_of_stripe_name_are_there() -> None:
    assert set(EVENTS.values()) <= {reading.key for reading in READINGS}
    stripe = probes()["stripe"]
    assert stripe.readings_of("charge.dispute.funds_withdrawn") == {"disputes"}
    assert stripe.readings_of("radar.early_fraud_warning.created") == {"fraud_warnings"}
    assert stripe.readings_of("payout.failed") == {"payouts"}
    assert stripe.readings_of("account.updated") == {"account"}
    assert stripe.readings_of("charge.failed") == {"payments"}
    assert stripe.readings_of("charge.succeeded") == frozenset()
