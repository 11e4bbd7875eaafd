"""What the tests of tokens share; a file that needs another clock or keeper has a fixture of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.engine.token_keeper import TokenKeeper
from exporter.net.network import LoopNetwork
from tests.clock import HandClock
from tests.engine.replicas import Start, replicas


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
