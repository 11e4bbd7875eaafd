"""How a call fails, as the engine sees it."""

import asyncio
from collections.abc import Callable

from exporter.core.errors import ProbeError
from exporter.core.network import Request, Trace
from exporter.core.reason import Reason
from exporter.net.network import LoopNetwork
from tests.waiting import PATIENCE, until

PLANTED = "planted-secret-0123"


async def fails(
    network: LoopNetwork,
    request: Request,
    trace: Trace | None = None,
    limit: asyncio.Timeout | None = None,
) -> ProbeError:
    """Return the failure of a call, as the engine sees it: what is cancelled is a timeout."""
    trace = trace or Trace()
    try:
        async with limit or asyncio.timeout(PATIENCE):
            answer = await network.call(request, trace)
    except ProbeError as error:
        assert PLANTED not in str(error)
        assert PLANTED not in repr(trace)
        return error
    except TimeoutError:
        return ProbeError(Reason.TIMEOUT, trace.log[-1][1])
    raise AssertionError(f"answered {answer.status} with {len(answer.body)} bytes")


async def fails_late(
    network: LoopNetwork, request: Request, ready: Callable[[], object], trace: Trace | None = None
) -> ProbeError:
    """Return the failure of a call whose time is up as soon as `ready` says so."""
    limit = asyncio.timeout(PATIENCE)
    failing = asyncio.create_task(fails(network, request, trace, limit))
    await until(lambda: failing.done() or ready())
    for _ in range(10):  # what the server has said by then is read
        await asyncio.sleep(0.01)
    if not failing.done():
        limit.reschedule(0)
    return await failing
