"""Applies the policies of `ratelimits:` to the exporter's own routes: 429, or what is left in headers."""

import math
from collections.abc import Collection, Iterator, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from exporter.core.event import OTHER
from exporter.core.ratelimit import OWN, RateLimitDecision, RateLimitPolicy
from exporter.ingest.senders import network_of
from exporter.ratelimits.limiter import RateLimitQuestion
from exporter.ratelimits.service import RateLimits
from exporter.server.access import IDENTITY, Identity
from exporter.server.handlers.webhooks import sender_address

DECISION = web.RequestKey("rate limit", RateLimitDecision)
"""The decision that leaves least, where there was any."""

ALWAYS_EXEMPT = ("/-/healthy", "/-/ready", "/metrics")
"""Nobody who asks for these may be held up, nor what apps, vendors and Alertmanager send."""

LONGEST_WAIT = 86_400
"""Seconds of a Retry-After for whom a person has blocked until further notice."""

KEYS = ("token", "admin-token")
ANONYMOUS = ("nobody",)


class RouteLimits:
    """The limits of routes below `prefix`; those in `exempt` have one only where a policy names them."""

    def __init__(self, limits: RateLimits | None, prefix: str, exempt: Collection[str]) -> None:
        """Take what judges, None where nothing does."""
        self._limits = limits
        self._prefix = prefix
        self._exempt = frozenset(exempt) | set(ALWAYS_EXEMPT)

    def by_address(self) -> Middleware:
        """Return the middleware for policies by address: they hold before a password costs a check."""

        @web.middleware
        async def limit_address(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self._limits is not None and self._limits.limiter.active:
                address = sender_address(request)
                await self._judge(request, {"address": network_of(address)} if address else {})
            return await handler(request)

        return limit_address

    async def check_caller(self, request: web.Request) -> None:
        """Judge by the policies that count users or keys, once it is known who calls; raises a 429."""
        if self._limits is not None and self._limits.limiter.active:
            await self._judge(request, _caller(request[IDENTITY]))

    async def _judge(self, request: web.Request, identifiers: Mapping[str, str]) -> None:
        if self._limits is None or not identifiers:
            return
        resource = request.match_info.route.resource
        template = resource.canonical.removeprefix(self._prefix) if resource is not None else ""
        path = request.path.removeprefix(self._prefix)
        for policy in self._policies(template, path):
            if policy.by in identifiers:
                # A path that is no route could be any text.
                question = RateLimitQuestion(policy, identifiers[policy.by], template or OTHER, scope=OWN)
                _note(request, await self._limits.limiter.judge(question))

    def _policies(self, template: str, path: str) -> Iterator[RateLimitPolicy]:
        if self._limits is None:
            return
        exempt = template in self._exempt
        named = template.partition("{")[0]
        for policy in self._limits.limiter.policies():
            if exempt and not policy.fixed.startswith(named):
                continue
            if policy.covers(template) or policy.covers(path):
                yield policy


def _caller(identity: Identity) -> Mapping[str, str]:
    """Return what policies may count a caller by."""
    if identity.name in ANONYMOUS:
        return {}
    kind = "key" if identity.name.partition(":")[0] in KEYS else "user"
    return {kind: identity.name}


def _note(request: web.Request, decision: RateLimitDecision) -> None:
    """Keep the decision for the headers of the answer; one that refuses is the answer."""
    if not decision.allowed:
        why = {
            "blocked": "you are blocked for asking too often",
            "storage": "requests cannot be counted at the moment",
        }.get(decision.why, "too many requests")
        headers = {"Retry-After": str(_retry_after(decision)), **_headers(decision)}
        raise web.HTTPTooManyRequests(
            text=f"{why}; try again later (policy {decision.policy.name})", headers=headers
        )
    before = request.get(DECISION)
    if before is None or _share(decision) < _share(before):
        request[DECISION] = decision


def _share(decision: RateLimitDecision) -> float:
    return decision.remaining / decision.policy.amount


def _retry_after(decision: RateLimitDecision) -> int:
    wait = LONGEST_WAIT if decision.retry_after is None else decision.retry_after
    return max(1, math.ceil(wait))


def _headers(decision: RateLimitDecision) -> Mapping[str, str]:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers-07, which clients know best."""
    policy = decision.policy
    return {
        "RateLimit-Limit": str(policy.amount),
        "RateLimit-Remaining": str(decision.remaining),
        "RateLimit-Reset": str(math.ceil(decision.reset)),
        "RateLimit-Policy": f"{policy.amount};w={policy.seconds}",
    }


async def add_limit_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say on each answer what is left of the limit that leaves least."""
    decision = request.get(DECISION)
    if decision is not None:
        for name, value in _headers(decision).items():
            response.headers.setdefault(name, value)


def limited_identifier(policy: RateLimitPolicy | None, identifier: str) -> str:
    """Return what is counted for `identifier`: of an IPv6 address the network that one caller has."""
    return network_of(identifier) if policy is None or policy.by == "address" else identifier
