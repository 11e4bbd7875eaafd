"""How a call fails, as the engine sees it."""

import asyncio

from exporter.core.errors import ProbeError
from exporter.core.network import Request, Trace
from exporter.core.reason import Reason
from exporter.net.network import LoopNetwork

PLANTED = "planted-secret-0123"


async def fails(
    network: LoopNetwork, request: Request, trace: Trace | None = None, within: float = 3.0
) -> ProbeError:
    """Return the failure of a call, as the engine sees it: what is cancelled is a timeout."""
    trace = trace or Trace()
    try:
        async with asyncio.timeout(within):
            answer = await network.call(request, trace)
    except ProbeError as error:
        assert PLANTED not in str(error)
        assert PLANTED not in repr(trace)
        return error
    except TimeoutError:
        return ProbeError(Reason.TIMEOUT, trace.log[-1][1])
    raise AssertionError(f"answered {answer.status} with {len(answer.body)} bytes")
