"""How the server answers: JSON, errors without traces, and the headers of every answer."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Collection, Container
from difflib import get_close_matches
from typing import Any

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.net.unpack import unpacker
from exporter.server.nul import refuse_nul_in_body
from exporter.server.web_config.file import WebConfigFile
from exporter.server.web_config.settings import RateLimit

BODY_LIMIT = 64 * 1024
BODY_SECONDS = 10.0
TEXT = "text/plain"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: forms of the page itself would then be sent with the origin null.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def json_answer(value: Any, status: int = 200, **headers: str) -> web.Response:
    """Return `value` as JSON."""
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


async def json_body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body, {} for an empty one; a bad or slow one is an HTTP error."""
    body = await read_body(request, BODY_LIMIT)
    try:
        value = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, RecursionError):  # the latter: brackets in brackets, thousands deep
        raise web.HTTPBadRequest(text="the body is not JSON") from None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    refuse_nul_in_body(value, body)
    return value


async def read_body(request: web.Request, most: int) -> bytes:
    """Return the body, unpacked, of at most `most` bytes; one that is too long is not read to its end."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read(request, most)
        return _unpack(body, request.headers.get("Content-Encoding", ""), most)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not arrive in time") from None
    except (web.RequestPayloadError, ProbeError):
        raise web.HTTPBadRequest(text="the body cannot be read by its Content-Encoding") from None


async def _read(request: web.Request, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    if (request.content_length or 0) > most:
        raise _too_long(most)
    while part := await request.content.readany():
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise _too_long(most)
    return b"".join(parts)


def _too_long(most: int) -> web.HTTPException:
    return web.HTTPRequestEntityTooLarge(most, text=f"the body has more than {most} bytes")


def _unpack(body: bytes, encoding: str, most: int) -> bytes:
    """Return `body` without its encoding; ProbeError where it cannot be undone."""
    reader, left = unpacker(encoding)
    if left:
        raise ProbeError(Reason.BAD_RESPONSE, f"the encoding {left} is not known")
    found = reader.feed(body, most)
    if len(found) > most:
        raise _too_long(most)
    reader.finish()
    return found


def whole_number(request: web.Request, name: str, default: int, most: int) -> int:
    """Return a number from 0 to `most` out of the query."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= most):
        raise web.HTTPBadRequest(text=f"{name} must be a number from 0 to {most}")
    return int(text)


def one_of(request: web.Request, name: str, known: tuple[str, ...], usual: str) -> str:
    """Return a word of `known` out of the query, `usual` where it has none."""
    found = request.query.get(name, usual)
    if found not in known:
        raise web.HTTPBadRequest(text=f"{name} must be one of " + ", ".join(known) + closest(found, known))
    return found


def closest(name: str, known: Collection[str]) -> str:
    """Return a question for those of `known` that were probably meant, "" where none is close."""
    close = get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


@web.middleware
async def plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error in one sentence, as JSON or text; a mistake of ours is logged, never shown."""
    try:
        return await handler(request)
    # A redirect is an answer, not an error.
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        # aiohttp's text where none was given repeats the status.
        text = error.text if error.text and error.text != f"{error.status}: {error.reason}" else error.reason
        return _error(request, error.status, text, dict(error.headers))
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever a handler does, no trace leaves
        structlog.get_logger("exporter.web").error(
            "request failed", method=request.method, path=request.path, **error_location(error)
        )
        return _error(request, 500, "the exporter made a mistake; its log has the details", {})


def error_location(error: BaseException) -> dict[str, str]:
    """Return kind and place of an error for the log; its text is left out, it may hold a secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return {"error": type(error).__name__, "at": f"{frame.filename}:{frame.lineno} in {frame.name}"}


def _error(request: web.Request, status: int, text: str, headers: dict[str, str]) -> web.Response:
    passed_on = {
        name: value
        for name, value in headers.items()
        if name.lower() not in ("content-type", "content-length")
    }
    accept = request.headers.get("Accept", "")
    # Anywhere in the path: a route prefix may be in front.
    if "/api/" in request.path or ("application/json" in accept and "text/html" not in accept):
        return json_answer({"error": text, "status": status}, status, **passed_on)
    return web.Response(text=text + "\n", status=status, content_type=TEXT, headers=passed_on)


def limiter(web_config: WebConfigFile, unlimited: Container[object] = ()) -> Middleware:
    """Return a middleware that answers 429 beyond the file's `rate_limit`, but by handlers of `unlimited`."""
    bucket = _Bucket()

    @web.middleware
    async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
        limit = None if request.match_info.handler in unlimited else web_config.current.rate_limit
        if limit is not None and not bucket.take(limit, time.monotonic()):
            raise web.HTTPTooManyRequests(text="too many requests", headers={"Retry-After": "1"})
        return await handler(request)

    return limit_rate


class _Bucket:
    """A token bucket that starts full."""

    def __init__(self) -> None:
        self._full_at = 0.0

    def take(self, limit: RateLimit, now: float) -> bool:
        """Take one, if there is one; the bucket is kept as the time at which it will be full."""
        full_at = max(self._full_at, now) + limit.interval
        # The tolerance is for rounding: a sum of floats may exceed the burst by its last digit.
        if full_at - now > limit.burst * limit.interval + 1e-9:
            return False
        self._full_at = full_at
        return True


def add_security_headers(
    web_config: WebConfigFile,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return the signal that gives every answer its security headers."""

    async def prepare(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in SECURITY_HEADERS.items():
            # What a handler has set stays: assets may be cached, runbooks have a policy of their own.
            response.headers.setdefault(name, value)
        for name, value in web_config.current.headers:
            response.headers[name] = value

    return prepare
