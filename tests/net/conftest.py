import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from exporter.net.network import LoopNetwork
from tests.servers.authority import Authority


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test of the transport runs on both loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def network() -> AsyncIterator[LoopNetwork]:
    made = LoopNetwork()
    yield made
    await made.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))
