"""Access tokens that no account renews: fetched once for all that share a grant, kept in memory alone."""

import asyncio
from dataclasses import dataclass, field, replace

from exporter.core.clock import Clock
from exporter.core.credential import Credential
from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Network, Trace
from exporter.core.reason import Reason
from exporter.core.token import (
    EXTERNAL,
    AccessToken,
    Grant,
    GrantRefusedError,
    JwtBearer,
    LongLivedGrant,
    MetaExchange,
    TokenResponse,
    TokenSet,
)
from exporter.net.grants import request_of
from exporter.net.token_answer import read

LIMIT = 20.0
"""Seconds that a token endpoint may take."""

_MOST_GRANTS = 10_000


@dataclass(eq=False, kw_only=True)
class _GrantCredential(Credential):
    """The token of one grant; the holder of `lock` is the one that fetches."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tokens:
    """Hands out access tokens; belongs to one loop.

    One run fetches, the others that need the same token wait for it, each within its own timeout. Nothing of
    it is stored: a token is a credential, and asking again after a restart costs one call.
    """

    def __init__(self, network: Network, clock: Clock) -> None:
        """Start without tokens."""
        self._network = network
        self._clock = clock
        self._grants: dict[Grant, _GrantCredential] = {}

    async def get(self, grant: Grant, trace: Trace, refused: AccessToken | None = None) -> AccessToken:
        """Return a token for `grant`, from memory where it lasts; raise ProbeError where there is none.

        Raise Shortage where no endpoint could be asked for one.

        With `refused`, a token that the probed server did not take, another one is fetched if that is
        the one in memory. A server that refuses whatever it gets must not cost a fetch for each probe: at
        most one in five minutes; in between the same token comes back.
        """
        if isinstance(grant, LongLivedGrant):
            if EXTERNAL in (grant.access_token, getattr(grant, "refresh_token", None)):
                raise ProbeError(Reason.NOT_CONFIGURED, "only the exporter itself has this token")
            if isinstance(grant, MetaExchange):
                return AccessToken(grant.access_token)  # to exchange it without storing the result is useless
        credential = self._credential(grant)
        if not self._must_fetch(credential, refused):
            return self._in_memory(credential)
        if credential.lock.locked():
            trace.note("waiting for the token that another probe asks for")
        async with credential.lock:
            if not self._must_fetch(credential, refused):
                return self._in_memory(credential)
            return await self._renew(credential, trace, refused)

    def observe(self, token: str, expiry: float | None, scopes: frozenset[str] | None) -> None:
        """Do nothing: what the endpoint said when it gave the token counts here."""

    def _must_fetch(self, credential: _GrantCredential, refused: AccessToken | None) -> bool:
        now = self._clock.now()
        return credential.must_wait(now) or credential.replaceable(refused, now)

    def _in_memory(self, credential: _GrantCredential) -> AccessToken:
        """Return the token that is there, or raise the failure of another run, without its traceback."""
        now = self._clock.now()
        if credential.usable(now):
            return credential.token()
        failure = credential.error or ProbeError(Reason.AUTH, "no token: the vendor took the credential back")
        wait = credential.retry_at - now if failure.retry_after else None
        raise ProbeError(failure.reason, failure.detail, retry_after=wait)

    async def _renew(
        self, credential: _GrantCredential, trace: Trace, refused: AccessToken | None
    ) -> AccessToken:
        began, before = self._clock.now(), credential.tokens or TokenSet()
        replaced_at = credential.replaced_at
        if credential.replaceable(refused, began):
            credential.note_replacement(began)
        try:
            granted = await fetch(self._network, self._clock, credential.grant, trace)
        except Shortage:
            credential.replaced_at = replaced_at  # no endpoint was asked
            raise
        except ProbeError as error:
            credential.record_failure(error, self._clock.now())
            if isinstance(error, GrantRefusedError) and credential.long_lived:
                credential.tokens = replace(before, refused=True)
            if credential.alive(began) and refused is None:
                trace.note(f"the token could not be renewed, the old one still holds: {error.detail}")
                return credential.token()
            raise
        credential.use(before.after(granted, began), began)
        credential.note_repetition(before, began)
        credential.record_success(self._clock.now())
        return credential.token(fresh=True)

    def _credential(self, grant: Grant) -> _GrantCredential:
        entry = self._grants.get(grant)
        if entry is None:
            self._prune()
            entry = self._grants[grant] = _GrantCredential(grant=grant)
        return entry

    def _prune(self) -> None:
        # Grants of targets that were removed; one that is in use is never older than its token.
        if len(self._grants) < _MOST_GRANTS:
            return
        now = self._clock.now()
        for grant, credential in list(self._grants.items()):
            if not (credential.lock.locked() or credential.alive(now) or now < credential.next_renewal(now)):
                del self._grants[grant]


async def fetch(network: Network, clock: Clock, grant: Grant, trace: Trace) -> TokenResponse:
    """Ask the endpoint once. Phases, status and certificate of this call are not the probed server's."""
    aside = Trace(started=trace.started, deadline=trace.deadline, guard=trace.guard)
    trace.calls += 1
    began = clock.now()
    try:
        async with asyncio.timeout(LIMIT):
            answer = await network.call(request_of(grant, began), aside)
        return read(answer, began, aside)
    except Shortage:
        trace.calls -= 1  # it did not leave this machine
        raise
    except TimeoutError:
        raise ProbeError(Reason.TIMEOUT, f"no token: no answer within {LIMIT:g} s") from None
    except GrantRefusedError as error:
        raise GrantRefusedError(error.reason, f"no token: {error.detail}{_hint(grant)}", error.code) from None
    except ProbeError as error:
        detail = f"no token: {error.detail}"
        raise ProbeError(error.reason, detail, retry_after=error.retry_after) from None
    finally:
        trace.log.extend((when, f"token endpoint: {text}") for when, text in aside.log)
        trace.drift.extend(f"token.{name}" for name in aside.drift)


def _hint(grant: Grant) -> str:
    """Return what else to look at where an assertion was refused: it holds the time of this machine."""
    return (
        "; see its key, subject and scopes, and this machine's clock" if isinstance(grant, JwtBearer) else ""
    )
