"""What test_api_fuzz.py asks, of an exporter on PostgreSQL, which refuses more than SQLite."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.running import RunningExporter, running_exporter
from tests.server.test_api_fuzz import NAMES, PLACES, profile, try_one
from tests.servers.postgres import cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exporter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningExporter]:
    with cluster(connections=24) as server:
        server.admin("CREATE DATABASE fuzz OWNER app")
        url = f"postgresql://app:app-password@127.0.0.1:{server.port}/fuzz?sslmode=require"
        async with running_exporter(tmp_path_factory.mktemp("exporter"), url) as made:
            yield made


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("method", "path"), PLACES, ids=NAMES)
@profile(examples=1)
@given(data=st.data())
async def test_no_request_is_a_mistake_of_ours_on_postgresql_either(
    exporter: RunningExporter, method: str, path: str, data: st.DataObject
) -> None:
    await try_one(exporter, method, path, data)
