"""What the tests of the engine share; a file may have fixtures of its own in their place."""

from collections.abc import AsyncIterator

import pytest

from exporter.core.probe import Probe
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from tests.clock import HandClock
from tests.engine.making import NoNetwork, made_probe
from tests.engine.stage import Kept, Vendor


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def probe(vendor: Vendor) -> Probe:
    return made_probe(vendor)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def engine(clock: HandClock, kept: Kept) -> AsyncIterator[Engine]:
    made = Engine(NoNetwork(), clock, kept, SelfMetrics())
    yield made
    await made.stop(0)
