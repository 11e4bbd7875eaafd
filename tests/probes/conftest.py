from collections.abc import AsyncIterator

import pytest

from exporter.net.network import LoopNetwork


@pytest.fixture
async def network() -> AsyncIterator[LoopNetwork]:
    made = LoopNetwork()
    yield made
    await made.close()
