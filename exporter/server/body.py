"""Reads the body of a request as it was sent, and no more of it than may be."""

import asyncio

from aiohttp import web

from exporter.server.answers import BODY_SECONDS


async def read_body(request: web.Request, most: int) -> bytes:
    """Return the body, of `most` bytes at most; one that is longer is not read to its end (413)."""
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(most, text=f"the body has more than {most} bytes")
    if request.content.is_eof():  # it came with the head, as most do: there is nothing to wait for
        body = request.content.read_nowait()
        if len(body) > most:
            raise web.HTTPRequestEntityTooLarge(most, text=f"the body has more than {most} bytes")
        return body
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while part := await request.content.readany():
                parts.append(part)
                size += len(part)
                if size > most:
                    raise web.HTTPRequestEntityTooLarge(most, text=f"the body has more than {most} bytes")
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not arrive in time") from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest(text="the body breaks off") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)
