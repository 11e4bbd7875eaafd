"""Connections on which a probe speaks a protocol of its own, one question and one answer at a time."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import cast

from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Reader, Talk, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.net.connection import Connection
from exporter.net.dial import place
from exporter.net.reasons import os_error

REPEAT = 1.0
"""Seconds after which a datagram without an answer is sent again: networks may lose it."""

Again = Callable[[Talk], Awaitable[None]]
Upgrade = Callable[[Connection, TlsOptions, Again | None], Awaitable[None]]


class WholeAnswer:
    """Base of readers: it knows what a closed connection means; `feed` is the protocol's own."""

    done = False

    def finish(self) -> None:
        """Raise ProbeError (connect) unless the answer is whole."""
        if not self.done:
            raise ProbeError(Reason.CONNECT, "the server closed the connection instead of answering")

    def release(self) -> None:
        """Nothing is held on to."""


class StreamTalk:
    """Implements `core.network.Talk` on a connection."""

    def __init__(self, connection: Connection, trace: Trace, upgrade: Upgrade) -> None:
        """Speak on `connection`, which the caller closes; `upgrade` does the TLS handshake."""
        self._connection = connection
        self._trace = trace
        self._upgrade = upgrade

    @property
    def place(self) -> str:
        """Where the peer is."""
        return self._connection.place

    @property
    def local(self) -> str:
        """Our own address."""
        return self._connection.local

    @property
    def secured(self) -> bool:
        """Whether what is said is encrypted."""
        return bool(self._connection.tls_version)

    async def ask(self, data: bytes, reader: Reader, phase: str, waiting_for: str) -> None:
        """Send `data` and feed what comes to `reader` until it is done."""
        began = time.perf_counter()
        try:
            await self._connection.exchange(data, reader)
        except asyncio.CancelledError:
            self._trace.note(f"stopped while waiting for {waiting_for}")
            raise
        self._trace.phase(phase, time.perf_counter() - began)

    async def secure(self, tls: TlsOptions, again: Again | None = None) -> None:
        """Shake hands by TLS."""
        await self._upgrade(self._connection, tls, again)


class DatagramTalk(asyncio.DatagramProtocol):
    """Implements `core.network.Talk` on a UDP socket; the system lets in what comes from `place` alone."""

    secured = False

    def __init__(self, address: str, port: int, trace: Trace) -> None:
        """Made by the loop's connector, which calls `connection_made`."""
        self.place = place(address, port)
        self._trace = trace
        self._transport: asyncio.DatagramTransport | None = None
        self._reader: Reader | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def local(self) -> str:
        """Our own address."""
        name = self._transport.get_extra_info("sockname") if self._transport else None
        return str(name[0]) if name else ""

    async def ask(self, data: bytes, reader: Reader, phase: str, waiting_for: str) -> None:
        """Send `data`, again each second, and feed what comes to `reader` until it is done."""
        began = time.perf_counter()
        self._reader = reader
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            while not self._waiter.done():
                if self._transport is not None:
                    self._transport.sendto(data)
                await asyncio.wait((self._waiter,), timeout=REPEAT)
            self._waiter.result()
        except asyncio.CancelledError:
            self._trace.note(f"stopped while waiting for {waiting_for}")
            raise
        finally:
            waiter, self._waiter, self._reader = self._waiter, None, None
            if not waiter.cancel():  # an error that comes later has no reader
                waiter.exception()
            reader.release()
        self._trace.phase(phase, time.perf_counter() - began)

    async def secure(self, tls: TlsOptions, again: Again | None = None) -> None:  # noqa: ARG002 - the protocol names them
        """Refuse: there is no TLS on datagrams."""
        raise ProbeError(Reason.TLS, "TLS is not spoken by datagrams")

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is not a subclass of it

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - the loop gives it
        """Hand on what came; what comes unasked is dropped."""
        if self._reader is not None and not self._reader.done:
            self._take(data, self._reader)

    def error_received(self, error: Exception) -> None:
        """Wake the caller that waits: the peer's machine or a router refuses."""
        self._wake(os_error(cast(OSError, error), self.place))  # the loops call this with OSError alone

    def _take(self, data: bytes, reader: Reader) -> None:
        try:
            reader.feed(data)
        except ProbeError as error:
            self._wake(error)
            return
        if reader.done:
            self._wake(None)

    def _wake(self, error: ProbeError | Shortage | None) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if error is None:
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(error)


async def open_datagrams(addresses: list[str], port: int, trace: Trace) -> DatagramTalk:
    """Return a socket to the first of `addresses` that this machine has a route to.

    Raise ProbeError where there is none, Shortage where no socket can be had.
    """
    failure: ProbeError | Shortage | None = None
    for address in addresses:
        make = functools.partial(DatagramTalk, address, port, trace)
        try:
            _, talk = await asyncio.get_running_loop().create_datagram_endpoint(
                make, remote_addr=(address, port)
            )
        except OSError as error:
            failure = os_error(error, place(address, port))
            if isinstance(failure, Shortage):
                break
            continue
        return talk
    raise failure or ProbeError(Reason.DNS, "the name has no address")
