"""One turn of an account: read its tokens, finish what was left undone, and exchange them for new ones.

The order of an exchange keeps tokens from being lost: take the turn that nobody else has, look at what is
kept, ask the vendor, write the answer down, and only then use it. What is between the vendor's answer and the
disk no client can protect.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from exporter.core.clock import Clock
from exporter.core.errors import ProbeError, StoreError
from exporter.core.network import Network, Trace
from exporter.core.probe import Target
from exporter.core.reason import Reason
from exporter.core.token import (
    AccessToken,
    Granted,
    GrantRefusedError,
    Held,
    MetaExchange,
    RefreshToken,
    TokenEvent,
)
from exporter.engine.token_account import Account
from exporter.engine.token_log import TokenLog
from exporter.net.tokens import Tokens, fetch

AT_ONCE = 8
"""Turns at one time, so that probing goes on beside them and no vendor sees a burst."""

LIMIT = 20.0
"""Seconds that a token endpoint may take."""

EXPORTER, PROBE = "exporter", "probe"
"""Actors of what was due by itself, and of what a probe needed."""

NOTHING = "there is no token to begin with: its owner must connect"


class Exchange:
    """Takes turns; what came of one is in its account and in the log, never an exception."""

    def __init__(self, network: Network, clock: Clock, tokens: Tokens, log: TokenLog) -> None:
        """Prepare; `tokens` are those that need no keeping."""
        self._network = network
        self._clock = clock
        self._tokens = tokens
        self._log = log
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def take(self, account: Account, actor: str, trace: Trace, *, force: bool) -> None:
        """Do what `account` needs now; with `force` refresh it in any case."""
        inner = Trace(started=trace.started)
        async with self._turns:
            began = self._clock.monotonic()
            try:
                if account.lasting:
                    await self._lasting(account, actor, inner, began, force=force)
                else:
                    token = await self._tokens.renew(account.grant, inner)
                    self.passed(account, token, actor, began)
            except ProbeError as error:
                self.failed(account, error, actor, began)
            except StoreError as error:
                # Nobody refused the credential: the exporter does not reach what keeps its tokens.
                problem = ProbeError(Reason.CONNECT, f"no token: {error}")
                self.failed(account, problem, actor, began, reason="store")
            finally:
                trace.calls += inner.calls
                trace.log.extend(inner.log)
                trace.drift.extend(inner.drift)

    def passed(self, account: Account, token: AccessToken, actor: str, began: float) -> None:
        """Note a token that needs no keeping: those of clients and service accounts."""
        now = self._clock.now()
        account.take(Held(access=token.value, expiry=token.expiry, obtained=now, scopes=token.scopes), now)
        account.succeed(now)
        self._note(account, actor, "ok", "", began)

    def failed(self, account: Account, error: ProbeError, actor: str, began: float, reason: str = "") -> None:
        """Note a refresh that failed."""
        why = reason or (error.code if isinstance(error, GrantRefusedError) else error.reason.value)
        account.fail(error, why, self._clock.now())
        self._note(account, actor, "failed", why, began)

    def event(
        self, target: Target, actor: str, operation: str, result: str, reason: str, took: float
    ) -> TokenEvent:
        """Return an entry of the log of tokens."""
        return TokenEvent(
            at=self._clock.now(),
            integration=target.integration,
            tenant=target.tenant,
            provider=target.provider,
            token="access",  # noqa: S106 - a label's value
            actor=actor,
            operation=operation,
            result=result,
            reason=reason,
            took=took,
        )

    def wanted(self, account: Account) -> bool:
        """Tell whether a probe must wait for a new token; Meta's is exchanged beside probing alone."""
        now = self._clock.now()
        if isinstance(account.grant, MetaExchange) or account.refused:
            return False
        return not account.alive(now) or account.due(now)

    async def _lasting(
        self, account: Account, actor: str, trace: Trace, began: float, *, force: bool
    ) -> None:
        if account.held is None or (account.refused and not force):
            await self._look(account)
            probe_waits = actor == PROBE and self.wanted(account)
            if not force and (account.refused or not (probe_waits or account.due(self._clock.now()))):
                return
        await self._exchange(account, actor, trace, began, force=force)

    async def _look(self, account: Account) -> None:
        """Read the tokens from their place; refused ones stay so until others are there."""
        account.looked_at = now = self._clock.now()
        found = await account.place.read() or account.seed()
        if account.held is None or not found.same(account.held):
            account.take(found, now)
            account.forgive()
            account.last_success = account.last_success or found.obtained

    async def _exchange(
        self, account: Account, actor: str, trace: Trace, began: float, *, force: bool
    ) -> None:
        async with account.place.locked(rotating=account.may_rotate) as session:
            account.unsettled = False
            now = self._clock.now()
            newest = session.held or account.held or account.seed()
            if not newest.same(account.held):
                account.take(newest, now)
                if (not force or actor == PROBE) and account.alive(now) and not account.due(now):
                    account.succeed(now)
                    self._note(account, actor, "adopted", "", began)
                    return
            if not (force or account.due(now) or (actor == PROBE and self.wanted(account))):
                return
            try:
                granted = await self._ask(account, newest, trace)
            except GrantRefusedError:
                account.held = replace(newest, refused=True)
                with suppress(StoreError):  # it is refused again after a restart
                    await session.keep(account.held)
                raise
            await self._keep(account, session.keep, newest.after(granted, self._clock.now()))
        account.succeed(self._clock.now())
        self._note(account, actor, "ok", "", began)

    async def _keep(self, account: Account, keep: Callable[[Held], Awaitable[None]], held: Held) -> None:
        """Put new tokens where they are kept before anybody uses them; in memory they are in any case."""
        try:
            await keep(held)
        except StoreError as error:
            account.unsettled, account.unsettled_at = True, self._clock.now()
            structlog.get_logger("exporter.tokens").error(
                "new tokens are only in memory until they can be kept", error=str(error)
            )
        finally:
            account.take(held, self._clock.now())

    async def _ask(self, account: Account, held: Held, trace: Trace) -> Granted:
        grant = account.grant
        if isinstance(grant, RefreshToken):
            grant = replace(grant, refresh_token=held.refresh)
        elif isinstance(grant, MetaExchange):
            grant = replace(grant, access_token=held.access)
        if not (held.refresh if isinstance(grant, RefreshToken) else held.access):
            raise ProbeError(Reason.NOT_CONFIGURED, NOTHING)
        try:
            async with asyncio.timeout(LIMIT):
                return await fetch(self._network, self._clock, grant, trace)
        except TimeoutError:
            raise ProbeError(Reason.TIMEOUT, f"no token: no answer within {LIMIT:g} s") from None

    def _note(self, account: Account, actor: str, result: str, reason: str, began: float) -> None:
        took = self._clock.monotonic() - began
        for target in account.targets.values():
            self._log.add(self.event(target, actor, "refresh", result, reason, took))
