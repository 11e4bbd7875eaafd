"""What several files of this folder share: one whole exporter, started once."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.running import RunningExporter, running_exporter


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def exporter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningExporter]:
    async with running_exporter(tmp_path_factory.mktemp("exporter")) as made:
        yield made
