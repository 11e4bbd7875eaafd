"""`/api/v1/ratelimits/...`: apps ask whether somebody may, administrators see, block and unblock."""

import math
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from exporter.config import durations
from exporter.config.layout_parts import TENANT_PATTERN
from exporter.core.clock import iso
from exporter.core.errors import StoreError
from exporter.core.ratelimit import EVERY_POLICY, RateLimitBlock, RateLimitDecision, RateLimitPolicy
from exporter.ratelimits.guard import LimitStorageError
from exporter.ratelimits.limiter import RateLimitQuestion
from exporter.ratelimits.service import RateLimits
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, json_body, whole_number
from exporter.server.audit import audit
from exporter.server.body import read_body
from exporter.server.body_names import refuse_unknown_tenants
from exporter.server.limits import limited_identifier
from exporter.server.query import format_of, row_limit
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions

MOST_BYTES = 256 * 1024
MOST_CHECKS = 500
"""Questions of one body: in memory some ten milliseconds of work."""

LONGEST_BLOCK = 365 * 86_400.0
COLUMNS = ("id", "policy", "by", "identifier", "tenant", "at", "until", "actor", "reason")

_Text = Annotated[str, Meta(min_length=1, max_length=300)]
_Tenant = Annotated[str, Meta(pattern=rf"(?:{TENANT_PATTERN})|^$")]
T = TypeVar("T")


class LimitCheck(Struct, forbid_unknown_fields=True):
    """Whether `identifier` may ask by `policy`; `cost` is how much that takes, 0 to look alone."""

    policy: _Text
    identifier: _Text
    endpoint: Annotated[str, Meta(max_length=300)] = ""
    cost: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    tenant: _Tenant | None = None


class LimitCheckBatch(Struct, forbid_unknown_fields=True):
    """Several questions."""

    checks: Annotated[list[LimitCheck], Meta(min_length=1, max_length=MOST_CHECKS)]


class BlockBody(Struct, forbid_unknown_fields=True, rename={"duration": "for"}):
    """Who is blocked, by which policy (`*`: all), for how long ("": until somebody unblocks), and why."""

    identifier: _Text
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    policy: _Text = EVERY_POLICY
    tenant: _Tenant | None = None
    duration: Annotated[str, Meta(max_length=30)] = ""


async def check(request: web.Request) -> web.Response:
    """Answer whether it is allowed: an object for an object, `results` for `checks`."""
    limits, body = _limits(request), await _body(request)
    many = "checks" in body
    asked = _convert(body, LimitCheckBatch).checks if many else [_convert(body, LimitCheck)]
    questions = [
        _question(request, limits, one, f"checks[{number}]: " if many else "")
        for number, one in enumerate(asked)
    ]
    answers = [decision_json(found) for found in await limits.limiter.judge_all(questions)]
    return json_answer({"results": answers} if many else answers[0])


async def read_blocks(request: web.Request) -> web.StreamResponse:
    """Answer who is blocked, the newest first."""
    limits, query, identity = _limits(request), request.query, request[IDENTITY]
    found = [
        block_json(limits, block)
        for block in limits.book.blocks()
        if identity.sees(block.tenant)
        and all(
            query.get(name) in (None, "", getattr(block, name)) for name in ("policy", "identifier", "tenant")
        )
    ]
    offset, limit = whole_number(request, "offset", 0, 10_000_000), row_limit(request)
    page = found[offset : offset + limit]
    if format_of(request) != "json":
        return await export_rows(request, COLUMNS, portions(page))
    following = offset + limit if offset + limit < len(found) else None
    return json_answer({"blocks": page, "total": len(found), "next_offset": following})


async def block(request: web.Request) -> web.Response:
    """Block an identifier; `replaced` is the block that held until now, which this one takes the place of."""
    limits, body = _limits(request), _convert(await json_body(request), BlockBody)
    policy, tenant = _known_policy(limits, body.policy), _tenant(request, body.tenant, "")
    await refuse_unknown_tenants(request, (tenant,))
    now, seconds = request.app[SERVICES].now(), _duration(body.duration)
    made = RateLimitBlock(
        body.policy,
        limited_identifier(policy, body.identifier),
        tenant,
        now,
        now + seconds if seconds else None,
        request[IDENTITY].name,
        body.reason.strip(),
    )
    try:
        replaced = await limits.book.add(made)
    except (StoreError, LimitStorageError) as error:
        raise _not_kept(error) from None
    before = block_json(limits, replaced) if replaced else None
    # Who made it is the actor of its own entry, where an erasure reaches the name.
    lost = {f"replaced_{name}": before[name] for name in ("at", "until", "reason")} if before else {}
    _audit(request, "ratelimit.block", made, until=iso(made.until), reason=made.reason, **lost)
    return json_answer(block_json(limits, made) | {"replaced": before}, 201)


async def unblock(request: web.Request) -> web.Response:
    """End a block, whoever began it."""
    limits, body = _limits(request), _convert(await json_body(request), BlockBody)
    policy, tenant = _known_policy(limits, body.policy, gone=True), _tenant(request, body.tenant, "")
    found = limits.book.exact(tenant, body.policy, limited_identifier(policy, body.identifier))
    if found is None:
        raise web.HTTPNotFound(text="nobody of that name is blocked by this policy; the block may be over")
    try:
        await limits.limiter.unblock(found)
    except (StoreError, LimitStorageError) as error:
        raise _not_kept(error) from None
    _audit(request, "ratelimit.unblock", found, reason=body.reason.strip())
    return web.Response(status=204)


