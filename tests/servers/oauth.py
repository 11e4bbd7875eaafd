"""A token endpoint as RFC 6749 describes it, which takes nothing that is not exactly right, and its API."""

import asyncio
import base64
import secrets
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

CLIENT_ID = "client id+1"
CLIENT_SECRET = "planted-secret:/+0123 %"
SCOPES = frozenset({"read", "write"})
AUDIENCE = "https://api.example/"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Issuer:
    """Issues tokens at /token and takes them at /api; tests turn its knobs.

    `style` is the one way in which the client may show itself. `instead` answers in place of a token.
    `lifetime` is what it says of a token, and `hold` how many seconds it takes to issue one.
    """

    style: str = "header"
    lifetime: Any = 3600
    instead: web.Response | None = None
    hold: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
    issued: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    port: int = 0
    scheme: str = "http"

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def revoke(self) -> None:
        """Take no token any more that was issued so far."""
        self.good.clear()

    async def token(self, request: web.Request) -> web.Response:
        self.seen["token"] += 1
        await asyncio.sleep(self.hold)
        if self.instead is not None:
            made = self.instead
            return web.Response(status=made.status, body=made.body, headers=made.headers)
        if problem := await self._problem(request):
            code, status = problem
            headers = {"WWW-Authenticate": "Basic"} if status == 401 else {}
            sent = (await request.post()).get("client_secret", "")
            said = f"says no: {sent!s}{request.headers.get('Authorization', '')} {await request.text()}"
            body = {"error": code, "error_description": said}
            return web.json_response(body, status=status, headers=headers | {"Cache-Control": "no-store"})
        token = f"planted-token-{secrets.token_urlsafe(24)}"
        self.issued.append(token)
        self.good.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime, **self.extra}
        message = {name: value for name, value in answer.items() if value is not None}
        return web.json_response(message, headers={"Cache-Control": "no-store"})

    async def api(self, request: web.Request) -> web.Response:
        self.seen["api"] += 1
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.good:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return web.json_response({"error": token}, status=401, headers=challenge)
        return web.json_response({"status": "ok", "jobs": 3})

    async def _problem(self, request: web.Request) -> tuple[str, int] | None:
        fields = await request.post()
        if request.headers.get("Content-Type") != FORM or request.query or len(set(fields)) < len(fields):
            return "invalid_request", 400
        if fields.keys() - {"grant_type", "scope", "audience", "client_id", "client_secret"}:
            return "invalid_request", 400
        if (refusal := self._stranger(request, fields)) is not None:
            return refusal
        if fields.get("grant_type") != "client_credentials":
            return "unsupported_grant_type", 400
        if not set(str(fields.get("scope", "read")).split(" ")) <= SCOPES:
            return "invalid_scope", 400
        return ("invalid_target", 400) if fields.get("audience", AUDIENCE) != AUDIENCE else None

    def _stranger(self, request: web.Request, fields: Any) -> tuple[str, int] | None:
        kind, _, pair = request.headers.get("Authorization", "").partition(" ")
        shown = (fields.get("client_id"), fields.get("client_secret"))
        if self.style == "header":
            if kind != "Basic" or any(shown):
                return "invalid_client", 401
            name, _, secret = base64.b64decode(pair).decode().partition(":")
            shown = (unquote_plus(name), unquote_plus(secret))
        elif kind:
            return "invalid_request", 400
        return None if shown == (CLIENT_ID, CLIENT_SECRET) else ("invalid_client", 401)


@asynccontextmanager
async def issuing(issuer: Issuer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Issuer]:
    """Serve `issuer` on a free port of this machine."""
    app = web.Application()
    app.router.add_post("/token", issuer.token)
    app.router.add_get("/api", issuer.api)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    issuer.port = runner.addresses[0][1]
    issuer.scheme = "https" if tls else "http"
    try:
        yield issuer
    finally:
        await runner.cleanup()


def refusal(status: int, body: Any = None, **headers: str) -> web.Response:
    """Return what to answer in place of a token."""
    return web.json_response(body, status=status, headers=headers)


def close_to(seconds: float) -> tuple[float, float]:
    """Return bounds of a Unix time about `seconds` from now."""
    return time.time() + seconds - 10, time.time() + seconds + 10
