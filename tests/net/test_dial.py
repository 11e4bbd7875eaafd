"""Several addresses of one name: a dead one costs a moment, not the probe."""

import asyncio
import time
from collections.abc import Callable

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Trace
from exporter.core.reason import Reason
from exporter.net.dial import STAGGER, dial
from exporter.net.resolver import interleave
from tests.servers.ports import free_port
from tests.servers.raw import Visit, full_backlog, serving
from tests.waiting import PATIENCE


async def quiet(visit: Visit) -> None:
    await visit.reader.read()


@pytest.fixture
def forever(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make one of the waits of the dial last for ever, so that what passes does not wait by it."""
    return lambda wait: monkeypatch.setattr(f"exporter.net.dial.{wait}", 3600.0)


async def test_an_address_that_never_answers_is_overtaken_by_the_next(
    forever: Callable[[str], None],
) -> None:
    forever("ATTEMPT")
    with full_backlog() as port:
        async with serving(quiet, host="127.0.0.2", port=port):
            began = time.perf_counter()
            async with asyncio.timeout(PATIENCE):
                connection = await dial(["127.0.0.1", "127.0.0.2"], port, Trace())
            assert time.perf_counter() - began > 0.9 * STAGGER
            connection.abort()
    assert connection.place == f"127.0.0.2:{port}"


async def test_an_address_that_refuses_is_followed_by_the_next_at_once(
    forever: Callable[[str], None],
) -> None:
    forever("STAGGER")
    async with serving(quiet, host="127.0.0.2") as server:
        trace = Trace()
        async with asyncio.timeout(PATIENCE):
            connection = await dial(["127.0.0.1", "127.0.0.2"], server.port, trace)
        connection.abort()
    assert trace.log[0][1] == f"127.0.0.1:{server.port} refused the connection"


async def test_the_failure_of_all_addresses_is_that_of_the_last() -> None:
    port = free_port()
    with pytest.raises(ProbeError) as caught:
        await dial(["127.0.0.1", "127.0.0.2"], port, Trace())
    assert caught.value.reason is Reason.CONNECT
    assert caught.value.detail == f"127.0.0.2:{port} refused the connection"


def test_the_two_families_take_turns() -> None:
    assert interleave(["::1", "::2", "::1", "1.1.1.1", "2.2.2.2"]) == ["::1", "1.1.1.1", "::2", "2.2.2.2"]
    assert interleave([]) == []
