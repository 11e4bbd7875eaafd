"""Keeps the token of every target alive: asks for a new one in time, once, and loses none on the way."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from exporter.core.clock import Clock
from exporter.core.configuration import Configuration
from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Network, Trace
from exporter.core.probe import Target, TargetKey
from exporter.core.reason import Reason
from exporter.core.token import (
    NEVER,
    AccessToken,
    Grant,
    LongLivedGrant,
    MetaExchange,
    SqlTokens,
    TokenEvent,
    TokenSettings,
)
from exporter.exposition.lines import Series
from exporter.net.tokens import Tokens
from exporter.store.batch import Batch
from exporter.store.sql_tokens import SqlTokenSource
from exporter.store.tokens import TokenStore
from exporter.tokens.account import MANAGED_METRICS, TOKENS, TokenAccount
from exporter.tokens.exchange import EXPORTER, MOST_TURNS, NO_SEED, PROBE, TokenExchange
from exporter.tokens.keys import key_of, name_of
from exporter.tokens.log import TokenLog
from exporter.tokens.schedule import TokenSchedule
from exporter.tokens.storage import MemoryStorage, SqlStorage, StoreStorage, TokenStorage


@dataclass(frozen=True)
class TargetTokens:
    """What the kit of one run asks for tokens; `target` says whose they are."""

    manager: "TokenManager"
    target: Target

    async def get(self, grant: Grant, trace: Trace, refused: AccessToken | None = None) -> AccessToken:
        """Return an access token; see `Kit.token`."""
        return await self.manager.get(self.target, grant, trace, refused)

    def observe(self, token: str, expiry: float | None, scopes: frozenset[str] | None) -> None:
        """Take what the vendor reports of the token; see `Kit.report_token`."""
        self.manager.observe(self.target, token, expiry, scopes)


class TokenManager:
    """Every account of the current configuration; belongs to one loop.

    `on_change` is called with the key of a target whose token series differ from now on, `on_shortage` with
    what a turn lacked that asked no endpoint. `submit` takes entries of the log of tokens.
    """

    def __init__(
        self,
        network: Network,
        clock: Clock,
        on_change: Callable[[TargetKey], None] = lambda _key: None,
        store: TokenStore | None = None,
        on_shortage: Callable[[Shortage], None] = lambda _shortage: None,
        submit: Callable[[Batch], None] = lambda _batch: None,
    ) -> None:
        """Start without accounts; without `store` tokens are kept in memory alone."""
        self.store = store
        self._log = TokenLog(submit)
        self._clock = clock
        self._on_change = on_change
        self._on_shortage = on_shortage
        self._tokens = Tokens(network, clock)
        self._exchange = TokenExchange(network, clock, self._log)
        self._settings: dict[str, TokenSettings] = {}
        self._accounts: dict[Hashable, TokenAccount] = {}
        self._of_target: dict[TargetKey, TokenAccount] = {}
        self._sources: dict[SqlTokens, SqlTokenSource] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._schedule = TokenSchedule(clock, self._run_due, lambda: len(self._running) < MOST_TURNS)

    def apply(self, configuration: Configuration, differing: Iterable[TargetKey] | None = None) -> None:
        """Make the accounts those of `configuration`; one that is the same goes on as it was.

        `differing` are the targets that came, changed or went since the last time, None where nobody knows.
        """
        settings = {integration.name: integration.tokens for integration in configuration.integrations}
        if differing is None or settings != self._settings:  # then those of every target may be others
            differing = (*configuration.targets, *self._of_target)
        self._settings, keys = settings, dict.fromkeys(differing)
        old = self._release(keys)
        for key in keys:
            target = configuration.targets.get(key)
            grant = target.probe.grant(target.options) if target and target.probe.grant else None
            if target is not None and grant is not None and target.configured:
                self._add_target(target, grant, settings.get(target.integration, TokenSettings()), old)
            else:
                self._of_target.pop(key, None)
        for name in old.keys() - self._accounts.keys():
            self._schedule.forget(old[name])
        for account in {id(one): one for one in map(self._of_target.get, keys) if one}.values():
            if account.planned is None:
                self._plan(account)
        self._close_sources()

    def _release(self, keys: Iterable[TargetKey]) -> dict[Hashable, TokenAccount]:
        """Take targets from their accounts; return the accounts that have none left."""
        empty: dict[Hashable, TokenAccount] = {}
        for key in keys:
            account = self._of_target.get(key)
            if account is None:
                continue
            account.targets.pop(key, None)
            if not account.targets and self._accounts.pop(account.key, None) is not None:
                empty[account.key] = account
        return empty

    def _close_sources(self) -> None:
        """Close the databases of tokens that no account reads any more."""
        if not self._sources:
            return
        used = {account.settings.sql for account in self._accounts.values()}
        for gone in self._sources.keys() - used:
            self._sources.pop(gone).close()

    def for_target(self, target: Target) -> TargetTokens:
        """Return what a run of `target` asks for tokens."""
        return TargetTokens(self, target)

    def account(self, key: TargetKey) -> TokenAccount | None:
        """Return the account of a target, None where its token is not renewed."""
        return self._of_target.get(key)

    def accounts(self) -> Iterator[tuple[Target, TokenAccount]]:
        """Iterate over every target whose token is renewed, and its account."""
        for key, account in self._of_target.items():
            yield account.targets[key], account

    def series(self, key: TargetKey) -> list[Series]:
        """Return the token series of a target, without its labels."""
        account = self._of_target.get(key)
        return account.series(self._clock.now()) if account else []

    def overrides(self, key: TargetKey, metric: str, labels: tuple[tuple[str, str], ...]) -> bool:
        """Return whether a sample of a probe is about what the account of its target says itself."""
        return metric in MANAGED_METRICS and labels[0][1] in TOKENS and key in self._of_target

    async def get(
        self, target: Target, grant: Grant, trace: Trace, refused: AccessToken | None = None
    ) -> AccessToken:
        """Return an access token for a run of `target`, renewed first where that is due.

        A renewal goes on when the run is cut: what the vendor hands out must not be lost. An expired token is
        returned where its endpoint grants lives too short to renew it as often. Raise ProbeError where there
        is no token, Shortage where no endpoint could be asked for one.
        """
        account = self._of_target.get(target.key)
        if account is None or account.grant != grant:
            return await self._tokens.get(grant, trace, refused)
        before = account.renewals
        if account.tokens is None and self._clock.now() >= account.retry_at:
            await self._wait_for_turn(account, PROBE, trace)
        if account.replaceable(refused, self._clock.now()):
            await self._replace(account, trace)
        for _ in range(2):  # the turn that was joined first may have been one that only reads
            if account.must_wait(self._clock.now()):
                await self._wait_for_turn(account, PROBE, trace)
        if account.usable(self._clock.now()):
            return account.token(fresh=account.renewals != before)
        if account.tokens is None and isinstance(grant, MetaExchange) and account.seed().access:
            return account.configured_token()  # the store fails; what was configured may still be good
        raise self._failure(account)

    async def _replace(self, account: TokenAccount, trace: Trace) -> None:
        """Ask for another token than the one that the probed server refused."""
        replaced_at = account.replaced_at
        account.note_replacement(self._clock.now())
        await self._wait_for_turn(account, PROBE, trace, force=True)
        if account.shortage is not None:
            account.replaced_at = replaced_at  # no endpoint was asked
            raise account.shortage.again()

    def observe(
        self, target: Target, token: str, expiry: float | None, scopes: frozenset[str] | None
    ) -> None:
        """Take what the vendor reports of the access token of `target`: its expiry and its scopes."""
        account = self._of_target.get(target.key)
        if account is None or account.tokens is None or account.tokens.access.reveal() != token:
            return
        observed = replace(
            account.tokens,
            expiry=expiry,
            scopes=scopes if scopes is not None else account.tokens.scopes,
            implausible=False,
        )
        if observed != account.tokens:
            account.tokens = observed
            self._publish(account)

    async def refresh(self, key: TargetKey, actor: str) -> TokenEvent:
        """Refresh the token of a target now, whatever its state.

        KeyError for one that has none, Shortage where no endpoint could be asked.
        """
        account = self._of_target[key]
        target = account.targets[key]
        began = self._clock.monotonic()
        await self._wait_for_turn(account, actor, Trace(), force=True)
        if account.shortage is not None:
            raise account.shortage.again()
        duration_seconds = self._clock.monotonic() - began
        result = "failed" if account.reason else "ok"
        return self._exchange.event(target, actor, "refresh", result, account.reason, duration_seconds)

    async def stop(self, limit: float) -> int:
        """Let refreshes end within `limit` seconds; return how many were left."""
        self._stopped = True
        self._schedule.stop()
        left: set[asyncio.Task[None]] = set()
        if self._running:
            _, left = await asyncio.wait(set(self._running), timeout=limit)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for source in self._sources.values():
            source.close()
        return len(left)

    def _add_target(
        self, target: Target, grant: Grant, settings: TokenSettings, old: dict[Hashable, TokenAccount]
    ) -> None:
        key = key_of(target, grant, settings)
        account = self._accounts.get(key)
        if account is None:
            account = old.get(key)
            if account is None or account.settings.sql != settings.sql:
                storage = self._storage(target, grant, settings)
                account = TokenAccount(key=key, grant=grant, settings=settings, storage=storage)
                if isinstance(account.storage, MemoryStorage) and account.long_lived:
                    account.use(account.seed(), self._clock.now())
            elif account.grant != grant:
                _change_grant(account, grant)
            if account.settings != settings:  # another lead: what memory alone holds must not be lost by it
                account.settings, account.planned = settings, None
            account.targets = {}
            self._accounts[key] = account
        account.targets[target.key] = target
        self._of_target[target.key] = account

    def _storage(self, target: Target, grant: Grant, settings: TokenSettings) -> TokenStorage:
        labels = (target.integration, target.tenant, target.provider)
        store = self.store
        kept = store if store is not None and store.keeps_secrets else None
        if settings.sql is not None and isinstance(grant, LongLivedGrant):
            source = self._sources.get(settings.sql)
            if source is None:
                source = self._sources[settings.sql] = SqlTokenSource(settings.sql)
            return SqlStorage(
                source, target.integration, target.tenant, labels, kept, self._write_back_log(target)
            )
        if isinstance(grant, LongLivedGrant) and kept is not None:
            return StoreStorage(kept, name_of(target, grant, settings), labels)
        return MemoryStorage()

    def _write_back_log(self, target: Target) -> Callable[[float], None]:
        def log_write_back(duration_seconds: float) -> None:
            self._log.add(self._exchange.event(target, EXPORTER, "write_back", "ok", "", duration_seconds))

        return log_write_back

    async def _wait_for_turn(
        self, account: TokenAccount, actor: str, trace: Trace, *, force: bool = False
    ) -> None:
        """Wait for the one turn of the account, begun if there is none; it goes on when we are cut.

        A caller that forces a refresh joins a turn under way, and begins another one where that brought none.
        """
        if (task := account.turn) is not None:
            before = account.renewals
            trace.note("waiting for the token that somebody else asks for")
            await asyncio.shield(task)
            if not force or account.renewals != before:
                return
        # Looked up again: another caller may have begun a turn while this one waited.
        await asyncio.shield(account.turn or self._start_turn(account, actor, trace, force=force))

    def _start_turn(
        self, account: TokenAccount, actor: str, trace: Trace, *, force: bool = False
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._exchange.run(account, actor, trace, force=force))
        account.task = task
        self._running.add(task)
        task.add_done_callback(lambda _done: self._finish_turn(account, task))
        return task

    def _finish_turn(self, account: TokenAccount, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if account.task is task:
            account.task = None
        if account.shortage is not None:
            self._on_shortage(account.shortage)
        self._publish(account)
        self._schedule.run_ready()

    def _run_due(self, account: TokenAccount) -> None:
        """Give an account its planned turn: for a refresh, or only to show that a token expired."""
        if self._accounts.get(account.key) is not account:
            return
        when = account.next_action(self._clock.now())
        if account.turn is None and when is not None and when <= self._clock.now():
            self._start_turn(account, EXPORTER, Trace())
        else:
            self._publish(account)

    def _publish(self, account: TokenAccount) -> None:
        """Plan the next turn, and report every target whose series changed."""
        self._plan(account)
        for key in account.targets:
            self._on_change(key)

    def _plan(self, account: TokenAccount) -> None:
        if self._stopped or self._accounts.get(account.key) is not account:
            return
        now = self._clock.now()
        # A turn that is under way plans the next one when it is over. Planned now, that would be due at once,
        # again and again until then.
        action = account.next_action(now) if account.turn is None else None
        moments = (action, _next_expiry(account, now))
        self._schedule.plan(account, min((moment for moment in moments if moment is not None), default=None))

    def _failure(self, account: TokenAccount) -> ProbeError | Shortage:
        """Return why there is no token, without the traceback of the run that found out."""
        if account.shortage is not None and not account.refused:
            return account.shortage.again()
        error = account.error
        if error is None:
            if account.refused:
                words = "no token: the vendor took it back; its owner must connect again"
                return ProbeError(Reason.AUTH, words)
            return ProbeError(Reason.NOT_CONFIGURED, NO_SEED)
        wait = max(0.0, account.retry_at - self._clock.now()) if error.retry_after else None
        return ProbeError(error.reason, error.detail, retry_after=wait)


def _change_grant(account: TokenAccount, grant: Grant) -> None:
    """Take another secret or address to ask for the same token with: what was refused may be granted now."""
    account.grant, account.replaced_at = grant, None
    account.reset_failures()
    if account.tokens is not None:
        account.tokens = replace(account.tokens, refused=False)


def _next_expiry(account: TokenAccount, now: float) -> float | None:
    """Return when a token expires, which its state must show."""
    tokens = account.tokens
    if tokens is None:
        return None
    ends = [end for end in (tokens.expiry, tokens.refresh_expiry) if end is not None and now < end < NEVER]
    return min(ends, default=None)
