"""What the tests of tokens share; a file may have fixtures of its own in their place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.net.network import LoopNetwork
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.tokens.replicas import Start, replicas
from tests.waiting import PATIENCE


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def manager(clock: HandClock) -> AsyncIterator[TokenManager]:
    """Keeps tokens in memory alone."""
    network = LoopNetwork()
    made_manager = TokenManager(network, clock)
    yield made_manager
    await made_manager.stop(PATIENCE)
    await network.close()


@pytest.fixture
async def start(tmp_path: Path, clock: HandClock) -> AsyncIterator[Start]:
    """Starts replicas that share one store."""
    async with replicas(tmp_path, clock) as made_start:
        yield made_start
