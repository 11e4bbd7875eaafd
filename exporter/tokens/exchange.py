"""One turn of an account: read its tokens, finish what was left undone, and exchange them for new ones.

The order of an exchange keeps tokens from being lost: take the turn, which only one can have, look at what is
kept, ask the vendor, write the answer down, and only then use it. What is between the vendor's answer and the
disk no client can protect.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from exporter.core.clock import Clock
from exporter.core.errors import ProbeError, Shortage, StoreError
from exporter.core.network import Network, Trace
from exporter.core.probe import Target
from exporter.core.reason import Reason
from exporter.core.token import (
    FLOOR,
    GrantRefusedError,
    MetaExchange,
    RefreshToken,
    TokenEvent,
    TokenResponse,
    TokenSet,
)
from exporter.net.shortages import present_shortage
from exporter.net.tokens import fetch
from exporter.tokens.account import TokenAccount
from exporter.tokens.log import TokenLog
from exporter.tokens.storage import StorageSession

MOST_TURNS = 8
"""Turns at one time, so that probing goes on beside them and no vendor sees a burst."""

EXPORTER, PROBE = "exporter", "probe"
"""Actors of what was due by itself, and of what a probe needed."""

NO_SEED = "there is no token to begin with: its owner must connect"


class TokenExchange:
    """Takes turns; what came of one is in its account and in the log, never an exception."""

    def __init__(self, network: Network, clock: Clock, log: TokenLog) -> None:
        """Prepare to call token endpoints."""
        self._network = network
        self._clock = clock
        self._log = log
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(MOST_TURNS))

    async def run(self, account: TokenAccount, actor: str, trace: Trace, *, force: bool) -> None:
        """Do what `account` needs now; with `force` refresh it in any case."""
        # What belongs to the vendor's answer must not count as the probe's: its phases, status and
        # certificate.
        inner = Trace(started=trace.started, guard=None if account.long_lived else trace.guard)
        async with self._turns[account.grant.token_url]:
            began, account.shortage = self._clock.monotonic(), None
            try:
                await self._renew_if_due(account, actor, inner, began, force=force)
            except Shortage as shortage:
                account.record_shortage(shortage, self._clock.now())
            except ProbeError as error:
                self._record_failure(account, error, actor, began)
            except StoreError as error:
                self._record_store_failure(account, error, actor, began)
            finally:
                trace.calls += inner.calls
                trace.log.extend(inner.log)
                trace.drift.extend(inner.drift)

    def _record_store_failure(
        self, account: TokenAccount, error: StoreError, actor: str, began: float
    ) -> None:
        """Note that the exporter does not reach what keeps its tokens; the credential was not refused."""
        if (shortage := present_shortage()) is not None:
            account.record_shortage(shortage, self._clock.now())
            return
        self._record_failure(
            account, ProbeError(Reason.CONNECT, f"no token: {error}"), actor, began, reason="store"
        )

    def _record_failure(
        self, account: TokenAccount, error: ProbeError, actor: str, began: float, reason: str = ""
    ) -> None:
        """Note a refresh that failed."""
        why = reason or (error.code if isinstance(error, GrantRefusedError) else error.reason.value)
        account.record_failure(error, self._clock.now())
        account.reason = why
        self._log_event(account, actor, "failed", why, began, error.detail)

    def event(
        self, target: Target, actor: str, operation: str, result: str, reason: str, duration_seconds: float
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
            duration_seconds=duration_seconds,
        )

    async def _renew_if_due(
        self, account: TokenAccount, actor: str, trace: Trace, began: float, *, force: bool
    ) -> None:
        if account.tokens is None or (account.refused and not force):
            await self._read(account)
            now = self._clock.now()
            probe_waits = actor == PROBE and account.must_wait(now)
            if not force and (account.refused or not (probe_waits or account.due(now))):
                return
        await self._exchange(account, actor, trace, began, force=force)

    async def _read(self, account: TokenAccount) -> None:
        """Read the tokens from their place; refused ones stay so until others are there."""
        account.checked_at = now = self._clock.now()
        found = await account.storage.read() or account.seed()
        if account.tokens is None or not found.same(account.tokens):
            account.use(found, now)
            account.reset_failures()
            account.last_success = account.last_success or found.obtained

    async def _exchange(
        self, account: TokenAccount, actor: str, trace: Trace, began: float, *, force: bool
    ) -> None:
        async with account.storage.locked(rotating=account.may_rotate) as session:
            account.unsaved = False
            now = self._clock.now()
            # Others may have exchanged them while we waited for the turn: what was read before is old by now.
            newest = session.tokens or account.tokens or account.seed()
            if not newest.same(account.tokens):
                account.use(newest, now)
                # A probe forces it because its token was refused; if another one is there by now, that one is
                # tried first.
                if (not force or actor == PROBE) and _spares_call(account, now):
                    account.record_success(now)
                    self._log_event(account, actor, "adopted", "", began)
                    return
            if not (force or account.due(now) or (actor == PROBE and account.must_wait(now))):
                return
            try:
                response = await self._fetch(account, newest, trace)
            except GrantRefusedError:
                await self._mark_refused(account, session, newest)
                raise
            await self._save(account, session.save, newest.after(response, now))
        account.note_repetition(newest, now)
        account.record_success(self._clock.now())
        self._log_event(account, actor, "ok", "", began)
        self._warn(account, newest)

    async def _mark_refused(self, account: TokenAccount, session: StorageSession, tokens: TokenSet) -> None:
        """Stop asking with what the vendor took back; a new assertion or secret may succeed another time."""
        if not account.long_lived:
            return
        account.tokens = replace(tokens, refused=True)
        with suppress(StoreError):  # it is refused again after a restart
            await session.save(account.tokens)

    def _warn(self, account: TokenAccount, before: TokenSet) -> None:
        """Say once that the endpoint grants lives that cannot be planned by."""
        implausible = account.tokens is not None and account.tokens.implausible
        if not implausible or before.implausible or account.short_lives > 1:
            return
        target = next(iter(account.targets.values()))
        structlog.get_logger("exporter.tokens").warning(
            "the token endpoint grants a life that is none or too short: its token is used until the vendor"
            " refuses it, and renewed seldom",
            integration=target.integration,
            tenant=target.tenant,
            floor_seconds=FLOOR,
        )

    async def _save(
        self, account: TokenAccount, save: Callable[[TokenSet], Awaitable[None]], tokens: TokenSet
    ) -> None:
        """Put new tokens where they are kept before they are used; in memory they are in any case."""
        try:
            await save(tokens)
        except StoreError as error:
            account.unsaved, account.unsaved_at = True, self._clock.now()
            structlog.get_logger("exporter.tokens").error(
                "new tokens are only in memory until they can be kept", error=str(error)
            )
        finally:
            account.use(tokens, self._clock.now())

    async def _fetch(self, account: TokenAccount, tokens: TokenSet, trace: Trace) -> TokenResponse:
        grant = account.grant
        if isinstance(grant, RefreshToken):
            grant = replace(grant, refresh_token=tokens.refresh)
        elif isinstance(grant, MetaExchange):
            grant = replace(grant, access_token=tokens.access)
        if account.long_lived and not (tokens.refresh if isinstance(grant, RefreshToken) else tokens.access):
            raise ProbeError(Reason.NOT_CONFIGURED, NO_SEED)
        return await fetch(self._network, self._clock, grant, trace)

    def _log_event(
        self, account: TokenAccount, actor: str, result: str, reason: str, began: float, detail: str = ""
    ) -> None:
        duration_seconds = self._clock.monotonic() - began
        for target in account.targets.values():
            self._log.add(self.event(target, actor, "refresh", result, reason, duration_seconds), detail)


def _spares_call(account: TokenAccount, now: float) -> bool:
    """Return whether what another one brought spares us a call: it serves, or is too young for another."""
    obtained = account.tokens.obtained if account.tokens else None
    young = obtained is not None and 0 <= now - obtained < FLOOR
    return young or (account.alive(now) and not account.due(now))
