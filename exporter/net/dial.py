"""Opens a TCP connection to the first of several addresses that answers."""

import asyncio
import itertools

from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Trace
from exporter.core.reason import Reason
from exporter.net.connection import Connection
from exporter.net.reasons import os_error

STAGGER = 0.25
"""Seconds before the next address is tried beside the one that does not answer (RFC 8305, section 8)."""

ATTEMPT = 10.0
"""Seconds after which one address is given up when there are several."""

_MOST = 6


async def dial(addresses: list[str], port: int, trace: Trace) -> Connection:
    """Return a connection to the first address that takes it; raise ProbeError (connect, timeout).

    Raise Shortage where not every address could be tried for want of something of our own.
    """
    if len(addresses) == 1:
        connection = await _open(addresses[0], port)
    else:
        connection = await _race(addresses[:_MOST], port, trace)
    trace.note(f"connected to {connection.place}")
    return connection


def place(address: str, port: int) -> str:
    """Return `address:port` as people write it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


async def _open(address: str, port: int) -> Connection:
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(Connection, address, port)
    except OSError as error:
        raise os_error(error, place(address, port)) from None
    connection.address, connection.port, connection.place = address, port, place(address, port)
    return connection


async def _attempt(address: str, port: int) -> Connection:
    try:
        async with asyncio.timeout(ATTEMPT):
            return await _open(address, port)
    except TimeoutError:
        raise ProbeError(
            Reason.TIMEOUT, f"{place(address, port)} did not take the connection within {ATTEMPT:g} s"
        ) from None


async def _race(addresses: list[str], port: int, trace: Trace) -> Connection:
    waiting = iter(addresses)
    running: set[asyncio.Task[Connection]] = set()
    failure: ProbeError | Shortage | None = None
    try:
        # One more address each STAGGER seconds, or at once when all before it have failed ("happy eyeballs").
        # Behind the last one the empty texts only wait for the attempts under way.
        for address in itertools.chain(waiting, itertools.repeat("")):
            if address:
                running.add(asyncio.create_task(_attempt(address, port)))
            elif not running:
                break
            done, running = await asyncio.wait(
                running, timeout=STAGGER if address else None, return_when=asyncio.FIRST_COMPLETED
            )
            winner, error = _judge(done, trace)
            # A shortage is ours and outranks what peers say: the run is put off, and no vendor is blamed.
            failure = failure if isinstance(failure, Shortage) else error or failure
            if winner is not None:
                return winner
    finally:
        # Also when the run itself is cancelled: an attempt must not outlive it and leave a socket open.
        for task in running:
            task.cancel()
            task.add_done_callback(_discard)
    raise failure or ProbeError(Reason.DNS, "the name has no address")


def _judge(
    done: "set[asyncio.Task[Connection]]", trace: Trace
) -> tuple[Connection | None, ProbeError | Shortage | None]:
    winner: Connection | None = None
    failure: ProbeError | Shortage | None = None
    for task in done:
        error = task.exception()
        if isinstance(error, ProbeError | Shortage):
            trace.note(error.detail if isinstance(error, ProbeError) else error.why)
            failure = failure if isinstance(failure, Shortage) else error
        elif error is not None:
            raise error
        elif winner is None:
            winner = task.result()
        else:
            task.result().abort()  # two answered in the same moment
    return winner, failure


def _discard(task: "asyncio.Task[Connection]") -> None:
    # An attempt may have succeeded in the moment it was no longer wanted.
    if not task.cancelled() and task.exception() is None:
        task.result().abort()
