"""Names to addresses, off the loop, in threads of its own."""

import asyncio
import queue
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.net.reasons import resolve_error
from exporter.net.shortages import no_thread

T = TypeVar("T")
FAMILIES = {"any": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
_NAMES = {"4": "IPv4", "6": "IPv6"}
_CACHED = 30.0
_MOST = 4096


class Threads:
    """A few daemon threads for calls that block: the system's resolver, reading certificate files.

    They are not the loop's own executor, because a name server that never answers holds a thread for half
    a minute: it must delay neither other work nor the end of the process.
    """

    def __init__(self, most: int = 32) -> None:
        """Start none yet; there will never be more than `most`."""
        self._most = most
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._pending = 0
        self._count = 0
        self._guard = threading.Lock()

    async def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, or raise what it raises; Shortage where there is no thread for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Any, Exception | None]] = loop.create_future()

        def work() -> None:
            outcome: tuple[Any, Exception | None]
            try:
                outcome = (call(), None)
            except Exception as error:  # noqa: BLE001 - it is handed to the caller, who raises it
                outcome = (None, error)
            try:
                loop.call_soon_threadsafe(_settle, future, outcome)
            except RuntimeError:  # the loop was closed meanwhile, and with it the caller
                return

        self._add(work)
        value, error = await future
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]  # the future carries what `call` returned

    def close(self) -> None:
        """Let the threads end when they have nothing left to do."""
        for _ in range(self._count):
            self._calls.put(None)

    def _add(self, work: Callable[[], None]) -> None:
        self._calls.put(work)
        with self._guard:
            self._pending += 1
            # A new thread only where all that there are have work: most processes get by with one or two.
            if self._pending > self._count and self._count < self._most:
                self._start()

    def _start(self) -> None:
        """Start one more thread; without it those that there are do the work, if there are any."""
        try:
            threading.Thread(target=self._serve, name="net-blocking", daemon=True).start()
        except RuntimeError:  # "can't start new thread"
            if not self._count:
                # No thread would ever do the work that was queued before the thread was asked for.
                self._pending -= 1
                self._calls.get()
                raise no_thread() from None
        else:
            self._count += 1

    def _serve(self) -> None:
        while True:
            work = self._calls.get()
            if work is None:
                return
            work()
            with self._guard:
                self._pending -= 1


def _settle(future: "asyncio.Future[Any]", outcome: object) -> None:
    if not future.done():
        future.set_result(outcome)


class Resolver:
    """Asks the system's resolver; the same question asked twice at one time is asked once."""

    def __init__(self, threads: Threads) -> None:
        """Use `threads` for the calls."""
        self._threads = threads
        self._lookups: dict[tuple[str, str], asyncio.Task[list[str]]] = {}
        self._cache: OrderedDict[tuple[str, str], tuple[float, list[str]]] = OrderedDict()

    async def resolve(self, host: str, family: str, *, cached: bool) -> list[str]:
        """Return the addresses of `host`, families in turn, best first; raise ProbeError (dns) or Shortage.

        `cached` allows an answer of up to 30 seconds ago; without it the name is asked for now.
        """
        key = (host, family)
        if cached and (entry := self._cache.get(key)) and time.monotonic() - entry[0] < _CACHED:
            return entry[1]
        task = self._lookups.get(key)
        if task is None:
            task = self._lookups[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda done: self._forget(key, done))
        # Shielded: a run that is out of time must not take the answer from the others that wait for it.
        return await asyncio.shield(task)

    def close(self) -> None:
        """Stop waiting for answers."""
        for task in list(self._lookups.values()):
            task.cancel()

    async def _ask(self, key: tuple[str, str]) -> list[str]:
        host, family = key
        try:
            found = await self._threads.run(lambda: _look_up(host, family))
        except UnicodeError as error:
            raise resolve_error(error, host) from None
        addresses = interleave([str(entry[4][0]) for entry in found])
        self._cache[key] = (time.monotonic(), addresses)
        if len(self._cache) > _MOST:
            self._cache.popitem(last=False)
        return addresses

    def _forget(self, key: tuple[str, str], task: "asyncio.Task[list[str]]") -> None:
        self._lookups.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at, so that an answer without a reader is not a warning


def _look_up(host: str, family: str) -> list[Any]:
    # In the thread, because a shortage is gone by the time that the loop looks at the error.
    try:
        return socket.getaddrinfo(host, None, FAMILIES[family], socket.SOCK_STREAM)
    except OSError as error:
        raise resolve_error(error, host) from None


def literal(host: str, family: str) -> bool:
    """Return whether `host` is an address itself; raise ProbeError (dns) if it is one of the other family."""
    version = "6" if ":" in host else "4" if _is_ipv4(host) else ""
    if version and family not in ("any", version):
        raise ProbeError(Reason.DNS, f"{host} is no {_NAMES[family]} address, as family {family} demands")
    return bool(version)


def interleave(addresses: list[str]) -> list[str]:
    """Return the distinct addresses with the two families in turn, so that a dead family costs one try."""
    unique = list(dict.fromkeys(addresses))
    first = [address for address in unique if (":" in address) == (":" in unique[0])]
    second = [address for address in unique if (":" in address) != (":" in unique[0])]
    mixed: list[str] = []
    for index in range(max(len(first), len(second))):
        mixed.extend(first[index : index + 1] + second[index : index + 1])
    return mixed


def _is_ipv4(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, host)
    except OSError:
        return False
    return True
