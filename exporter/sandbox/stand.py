"""One vendor being served, with its faults put on and taken off while it runs."""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
from aiohttp import web

from exporter.core.errors import StartError
from exporter.sandbox.certificates import Authority
from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

SLOW = 30.0
"""Seconds that a slow vendor waits before it answers after all."""
# Bounded, because the demo may run for days.
KEPT_CALLS = 1000
_BELOW_CALLS = ("refused", "wrong_certificate")
"""Faults that show before anything is asked."""

_CUT_OFF = b'{"object": "list", "data": [{"id": "'


class Answer(NamedTuple):
    """An answer to give to every call whose path begins with `path`."""

    reply: Reply
    path: str = "/"


class Stand:
    """One running vendor: a plain and a TLS listener, one fault at a time, any number of scenarios.

    `calls` are the last calls it got, oldest first; `total` is how many there were in all.
    """

    def __init__(
        self,
        vendor: Vendor,
        host: str,
        authorities: tuple[Authority, Authority],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to serve `vendor`; the first authority signs its certificate, the second the wrong one."""
        self.vendor = vendor
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self.total = 0
        self.scenarios: set[str] = set()
        self.fault: str | None = None
        self.answer: Answer | None = None
        self.only = ""
        self._host = host
        self._authorities = authorities
        self._now = now
        self._plans: dict[str, asyncio.Task[None]] = {}
        self._runner: web.ServerRunner | None = None
        self._sites: list[web.TCPSite] = []
        self._held: list[socket.socket] = []
        self._contexts: list[ssl.SSLContext | None] = []
        self._ports: list[int] = []
        self._ca_file = ""

    @property
    def endpoint(self) -> Endpoint:
        """Where it is served."""
        return Endpoint(self._host, self._ports[0], self._ports[1], self._ca_file)

    async def open(self, ports: tuple[int, int], directory: Path, ca_file: Path) -> None:
        """Listen on the plain and the TLS port (0: any free one); keys go into `directory`."""
        trusted, unknown = self._authorities
        good = trusted.server_context(directory, self.vendor.name)
        wrong = unknown.server_context(directory, f"{self.vendor.name}-wrong")
        # Chosen at each handshake: a fault changes the certificate without opening the port again.
        good.sni_callback = self._choose(wrong)
        self._ca_file = str(ca_file)
        self._contexts = [None, good]
        self._ports = list(ports)
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await self._runner.setup()
        await self._listen()

    async def close(self) -> None:
        """Stop listening and drop every plan and connection."""
        for plan in self._plans.values():
            plan.cancel()
        await asyncio.gather(*self._plans.values(), return_exceptions=True)
        self._plans.clear()
        self._hang_up()
        self._release_ports()
        if self._runner:
            await self._runner.cleanup()

    async def set_fault(
        self,
        name: str | None,
        *,
        after: float = 0.0,
        lasts: float | None = None,
        answer: Answer | None = None,
        only: str = "",
    ) -> None:
        """Put a fault on after `after` seconds, for `lasts` seconds or until it is changed; None heals.

        `answer` instead of a name makes the vendor give that answer to every call for its path.
        With `only` it meets calls that hold this text in path, query, headers or body: those of one tenant.
        """
        if only and name in _BELOW_CALLS:
            raise ValueError(f"the fault {name} meets every call: leave out `only`")
        if name is not None and name not in self.vendor.faults:
            raise ValueError(f"{self.vendor.name} knows the faults {', '.join(self.vendor.faults)}")
        await self._plan(
            "fault", after, lasts, lambda: self._turn(name, answer, only), lambda: self._turn(None)
        )

    async def set_scenario(
        self, name: str, on: bool = True, *, after: float = 0.0, lasts: float | None = None
    ) -> None:
        """Turn one of the vendor's own troubles on or off, like `set_fault`."""
        if name not in self.vendor.scenarios:
            known = ", ".join(self.vendor.scenarios) or "none"
            raise ValueError(f"{self.vendor.name} knows the scenarios {known}")
        await self._plan(
            name, after, lasts, lambda: self._switch(name, on), lambda: self._switch(name, not on)
        )

    async def _plan(
        self,
        key: str,
        after: float,
        lasts: float | None,
        begin: Callable[[], Coroutine[Any, Any, None]],
        end: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        # The newest order wins: a plan that still waits must not undo it later.
        if former := self._plans.pop(key, None):
            former.cancel()
        if not after:
            await begin()
        if after or lasts is not None:
            self._plans[key] = asyncio.create_task(_play(after, lasts, begin, end))

    async def _turn(self, name: str | None, answer: Answer | None = None, only: str = "") -> None:
        self.fault, self.answer, self.only = name, answer, only
        # Connections made before would not notice a closed port or another certificate.
        self._hang_up()
        if name == "refused":
            for site in self._sites:
                await site.stop()
            self._sites.clear()
            self._hold_ports()
        elif not self._sites:
            self._release_ports()
            await self._listen()

    def _hold_ports(self) -> None:
        """Keep the ports without listening: else the system may give them to others meanwhile."""
        for port in self._ports if not self._held else ():
            held = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind((self._host, port))
            self._held.append(held)

    def _release_ports(self) -> None:
        for held in self._held:
            held.close()
        self._held.clear()

    async def _switch(self, name: str, on: bool) -> None:
        (self.scenarios.add if on else self.scenarios.discard)(name)

    def _hang_up(self) -> None:
        server = self._runner.server if self._runner else None
        for connection in list(server.connections) if server else ():
            connection.force_close()

    async def _listen(self) -> None:
        assert self._runner is not None  # noqa: S101 - open() made it
        for index, context in enumerate(self._contexts):
            site = web.TCPSite(
                self._runner, self._host, self._ports[index], ssl_context=context, reuse_address=True
            )
            try:
                await site.start()
            except OSError as error:
                raise StartError(
                    f"cannot listen on {self._host}:{self._ports[index]} for the simulated {self.vendor.name}"
                    f" ({error.strerror}); each vendor takes two ports behind that of the controls: choose"
                    " others by --listen"
                ) from error
            self._sites.append(site)
            # Stored, so that a vendor that refused connections is back on the same port.
            self._ports[index] = _port_of(site)

    def _choose(self, wrong: ssl.SSLContext) -> Callable[[Any, str | None, ssl.SSLContext], None]:
        def choose(connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
            if self.fault == "wrong_certificate":
                connection.context = wrong

        return choose

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """Answer a request for `path` of this vendor, with the fault that is on."""
        met = await self._meets(request)
        fault = self.fault if met else None
        call = await self._call_of(request, path, revoked=fault == "bad_credential")
        self.calls.append(call)
        self.total += 1
        if fault == "cut":
            return await _send_half(request)
        if fault == "slow":
            await asyncio.sleep(SLOW)
        return _response(self._reply(call, fault, self.answer if met else None))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self.handle(request, request.path)

    async def _meets(self, request: web.BaseRequest) -> bool:
        """Return whether the fault that is on, if any, is meant for this call."""
        if not self.only:
            return True
        # In both forms, because clients encode ids in different ways.
        said = (request.path_qs, unquote(request.path_qs), *request.headers.values())
        return any(self.only in text for text in said) or self.only.encode() in await request.read()

    async def _call_of(self, request: web.BaseRequest, path: str, *, revoked: bool) -> Call:
        good = self.vendor.credentials
        # Any other text will do: what was good before is wrong from now on.
        others = {name: f"{value}-revoked" for name, value in good.items()}
        return Call(
            method=request.method,
            path=path,
            query={name: request.query.getall(name) for name in request.query},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
            credentials=others if revoked else good,
            scenarios=frozenset(self.scenarios),
            now=self._now(),
        )

    def _reply(self, call: Call, fault: str | None, answer: Answer | None) -> Reply:
        if answer and call.path.startswith(answer.path):
            return answer.reply
        match fault:
            case "rate_limited":
                return self.vendor.rate_limited(call)
            case "server_error":
                return self.vendor.server_error(call)
            case "bad_json":
                return Reply(200, _CUT_OFF, {"Content-Type": "application/json"})
            case "missing_field":
                return Reply(200, {})
            case _:
                return self.vendor.answer(call)


async def _play(
    after: float,
    lasts: float | None,
    begin: Callable[[], Coroutine[Any, Any, None]],
    end: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    if after:
        await asyncio.sleep(after)
        await begin()
    if lasts is not None:
        await asyncio.sleep(lasts)
        await end()


def _response(reply: Reply) -> web.Response:
    if isinstance(reply.body, bytes):
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
    headers: Mapping[str, str] = {"Content-Type": "application/json", **reply.headers}
    return web.Response(status=reply.status, body=msgspec.json.encode(reply.body), headers=headers)


async def _send_half(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "4096"})
    await response.prepare(request)
    await response.write(_CUT_OFF)
    # A reset, after fewer bytes than Content-Length promised.
    if request.transport:
        request.transport.abort()
    return response


def _port_of(site: web.TCPSite) -> int:
    server: Any = site._server  # aiohttp has the port it was given nowhere else for a single site
    return int(server.sockets[0].getsockname()[1])
