"""Serves simulated vendors on this machine, for the demo and for tests.

Every vendor has two ports, plain and TLS. A control port says where they are and breaks them on demand:

    GET  /_sandbox                      all vendors: where, which options, what can break, what is broken
    GET  /_sandbox/{vendor}             one of them
    POST /_sandbox/{vendor}/fault       {"fault": "slow" | null, "after": 20, "for": 60, "only": "acct_1"}
                                        {"answer": {"status": 403, "body": {}, "headers": {}, "path": "/v1"}}
    POST /_sandbox/{vendor}/scenario    {"scenario": "declining_payments", "on": true, "after": 20, "for": 60}
    *    /{vendor}/...                  the vendor again, for clients that know this port only: plain HTTP,
                                        so without the faults `refused` and `wrong_certificate`

`after` and `for` are seconds and optional, `only` is a text that a call must hold to be met. The credentials
are made up; the sandbox is not for the open network, so it listens on the given address and asks
no caller for a credential.
"""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from exporter.core.defaults import HOST, SANDBOX_ADDRESS
from exporter.core.errors import StartError
from exporter.sandbox.certificates import Authority
from exporter.sandbox.stand import Answer, Stand
from exporter.sandbox.vendor import FAULTS, REASONS, Call, Endpoint, Handler, Reply, Vendor

T = TypeVar("T")
Vendors = Iterable[Vendor] | Mapping[str, Vendor]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class AnswerOrder(msgspec.Struct, forbid_unknown_fields=True):
    """An answer that a vendor is to give to every call whose path begins with `path`."""

    path: str = "/"
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    body: Any = None
    headers: dict[str, str] = {}


class FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /_sandbox/{vendor}/fault; neither fault nor answer means: be well again."""

    fault: str | None = None
    answer: AnswerOrder | None = None
    only: str = ""
    after: Seconds = 0.0
    lasts: Seconds | None = msgspec.field(name="for", default=None)


class ScenarioOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /_sandbox/{vendor}/scenario."""

    scenario: str
    on: bool = True
    after: Seconds = 0.0
    lasts: Seconds | None = msgspec.field(name="for", default=None)


class Sandbox:
    """All vendors being served: `stands` by vendor's name, `control` is the URL of the control port."""

    def __init__(self, stands: Mapping[str, Stand], control: str) -> None:
        """Keep what is served."""
        self.stands = stands
        self.control = control

    def describe(self, name: str) -> dict[str, Any]:
        """Return what the control port says about one vendor."""
        stand = self.stands[name]
        vendor, endpoint = stand.vendor, stand.endpoint
        return {
            "title": vendor.title,
            "url": endpoint.url,
            "tls_url": endpoint.tls_url,
            "ca_file": endpoint.ca_file,
            "options": vendor.options(endpoint),
            "fault": stand.fault,
            "only": stand.only,
            "faults": {fault: FAULTS[fault] for fault in vendor.faults},
            "scenarios_on": sorted(stand.scenarios),
            "scenarios": dict(vendor.scenarios),
            "calls": stand.total,
        }


@asynccontextmanager
async def serve(
    vendors: Vendors,
    host: str = HOST,
    port: int = 0,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Sandbox]:
    """Serve `vendors` until the block is left.

    `port` is the control port; vendor number i (from 0) gets port + 1 + 2i for plain and the next one for
    TLS. 0 takes any free ports. A port that is taken raises StartError. `now` is the vendors' clock.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
        trusted, unknown = Authority.new("sandbox authority"), Authority.new("unknown authority")
        authorities = (trusted, unknown)
        ca_file = directory / "ca.pem"
        trusted.write(ca_file)
        stands: dict[str, Stand] = {}
        for index, vendor in enumerate(vendors.values() if isinstance(vendors, Mapping) else vendors):
            stand = stands[vendor.name] = Stand(vendor, host, authorities, now)
            # Before open(), so that a port that is taken leaves nothing open.
            stack.push_async_callback(stand.close)
            first = port + 1 + 2 * index if port else 0
            await stand.open((first, first + 1 if first else 0), directory, ca_file)
        # The address of the control port is known once it listens, but its handlers need the sandbox before.
        sandbox = Sandbox(stands, "")
        # Handlers are cancelled with their client: a `slow` one sleeps for half a minute.
        runner = web.AppRunner(
            _control(sandbox), access_log=None, shutdown_timeout=0.2, handler_cancellation=True
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        sandbox.control = await _start(runner, host, port)
        yield sandbox


async def run(listen: str, vendors: Vendors, say: Callable[[str], object] = print) -> None:
    """Serve `vendors` on `listen` (host:port) until SIGINT, SIGTERM or cancellation.

    `say` gets the address of each one.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise StartError(f"cannot listen on {listen!r}; give host:port, such as {SANDBOX_ADDRESS}")
    async with serve(vendors, host.strip("[]"), int(port)) as sandbox:
        for line in listing(sandbox):
            say(line)
        await _signal()


