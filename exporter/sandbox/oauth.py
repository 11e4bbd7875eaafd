"""A token endpoint for refresh tokens that rotate or not, for tests and measurements of what may be lost.

Written from RFC 6749 (sections 4.4, 5.1, 5.2 and 6), RFC 7523 (section 2.1), RFC 9700 (section 4.14.2:
rotation, and what a server does about a refresh token that comes twice), and Meta's page on long-lived
tokens (developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived). It is not part of
the demo's vendors: it must remember what it handed out.

    POST /token                            grant_type refresh_token, client_credentials or jwt-bearer
    GET  /v26.0/oauth/access_token         grant_type fb_exchange_token
    GET  /api                              takes an access token that is good
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web

CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-client-secret"
ROTATIONS: Mapping[str, str] = {
    "none": "The refresh token stays for ever.",
    "strict": "Each use ends a refresh token at once; one that comes twice ends the whole connection.",
    "overlapping": "A refresh token is good until the one that followed it was used.",
}
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Connection:
    """What one tenant granted. `refresh` are the refresh tokens that are good, oldest first."""

    name: str
    refresh: list[str]
    used: set[str] = field(default_factory=set)
    access: set[str] = field(default_factory=set)
    refreshes: int = 0
    dead: bool = False
    latest: tuple[str, float] = ("", 0.0)


@dataclass
class OAuthServer:
    """The server; tests turn its knobs.

    `rotation` is one of `ROTATIONS`. `life` and `refresh_life` are what it says of new tokens, in seconds or
    anything else, None for nothing. `hold` is how many seconds it takes to answer once the tokens have
    changed. `fail` answers in place of a token; `public_key` checks signed assertions. With `repeat` it hands
    out the same access token with what is left of its life, by the clock `now`, until that is over.
    """

    rotation: str = "none"
    life: Any = 3600
    refresh_life: Any = None
    scope: str | None = None
    hold: float = 0.0
    fail: Callable[[], web.Response | None] = lambda: None
    public_key: Any = None
    repeat: bool = False
    now: Callable[[], float] = time.time
    connections: dict[str, Connection] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    together: Counter[str] = field(default_factory=Counter)
    most_together: int = 0
    port: int = 0

    def url(self, path: str = "/token") -> str:
        """Return the address of `path`."""
        return f"http://127.0.0.1:{self.port}{path}"

    def connect(self, name: str) -> str:
        """Let the tenant `name` grant again; return the first refresh token."""
        refresh = f"rt-{name}~{secrets.token_urlsafe(12)}"
        self.connections[name] = Connection(name, [refresh])
        return refresh

    def grant_long(self, name: str) -> str:
        """Return an access token of `name` that may be exchanged for a longer one."""
        access = f"at-{name}-{secrets.token_urlsafe(12)}"
        self.connections[name] = Connection(name, [], access={access})
        return access

    def revoke(self, name: str) -> None:
        """Revoke the connection of `name`."""
        self.connections[name].dead = True

    def takes(self, access: str) -> bool:
        """Return whether an access token is good."""
        return any(access in one.access and not one.dead for one in self.connections.values())

    async def token(self, request: web.Request) -> web.Response:
        """Answer POST /token."""
        form = await request.post()
        kind = str(form.get("grant_type", ""))
        self.seen[kind] += 1
        if (made := self.fail()) is not None:
            return made
        if kind == JWT_BEARER:
            return await self._assertion(str(form.get("assertion", "")))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _error("invalid_client", 401)
        if kind == "client_credentials":
            return await self._grant(self.connections.setdefault("client", Connection("client", [])))
        return await self._refresh(str(form.get("refresh_token", ""))) if kind == "refresh_token" else _odd()

    async def exchange(self, request: web.Request) -> web.Response:
        """Answer Meta's exchange of an access token."""
        query = request.query
        self.seen["fb_exchange_token"] += 1
        if (query.get("client_id"), query.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"error": {"code": 101, "type": "OAuthException"}}, status=400)
        old = query.get("fb_exchange_token", "")
        for one in self.connections.values():
            if old in one.access and not one.dead:
                return await self._grant(one)
        return web.json_response({"error": {"code": 190, "type": "OAuthException"}}, status=400)

    async def api(self, request: web.Request) -> web.Response:
        """Answer who shows a good access token."""
        _, _, access = request.headers.get("Authorization", "").partition(" ")
        if not self.takes(access):
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"status": "ok"})

    async def _refresh(self, refresh: str) -> web.Response:
        # The name is inside the token, so that thousands of connections need no search.
        one = self.connections.get(refresh.removeprefix("rt-").rpartition("~")[0])
        if one is None:
            return _error("invalid_grant", 400)
        if refresh in one.used and self.rotation == "strict":
            one.dead = True  # one of the two users stole it (RFC 9700)
        if refresh not in one.refresh or one.dead:
            return _error("invalid_grant", 400)
        return await self._grant(one, self._rotated(one, refresh))

    def _rotated(self, one: Connection, refresh: str) -> str | None:
        if self.rotation == "none":
            return None
        new = f"rt-{one.name}~{secrets.token_urlsafe(12)}"
        if self.rotation == "strict":
            one.used.add(refresh)
            one.refresh = [new]
        else:
            # The token that was just used and its successor; any other one is void.
            one.refresh = [refresh, new]
        return new

    async def _grant(self, one: Connection, refresh: str | None = None) -> web.Response:
        access, life = self._access(one)
        one.refreshes += 1
        # Exchanges of one connection at the same moment: tests check that there is never more than one.
        self.together[one.name] += 1
        self.most_together = max(self.most_together, self.together[one.name])
        try:
            # The tokens have changed by now: a client that gives up here has lost the new ones.
            await asyncio.sleep(self.hold)
        finally:
            self.together[one.name] -= 1
        answer = {
            "access_token": access,
            "token_type": "bearer",
            "expires_in": life,
            "scope": self.scope,
            "refresh_token": refresh,
            "refresh_token_expires_in": self.refresh_life,
        }
        body = {name: value for name, value in answer.items() if value is not None}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    def _access(self, one: Connection) -> tuple[str, Any]:
        """Return an access token and what is said of its life; servers that repeat one round that down."""
        token, expiry = one.latest
        if self.repeat and token and expiry > self.now():
            return token, int(expiry - self.now())
        token = f"at-{one.name}-{secrets.token_urlsafe(12)}"
        one.access.add(token)
        if self.repeat:
            one.latest = (token, self.now() + self.life)
        return token, self.life

    async def _assertion(self, assertion: str) -> web.Response:
        try:
            claims = jwt.decode(assertion, self.public_key, algorithms=["RS256"], audience=self.url())
        except jwt.PyJWTError:
            return _error("invalid_grant", 400)
        # As Google has it: a life of an hour at most. Five minutes are left for clocks that differ.
        if claims["exp"] - claims["iat"] > 3600 or abs(claims["iat"] - time.time()) > 300:
            return _error("invalid_grant", 400)
        return await self._grant(self.connections.setdefault(claims["iss"], Connection(claims["iss"], [])))


@asynccontextmanager
async def serving(server: OAuthServer) -> AsyncIterator[OAuthServer]:
    """Serve on a free port of this machine until the block is left."""
    app = web.Application()
    app.router.add_post("/token", server.token)
    app.router.add_get("/v26.0/oauth/access_token", server.exchange)
    app.router.add_get("/api", server.api)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", server.port)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


def _error(code: str, status: int) -> web.Response:
    return web.json_response({"error": code, "error_description": "not shown to anybody"}, status=status)


def _odd() -> web.Response:
    return _error("unsupported_grant_type", 400)
