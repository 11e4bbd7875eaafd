"""Tokens by HTTP: their states, and refreshes on demand."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiohttp import web

from exporter.config import durations
from exporter.core.probe import Target
from exporter.core.token import TokenState
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, json_body, whole_number
from exporter.server.audit import audit
from exporter.server.jobs import REFRESHES
from exporter.server.query import format_of, row_limit
from exporter.server.rows import in_turns
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions
from exporter.server.tokens import ListedToken, token_row, tokens_of
from exporter.server.unknown import refuse_unknown
from exporter.tokens.account import TokenAccount

MOST_ROWS = 10_000
BODY_KEYS = ("integration", "tenant", "expiring", "all", "background")
COLUMNS = (
    *("integration", "tenant", "provider", "token", "state", "expires", "expires_in_seconds"),
    *("refreshable", "last_refresh", "failures", "reason", "next_attempt"),
)

WORST = ("refused", "expired", "implausible")
"""States that come first, the one that needs a person most before the others."""

Chooser = Callable[[Target, TokenAccount], bool]


async def read(request: web.Request) -> web.StreamResponse:
    """Answer the tokens of every target that is asked for, those that need a person first."""
    await refuse_unknown(request)
    now = request.app[SERVICES].now()
    query = request.query
    state = query.get("state", "")
    if state and state not in set(TokenState):
        raise web.HTTPBadRequest(text="state must be one of " + ", ".join(TokenState))
    fits = _chooser(query, now)
    found: list[ListedToken] = []
    async for portion in in_turns(_visible(request)):
        every = (
            one
            for target, account in portion
            if fits(target, account)
            for one in tokens_of(target, account, now)
        )
        found += (one for one in every if state in ("", one.state))
    found.sort(key=lambda one: _urgency(one, now))
    offset = whole_number(request, "offset", 0, 10_000_000)
    listed = format_of(request) == "json"
    limit = whole_number(request, "limit", 500, MOST_ROWS) if listed else row_limit(request)
    page: list[dict[str, Any]] = []
    async for part in in_turns(found[offset : offset + limit]):
        page += (token_row(one, now) for one in part)
    if not listed:
        return await export_rows(request, COLUMNS, portions(page))
    counts = Counter(one.state for one in found)
    return json_answer({"total": len(found), "counts": counts, "offset": offset, "tokens": page})


async def refresh(request: web.Request) -> web.Response:
    """Refresh the tokens that the body chooses; many, or with `background`, become a job."""
    body = await _body(request)
    services, identity = request.app[SERVICES], request[IDENTITY]
    fits = _chooser(body, services.now())
    targets = [target for target, account in _visible(request) if fits(target, account)]
    # Where none expires soon there is nothing to do, and no name was mistyped.
    if not targets and not body.get("expiring"):
        raise web.HTTPNotFound(text="there is no such target whose token is renewed")
    audit(request, "tokens.refreshed", body.get("integration", ""), tenant=body.get("tenant", ""))
    structlog.get_logger("exporter.web").info("refresh asked for", actor=identity.name, targets=len(targets))
    background = bool(body.get("background"))
    return await request.app[REFRESHES].answer(request, targets, background=background)


async def job(request: web.Request) -> web.Response:
    """Answer how far a job of refreshes is, with the results so far."""
    return request.app[REFRESHES].read(request)


def _visible(request: web.Request) -> list[tuple[Target, TokenAccount]]:
    identity = request[IDENTITY]
    return [one for one in request.app[SERVICES].tokens.accounts() if identity.sees(one[0].tenant)]


def _chooser(parameters: Mapping[str, str], now: float) -> Chooser:
    integration, tenant = parameters.get("integration", ""), parameters.get("tenant", "")
    life = _life(parameters.get("expiring", ""))

    def fits(target: Target, account: TokenAccount) -> bool:
        if integration not in ("", target.integration) or tenant not in ("", target.tenant):
            return False
        if life is None:
            return True
        expiry = account.tokens.expiry if account.tokens else None
        return expiry is not None and expiry - now < life

    return fits


def _life(text: str) -> float | None:
    if not text:
        return None
    try:
        return durations.seconds(text.strip())
    except ValueError:
        raise web.HTTPBadRequest(text="expiring must be a duration such as 24h") from None


def _urgency(one: ListedToken, now: float) -> tuple[Any, ...]:
    rank = WORST.index(one.state) if one.state in WORST else len(WORST)
    left = None if one.expiry is None else round(one.expiry - now)
    return (rank, -one.account.failures, left is None, left or 0, *one.target.key, one.token)


async def _body(request: web.Request) -> dict[str, Any]:
    body = await json_body(request)
    for name, value in body.items():
        if name not in BODY_KEYS:
            raise web.HTTPBadRequest(text=f"the body may have the keys {', '.join(BODY_KEYS)} only")
        wanted = bool if name in ("all", "background") else str
        if not isinstance(value, wanted):
            raise web.HTTPBadRequest(text=f"{name} must be {'true or false' if wanted is bool else 'a text'}")
    chosen = [name for name in ("integration", "tenant", "expiring") if body.get(name)]
    if bool(body.get("all")) == bool(chosen):
        raise web.HTTPBadRequest(text="choose by integration, tenant and expiring, or say all: true")
    return body