def decision_json(decision: RateLimitDecision) -> dict[str, Any]:
    """Return a decision as JSON; `reason` is null where it was allowed by count."""
    wait = decision.retry_after
    return {
        "allowed": decision.allowed,
        "remaining": decision.remaining,
        "reset": round(decision.reset, 3),
        # Up to the next whole second, as in Retry-After: who waits so long finds room.
        "retry_after": None if wait is None else math.ceil(wait),
        "limit": decision.policy.amount,
        "reason": decision.why or None,
    }


def block_json(limits: RateLimits, block: RateLimitBlock) -> dict[str, Any]:
    """Return a block as JSON; `by` is null where it holds for all policies, or for one that is gone."""
    policy = limits.limiter.settings.policies.get(block.policy)
    return {
        "id": block.id,
        "policy": block.policy,
        "by": policy.by if policy else None,
        "identifier": block.identifier,
        "tenant": block.tenant,
        "at": iso(block.at),
        "until": iso(block.until),
        "actor": block.actor,
        "reason": block.reason,
    }


def _limits(request: web.Request) -> RateLimits:
    found = request.app[SERVICES].ratelimits
    if found is None:
        raise web.HTTPServiceUnavailable(text="rate limits are not loaded yet", headers={"Retry-After": "5"})
    return found


async def _body(request: web.Request) -> dict[str, Any]:
    body = await read_body(request, MOST_BYTES)
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):  # the latter: brackets in brackets, thousands deep
        raise web.HTTPBadRequest(text="the body is not JSON") from None
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return found


def _convert(body: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        # It names the place and the type, and quotes no value.
        raise web.HTTPBadRequest(text=str(error)) from None


def _question(request: web.Request, limits: RateLimits, asked: LimitCheck, place: str) -> RateLimitQuestion:
    policy = limits.limiter.settings.policies.get(asked.policy)
    if policy is None:
        raise web.HTTPBadRequest(text=f"{place}there is no policy of that name below ratelimits.policies")
    endpoint = asked.endpoint or policy.endpoint
    if asked.endpoint and not policy.covers(endpoint):
        raise web.HTTPBadRequest(
            text=f"{place}the policy is about {policy.endpoint}, not about this endpoint"
        )
    if asked.cost > policy.amount:
        raise web.HTTPBadRequest(text=f"{place}the cost is more than the limit, which is {policy.amount}")
    tenant = _tenant(request, asked.tenant, place)
    identifier = limited_identifier(policy, asked.identifier)
    return RateLimitQuestion(policy, identifier, _label(request, asked, policy), asked.cost, tenant)


def _label(request: web.Request, asked: LimitCheck, policy: RateLimitPolicy) -> str:
    """Return the endpoint as it may be a label; the glob of the policy is configured, so it may."""
    events = request.app[SERVICES].events
    if not asked.endpoint or asked.endpoint == policy.endpoint or events is None:
        return policy.endpoint
    return events.labels.label("route", asked.endpoint)


def _tenant(request: web.Request, given: str | None, place: str) -> str:
    """Return whose identifier it is: that of the caller, where it is bound to one."""
    identity = request[IDENTITY]
    if given is None:
        if identity.tenants is None:
            return ""
        if len(identity.tenants) > 1:
            raise web.HTTPBadRequest(text=f"{place}say which tenant: {identity.name} is bound to several")
        return next(iter(identity.tenants))
    if not identity.sees(given):
        raise web.HTTPForbidden(text=f"{place}{identity.name} is bound to other tenants than this one")
    return given


def _known_policy(limits: RateLimits, name: str, *, gone: bool = False) -> RateLimitPolicy | None:
    """Return the policy, None for all of them; one that is `gone` may still have blocks."""
    found = limits.limiter.settings.policies.get(name)
    if found is None and name != EVERY_POLICY and not gone:
        remedy = f"name one below ratelimits.policies, or {EVERY_POLICY}"
        raise web.HTTPBadRequest(text=f"there is no policy of that name; {remedy}")
    return found


def _duration(text: str) -> float:
    if not text:
        return 0.0
    try:
        seconds = durations.seconds(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= LONGEST_BLOCK:
        raise web.HTTPBadRequest(
            text="for must be a duration such as 1h, from 1s to 365d; leave it out for ever"
        )
    return seconds


def _not_kept(error: Exception) -> web.HTTPException:
    # What the store says belongs on the log alone.
    why = str(error) if isinstance(error, LimitStorageError) else "the store does not answer"
    return web.HTTPServiceUnavailable(text=f"nothing was changed: {why}", headers={"Retry-After": "5"})


def _audit(request: web.Request, action: str, block: RateLimitBlock, **details: Any) -> None:
    audit(
        request,
        action,
        f"ratelimit:{block.policy}",
        tenant=block.tenant,
        identifier=block.identifier,
        **details,
    )
