"""One probe now, explained."""

import asyncio

import structlog
from aiohttp import web

from exporter.core.clock import iso
from exporter.core.errors import Deferred, Shortage
from exporter.core.probe import Result, Target
from exporter.exposition import CONTENT_TYPES
from exporter.server.access import IDENTITY
from exporter.server.checks import GRACE
from exporter.server.services import SERVICES

FLAGS = {"": False, "false": False, "0": False, "true": True, "1": True}


async def probe(request: web.Request) -> web.Response:
    """Run the probe of a configured target once; with `debug=true` answer its story, not its samples."""
    services = request.app[SERVICES]
    target = _target(request)
    debug = FLAGS.get(request.query.get("debug", "").lower())
    if debug is None:
        raise web.HTTPBadRequest(text="debug must be true or false")
    actor = request[IDENTITY].name
    structlog.get_logger("exporter.web").info("probe asked for", actor=actor, target=str(target))
    try:
        async with asyncio.timeout(target.timeout + GRACE):
            result = await services.check_now(target)
    except TimeoutError:
        raise web.HTTPGatewayTimeout(text="the probe did not end within its deadline") from None
    except Deferred as deferred:
        wait = str(max(1, round(deferred.seconds)))
        # 429 is for budgets and vendors' pauses; what this machine lacks is not a fault of the caller.
        busy = web.HTTPServiceUnavailable if isinstance(deferred, Shortage) else web.HTTPTooManyRequests
        raise busy(text=str(deferred), headers={"Retry-After": wait}) from None
    samples = services.explain(target, result)
    if debug:
        return web.Response(text=story(target, result, samples))
    return web.Response(text=samples, headers={"Content-Type": CONTENT_TYPES[False]})


def _target(request: web.Request) -> Target:
    name, slash, tenant = request.query.get("target", "").partition("/")
    asked = request.query.get("tenant", "")
    if not name:
        raise web.HTTPBadRequest(text="give target=INTEGRATION or target=INTEGRATION/TENANT")
    if slash and asked and asked != tenant:
        raise web.HTTPBadRequest(text="target and tenant name different tenants")
    services, key = request.app[SERVICES], (name, tenant or asked)
    state = services.board.get(key)
    if state is None and key in services.configuration().shard.elsewhere and request[IDENTITY].sees(key[1]):
        raise web.HTTPNotFound(text="another shard serves this target; ask the others")
    if state is None or not request[IDENTITY].sees(state.target.tenant):
        raise web.HTTPNotFound(
            text="there is no such target; give its integration, and its tenant if it has one"
        )
    return state.target


def story(target: Target, result: Result, samples: str) -> str:
    """Return the debug page: what happened when, how long each phase took, what came of it."""
    lines = [f"Probe of {target} ({target.provider}) at {iso(result.at)}", ""]
    lines += ["Log (seconds since the start):"]
    lines += [f"  {after:9.4f}  {text}" for after, text in result.log] or ["  (nothing)"]
    lines += ["", "Phases (seconds):"]
    lines += [f"  {phase:<11}{seconds:9.4f}" for phase, seconds in result.phases.items()] or ["  (none)"]
    lines += ["", *_outcome(target, result), "", "Metrics:", samples]
    return "\n".join(lines) if samples.endswith("\n") else "\n".join(lines) + "\n"


def _outcome(target: Target, result: Result) -> list[str]:
    lines = [
        f"Status: {'connected' if result.ok else 'not_configured' if not target.configured else 'error'}"
    ]
    if result.reason is not None:
        lines += [f"Reason: {result.reason.value} - {result.reason.meaning}"]
    if result.detail:
        lines += [f"Detail: {result.detail}"]
    lines += [f"Found: {text}" for text in result.private]
    lines += [f"Took: {result.duration_seconds:.4f} s of at most {target.timeout:g} s"]
    if result.http_status is not None:
        lines += [f"HTTP status: {result.http_status}"]
    other = result.phases and not result.calls
    lines += [f"HTTP calls to the vendor: {result.calls}{', it speaks another protocol' if other else ''}"]
    lines += [f"Drift: the answer has no usable field {path}" for path in result.drift]
    if result.trace_id:
        lines += [f"Trace id: {result.trace_id}"]
    return lines
