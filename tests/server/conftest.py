"""What several files of this folder need: one whole exporter for each of them, as another one changes it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.running import RunningExporter, running_exporter


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exporter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningExporter]:
    async with running_exporter(tmp_path_factory.mktemp("exporter")) as made:
        yield made
