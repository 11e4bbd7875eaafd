"""An answer and the deadline that come in the same moment."""

import asyncio
import time

import pytest

from exporter.core.network import Request, Trace
from exporter.net.network import LoopNetwork
from tests.servers.raw import Visit, ok, serving
from tests.waiting import PATIENCE


@pytest.mark.parametrize("reuse", [True, False])
async def test_an_answer_that_comes_with_the_deadline_leaves_no_connection_open(
    network: LoopNetwork, reuse: bool
) -> None:
    hung_up = asyncio.Event()
    limit = asyncio.timeout(PATIENCE)

    async def late(visit: Visit) -> None:
        await visit.request()
        await visit.say(ok(b"ok"))
        limit.reschedule(asyncio.get_running_loop().time() + 0.05)
        time.sleep(0.1)  # noqa: ASYNC251 - when the loop looks again, both have come
        assert await visit.reader.read() == b""
        hung_up.set()

    async with serving(late) as server:
        with pytest.raises(TimeoutError):
            async with limit:
                await network.call(Request(server.url(), reuse=reuse), Trace())
        await asyncio.wait_for(hung_up.wait(), PATIENCE)
    assert network.idle == 0
