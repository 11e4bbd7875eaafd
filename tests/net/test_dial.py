"""Several addresses of one name: a dead one costs a moment, not the probe."""

import time

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Trace
from exporter.core.reason import Reason
from exporter.net.dial import STAGGER, dial
from exporter.net.resolver import interleaved
from tests.servers.raw import Visit, free_port, full_backlog, serving


async def quiet(visit: Visit) -> None:
    await visit.reader.read()


async def test_an_address_that_never_answers_is_overtaken_by_the_next() -> None:
    with full_backlog() as port:
        async with serving(quiet, host="127.0.0.2", port=port):
            began = time.perf_counter()
            connection = await dial(["127.0.0.1", "127.0.0.2"], port, Trace())
            took = time.perf_counter() - began
            connection.abort()
    assert connection.place == f"127.0.0.2:{port}"
    assert STAGGER <= took < 3 * STAGGER


async def test_an_address_that_refuses_is_followed_by_the_next_at_once() -> None:
    async with serving(quiet, host="127.0.0.2") as server:
        trace = Trace()
        began = time.perf_counter()
        connection = await dial(["127.0.0.1", "127.0.0.2"], server.port, trace)
        assert time.perf_counter() - began < STAGGER
        connection.abort()
    assert trace.log[0][1] == f"127.0.0.1:{server.port} refused the connection"


async def test_the_failure_of_all_addresses_is_that_of_the_last() -> None:
    port = free_port()
    with pytest.raises(ProbeError) as caught:
        await dial(["127.0.0.1", "127.0.0.2"], port, Trace())
    assert caught.value.reason is Reason.CONNECT
    assert caught.value.detail == f"127.0.0.2:{port} refused the connection"


def test_the_two_families_take_turns() -> None:
    assert interleaved(["::1", "::2", "::1", "1.1.1.1", "2.2.2.2"]) == ["::1", "1.1.1.1", "::2", "2.2.2.2"]
    assert interleaved([]) == []