def listing(sandbox: Sandbox) -> list[str]:
    """Return where everything is, a line each."""
    width = max(map(len, ("control", *sandbox.stands)))
    lines = [f"{'control':<{width}}  {sandbox.control}/_sandbox"]
    for name, stand in sandbox.stands.items():
        lines.append(f"{name:<{width}}  {stand.endpoint.url:<23} {stand.endpoint.tls_url}")
    authorities = {stand.endpoint.ca_file for stand in sandbox.stands.values()}
    lines.append(f"The authority of the https addresses is {', '.join(sorted(authorities))}.")
    lines.append(
        f'Break one: curl -d \'{{"fault": "slow"}}\' {sandbox.control}/_sandbox/NAME/fault; '
        "what each knows is on the control address"
    )
    return lines


async def _signal() -> None:
    # Without this, SIGTERM would leave the directory of the certificates behind.
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _start(runner: web.AppRunner, host: str, port: int) -> str:
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise StartError(
            f"cannot listen on {host}:{port} for the sandbox ({error.strerror}); choose another port"
        ) from error
    return f"http://{host}:{runner.addresses[0][1]}"


def _control(sandbox: Sandbox) -> web.Application:
    async def all_vendors(_request: web.Request) -> web.Response:
        return _json({name: sandbox.describe(name) for name in sandbox.stands})

    async def one_vendor(request: web.Request) -> web.Response:
        return _json(sandbox.describe(_stand(sandbox, request).vendor.name))

    async def fault(request: web.Request) -> web.Response:
        order, stand = await _order(request, FaultOrder), _stand(sandbox, request)
        answer = _answer(order.answer) if order.answer else None
        await _obey(
            stand.set_fault(order.fault, after=order.after, lasts=order.lasts, answer=answer, only=order.only)
        )
        return _json(sandbox.describe(stand.vendor.name))

    async def scenario(request: web.Request) -> web.Response:
        order, stand = await _order(request, ScenarioOrder), _stand(sandbox, request)
        await _obey(stand.set_scenario(order.scenario, order.on, after=order.after, lasts=order.lasts))
        return _json(sandbox.describe(stand.vendor.name))

    async def vendor(request: web.Request) -> web.StreamResponse:
        return await _stand(sandbox, request).handle(request, f"/{request.match_info['path']}")

    application = web.Application()
    application.router.add_get("/_sandbox", all_vendors)
    application.router.add_get("/_sandbox/", all_vendors)
    application.router.add_get("/_sandbox/{vendor}", one_vendor)
    application.router.add_post("/_sandbox/{vendor}/fault", fault)
    application.router.add_post("/_sandbox/{vendor}/scenario", scenario)
    application.router.add_route("*", "/{vendor}/{path:.*}", vendor)
    return application


def _stand(sandbox: Sandbox, request: web.Request) -> Stand:
    if stand := sandbox.stands.get(request.match_info["vendor"]):
        return stand
    raise web.HTTPNotFound(text=f"no such vendor; there are {', '.join(sandbox.stands)}\n")


def _answer(order: AnswerOrder) -> Answer:
    return Answer(Reply(order.status, order.body, order.headers), order.path)


async def _order(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.DecodeError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error


async def _obey(order: Awaitable[None]) -> None:
    try:
        await order
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value) + b"\n", content_type="application/json")


__all__ = [
    "FAULTS",
    "REASONS",
    "Answer",
    "Call",
    "Endpoint",
    "Handler",
    "Reply",
    "Sandbox",
    "Stand",
    "Vendor",
    "run",
    "serve",
]
