"""Refuses the character NUL: PostgreSQL has no place for it, so no stored name and no filter can have it."""

from typing import Any

from aiohttp import web

NUL = "\0"


def refuse_nul(request: web.Request) -> None:
    """Raise 400 where the path or a name or value of the query has a NUL."""
    if "%00" not in request.raw_path and NUL not in request.raw_path:
        return
    named = [name for name, value in request.query.items() if NUL in value and NUL not in name]
    raise _refusal(named[0] if named else "the address")


def refuse_nul_in_body(value: Any, body: bytes) -> None:
    """Raise 400 where a text of the JSON `value`, which came as `body`, has a NUL; it names the key."""
    # Most bodies have none of either spelling, and need no walk.
    if b"\\u0000" in body or b"\0" in body:
        _refuse_in(value, "the body")


def _refuse_in(value: Any, place: str) -> None:
    if isinstance(value, str) and NUL in value:
        raise _refusal(place)
    if isinstance(value, list):
        for one in value:
            _refuse_in(one, place)
    if isinstance(value, dict):
        for name, one in value.items():
            _refuse_in(name, place)
            _refuse_in(one, name)


def _refusal(place: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=f"{place} has the character NUL (%00 or \\u0000); leave it out")
