"""Access tokens of grants: fetched once for all targets that share them, kept in memory alone."""

import asyncio
from dataclasses import dataclass, field, replace

from exporter.core.clock import Clock
from exporter.core.errors import ProbeError
from exporter.core.network import Network, Trace
from exporter.core.reason import Reason
from exporter.core.token import (
    SOURCED,
    AccessToken,
    Grant,
    Granted,
    GrantRefusedError,
    Lasting,
    MetaExchange,
)
from exporter.net.grants import request_of
from exporter.net.token_answer import read

LEAD = 300.0
"""Seconds before its end that a token is renewed; a short-lived one is when a tenth of its life is left."""

UNDATED_FOR = 3_600.0
"""Seconds that a token is used whose endpoint does not tell when it ends."""

FAILED_FOR = 30.0
"""Seconds that a refusal stands for every target of the credential, unless the endpoint asks for more."""

REPLACED_EVERY = 300.0
"""Seconds between two replacements of a token that the probed server refuses before its time."""

_KEPT = 10_000


@dataclass
class _Kept:
    """The token of one grant; times are of the monotonic clock. Who holds `lock` is the one who fetches."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: AccessToken | None = None
    renew_at: float = 0.0
    good_until: float = 0.0
    failure: ProbeError | None = None
    failed_until: float = 0.0
    replaced_at: float | None = None

    def take(self, token: AccessToken, lifetime: float | None, now: float) -> None:
        """Keep a new token that lives for `lifetime` seconds."""
        lasts = UNDATED_FOR if lifetime is None else lifetime
        self.token, self.failure = token, None
        self.good_until = now + lasts
        self.renew_at = self.good_until - min(LEAD, lasts / 10)

    def fail(self, error: ProbeError, now: float) -> None:
        """Let every target of the grant know of a failure for a while."""
        self.failure = error
        self.failed_until = now + max(FAILED_FOR, error.retry_after or 0.0)

    def replaceable(self, now: float) -> bool:
        """Tell whether a token that was refused may be replaced again."""
        return self.replaced_at is None or now - self.replaced_at >= REPLACED_EVERY


class Tokens:
    """Hands out access tokens; belongs to one loop.

    One run fetches, the others that need the same token wait for it, each within its own timeout. Nothing of
    it is stored: a token is a credential, and asking anew after a restart costs one call.
    """

    def __init__(self, network: Network, clock: Clock) -> None:
        """Start without tokens."""
        self._network = network
        self._clock = clock
        self._grants: dict[Grant, _Kept] = {}

    async def get(self, grant: Grant, trace: Trace, refused: AccessToken | None = None) -> AccessToken:
        """Return a token for `grant`, from memory where it lasts; raise ProbeError where there is none.

        With `refused`, a token that the probed server did not take, another one is fetched if that is
        the one in memory. A server that refuses whatever it gets must not cost a fetch for each probe: at
        most one in five minutes; in between the same token comes back.
        """
        if isinstance(grant, Lasting):
            if SOURCED in (grant.access_token, getattr(grant, "refresh_token", None)):
                raise ProbeError(Reason.NOT_CONFIGURED, "only the exporter itself has this token")
            if isinstance(grant, MetaExchange):
                return AccessToken(grant.access_token)  # an exchange that nobody keeps would be in vain
        kept = self._kept(grant)
        self._drop(kept, refused)
        if kept.token and self._clock.monotonic() < kept.renew_at:
            return kept.token
        if kept.lock.locked():
            trace.note("waiting for the token that another probe asks for")
        async with kept.lock:
            if kept.token and self._clock.monotonic() < kept.renew_at:
                return kept.token
            return await self._renew(kept, grant, trace)

    def learn(self, token: str, expiry: float | None, scopes: frozenset[str] | None) -> None:
        """Do nothing: what the endpoint said when it gave the token counts here."""

    async def renew(self, grant: Grant, trace: Trace) -> AccessToken:
        """Return a new token whatever the one in memory is worth, which stays when there is no new one."""
        kept = self._kept(grant)
        async with kept.lock:
            began = self._clock.monotonic()
            token, lifetime = await self._fetch(grant, trace)
            kept.take(token, lifetime, began)
            return replace(token, fresh=True)

    def _drop(self, kept: _Kept, refused: AccessToken | None) -> None:
        now = self._clock.monotonic()
        if refused and kept.token and kept.token.value == refused.value and kept.replaceable(now):
            kept.token, kept.replaced_at = None, now

    async def _renew(self, kept: _Kept, grant: Grant, trace: Trace) -> AccessToken:
        began = self._clock.monotonic()
        try:
            if kept.failure and began < kept.failed_until:
                raise _again(kept.failure, kept.failed_until - began)
            token, lifetime = await self._fetch(grant, trace)
        except ProbeError as error:
            if kept.failure is None or began >= kept.failed_until:
                kept.fail(error, self._clock.monotonic())
            if kept.token and began < kept.good_until:
                trace.note(f"the token could not be renewed, the old one still holds: {error.detail}")
                return kept.token
            raise
        kept.take(token, lifetime, began)
        return replace(token, fresh=True)

    async def _fetch(self, grant: Grant, trace: Trace) -> tuple[AccessToken, float | None]:
        began = self._clock.now()
        granted = await fetch(self._network, self._clock, grant, trace)
        expiry = None if granted.life is None else began + granted.life
        return AccessToken(granted.access, expiry, scopes=granted.scopes), granted.life

    def _kept(self, grant: Grant) -> _Kept:
        found = self._grants.get(grant)
        if found is None:
            self._prune()
            found = self._grants[grant] = _Kept()
        return found

    def _prune(self) -> None:
        # Grants of targets that are no more; one that is in use is never older than its token.
        if len(self._grants) < _KEPT:
            return
        now = self._clock.monotonic()
        for grant, kept in list(self._grants.items()):
            if not kept.lock.locked() and max(kept.good_until, kept.failed_until) < now:
                del self._grants[grant]


async def fetch(network: Network, clock: Clock, grant: Grant, trace: Trace) -> Granted:
    """Ask the endpoint once. Phases, status and certificate of this call are not the probed server's."""
    aside = Trace(started=trace.started, deadline=trace.deadline, guard=trace.guard)
    trace.calls += 1
    began = clock.now()
    try:
        answer = await network.call(request_of(grant, began), aside)
        return read(answer, began, aside)
    except GrantRefusedError as error:
        raise GrantRefusedError(error.reason, f"no token: {error.detail}", error.code) from None
    except ProbeError as error:
        detail = f"no token: {error.detail}"
        raise ProbeError(error.reason, detail, retry_after=error.retry_after) from None
    finally:
        trace.log.extend((when, f"token endpoint: {text}") for when, text in aside.log)
        trace.drift.extend(f"token.{name}" for name in aside.drift)


def _again(failure: ProbeError, left: float) -> ProbeError:
    """Return a failure of another run for this one, without the traceback of that."""
    wait = left if failure.retry_after else None
    return ProbeError(failure.reason, failure.detail, retry_after=wait)
