"""Opens the ports, serves the application on them, and closes them again."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from exporter.core.defaults import EXPORTER_ADDRESS, SHUTDOWN_TIMEOUT
from exporter.core.errors import StartError
from exporter.core.supervisor import Supervisor
from exporter.server.web_config.file import WebConfigFile

WATCHER = "web configuration watcher"
_FLAG = "--web.listen-address"


@dataclass(frozen=True)
class Limits:
    """Bounds against slow and greedy clients, in seconds and bytes.

    `idle` bounds the wait for a whole request head, first or next; `unread` how long a client may leave
    an answer unread; `head` one header line; `headers` their number; `drain` the end of open requests at
    shutdown; `watch` is how often the web configuration is looked at; `most` bounds the open connections:
    beyond it the one that was idle for longest is closed.
    """

    idle: float = 75.0
    unread: float = 30.0
    head: int = 8190
    headers: int = 64
    drain: float = SHUTDOWN_TIMEOUT
    watch: float = 2.0
    most: int = 1024


class Listener:
    """The application on its ports. A changed certificate serves new connections at once."""

    def __init__(
        self,
        app: web.Application,
        addresses: Sequence[str],
        web_config: WebConfigFile,
        limits: Limits | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        """Prepare; nothing is opened yet. `addresses` are like `127.0.0.1:10055`, `:10055` or `[::1]:0`."""
        self._web = web_config
        self._limits = limits or Limits()
        self._addresses = tuple(addresses) or (EXPORTER_ADDRESS,)
        self._sockets: list[socket.socket] = []
        self._sites: list[web.SockSite] = []
        self._context: Any = None
        self._supervisor = supervisor or Supervisor()
        self._runner = _Runner(
            app,
            access_log=None,
            logger=_logger(),
            keepalive_timeout=self._limits.idle,
            max_line_size=self._limits.head,
            max_field_size=self._limits.head,
            max_headers=self._limits.headers,
            lingering_time=2.0,
            # A webhook is verified and forwarded as it was sent; other handlers unpack what they read.
            auto_decompress=False,
            # It waits that long twice: for the answer, then for the handler to end.
            shutdown_timeout=self._limits.drain / 2,
        )
        self._runner.most = self._limits.most

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Addresses and ports that are open, in the order they were given."""
        return [sock.getsockname()[:2] for sock in self._sockets]

    @property
    def closed(self) -> bool:
        """Whether callers must say who they are."""
        return self._web.current.closed

    @property
    def url(self) -> str:
        """Where a browser of this machine finds it, without a path."""
        host, port = self.addresses[0]
        name = f"[{host}]" if ":" in host else host
        shown = {"0.0.0.0": "localhost", "[::]": "localhost"}.get(name, name)  # noqa: S104 - it is compared
        return f"{'https' if self._context else 'http'}://{shown}:{port}"

    async def start(self) -> None:
        """Open every port or none; raises StartError with the remedy."""
        try:
            for address in self._addresses:
                self._sockets.append(await asyncio.to_thread(open_socket, address, self._limits))
            await self._runner.setup()
            await self._serve()
        except BaseException:
            await self.stop()
            raise
        self._supervisor.keep(WATCHER, self._watch_files)

    async def stop(self) -> None:
        """Close the ports, let open requests end within the limit, cut the rest."""
        await self._supervisor.stop(WATCHER)
        await self._runner.cleanup()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    async def renew(self) -> None:
        """Serve new connections by the certificate of the current web configuration, if it is another."""
        if self._web.current.context is not self._context:
            await self._serve()

    async def _serve(self) -> None:
        # Each site has its own handle of the same port, so that none is closed while they are exchanged.
        old, self._sites = self._sites, []
        self._context = self._web.current.context
        for sock in self._sockets:
            site = web.SockSite(self._runner, sock.dup(), ssl_context=self._context, backlog=512)
            await site.start()
            self._sites.append(site)
        for site in old:
            await site.stop()

    async def _watch_files(self) -> None:
        while True:
            await asyncio.sleep(self._limits.watch)
            await asyncio.to_thread(self._web.refresh)
            await self.renew()


