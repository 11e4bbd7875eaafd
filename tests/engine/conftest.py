"""What the tests of the engine and of tokens share; a file may have fixtures of its own in their place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.core.probe import Probe
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.token_keeper import TokenKeeper
from exporter.net.network import LoopNetwork
from tests.clock import HandClock
from tests.engine.making import NoNetwork, made_probe
from tests.engine.replicas import Start, replicas
from tests.engine.stage import Kept, Vendor


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def keeper(clock: HandClock) -> AsyncIterator[TokenKeeper]:
    """Keeps tokens in memory alone."""
    network = LoopNetwork()
    made_keeper = TokenKeeper(network, clock)
    yield made_keeper
    await made_keeper.stop(5.0)
    await network.close()


@pytest.fixture
async def start(tmp_path: Path, clock: HandClock) -> AsyncIterator[Start]:
    """Starts replicas that share one store."""
    async with replicas(tmp_path, clock) as made_start:
        yield made_start


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