def open_socket(address: str, limits: Limits) -> socket.socket:
    """Return a listening socket on `address`; raises StartError in one sentence with the remedy."""
    host, port = _split(address)
    try:
        sock = _bind(host, port)
    except OSError as error:
        raise StartError(f"cannot listen on {address}: {_remedy(error)}") from None
    # Inherited by each connection: cuts a client that leaves an answer unread, which would else hold
    # its memory for ever (tcp(7), Linux only).
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.unread * 1000))
    return sock


def _bind(host: str, port: int) -> socket.socket:
    if not host:
        if socket.has_dualstack_ipv6():
            try:
                return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
            except OSError as error:  # IPv6 may be compiled in and switched off
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
        return socket.create_server(("0.0.0.0", port))  # noqa: S104 - `:port` asks for every address
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    # A name may have addresses of both families, such as localhost: IPv4 goes first.
    family, _, _, _, place = min(found, key=lambda one: one[0] != socket.AF_INET)
    return socket.create_server(place[:2], family=family)


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not port.isdecimal() or int(port) > 65_535 or (":" in bare and bare == host):
        raise StartError(
            f"{_FLAG} {address!r} is no address; write it like {EXPORTER_ADDRESS}, [::1]:10055 or :10055"
        )
    return bare, int(port)


def _remedy(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host name is unknown; write an address of this machine in {_FLAG}"
    remedies = {
        errno.EADDRINUSE: f"the port is in use; stop the other process or choose another port with {_FLAG}",
        errno.EACCES: f"permission denied; choose a port above 1023 with {_FLAG}",
        errno.EPERM: f"permission denied; choose a port above 1023 with {_FLAG}",
        errno.EADDRNOTAVAIL: f"this machine has no such address; choose one of its own with {_FLAG}",
    }
    words = os.strerror(error.errno) if error.errno else "unknown error"
    return remedies.get(error.errno or 0, f"{words}; choose another address with {_FLAG}")


def _logger() -> logging.Logger:
    """Return the log of the protocol: aiohttp would print each broken request with a trace and its bytes."""
    logger = logging.getLogger("exporter.web.protocol")
    if not logger.filters:
        logger.addFilter(_drop_traceback)
    return logger


def _drop_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    record.msg, record.args = f"{record.getMessage()} {type(error).__name__ if error else ''}".strip(), ()
    record.exc_info = None  # the text of an error may hold what a caller sent
    # A caller that is wrong, or goes away in the middle of its body, must not fill the log.
    return not isinstance(error, HttpProcessingError | ConnectionError)


class _Runner(web.AppRunner):
    """A runner whose requests keep the server's name and version to themselves, unreadable ones too."""

    most = 1024

    async def _make_server(self) -> Server:
        server = await super()._make_server()
        made = server.connection_made

        def connection_made(handler: RequestHandler, transport: asyncio.Transport) -> None:
            made(handler, transport)
            _limit_connections(server, self.most)

        server.connection_made = connection_made  # type: ignore[method-assign]  # aiohttp has no other hook
        server.request_factory = partial(self.app._make_request, _cls=_Request)
        return server


def _limit_connections(server: Server, most: int) -> None:
    """Close the connection that was idle for longest, else the newest, where there are more than `most`."""
    there = [
        one for one in server.connections if one.transport is not None and not one.transport.is_closing()
    ]
    if len(there) > most:
        # Not the newest: its first request is still on the way, so it only looks idle.
        idle = (one for one in there[:-1] if one._current_request is None)
        next(idle, there[-1]).force_close()


class _Request(web.Request):
    """A request; one that could not be parsed has no application to take the header off its answer."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        await super()._prepare_hook(response)
        response.headers.pop("Server", None)
