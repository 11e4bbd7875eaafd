"""What is known of one token that is renewed: its state, when it is due, and the series it shows."""

import asyncio
import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field

from exporter.core import common_metrics
from exporter.core.credential import LEAST_LEAD, Credential
from exporter.core.errors import SHORTAGE_RETRY, Shortage
from exporter.core.probe import Target, TargetKey
from exporter.core.secret import Secret
from exporter.core.token import (
    EXTERNAL,
    NEVER,
    AccessToken,
    MetaExchange,
    RefreshToken,
    TokenSet,
    TokenSettings,
    TokenState,
    plausible,
    state_of,
)
from exporter.exposition.lines import Series
from exporter.tokens.storage import MemoryStorage, TokenStorage

CHECK_AGAIN = 300.0
"""Seconds between two checks whether a refused credential was replaced."""

SAVE_AGAIN = 5.0
"""Seconds until tokens that could not be kept are tried again."""

TOKENS = ("access", "refresh")


@dataclass(eq=False, kw_only=True)
class TokenAccount(Credential):
    """One credential of the configuration; `targets` share it. Times are Unix seconds, None if never.

    `tokens` is None until its storage was read. `reason` is that of the last refresh that failed, "" after a
    success. `renewals` counts new tokens since the start. `unsaved`: the newest tokens are not yet
    where they are kept. `shortage` is what the last turn lacked, at `shortage_at`; it asked no endpoint.
    """

    key: Hashable
    settings: TokenSettings
    storage: TokenStorage = field(default_factory=MemoryStorage)
    targets: dict[TargetKey, Target] = field(default_factory=dict)
    reason: str = ""
    last_success: float | None = None
    renewals: int = 0
    checked_at: float = 0.0
    unsaved: bool = False
    unsaved_at: float = 0.0
    shortage: Shortage | None = None
    shortage_at: float = 0.0
    planned: float | None = None
    task: asyncio.Task[None] | None = None

    @property
    def turn(self) -> asyncio.Task[None] | None:
        """The task that is under way for the account, if any."""
        return None if self.task is None or self.task.done() else self.task

    @property
    def may_rotate(self) -> bool:
        """Whether an exchange may end the life of what was handed in."""
        stays = self.tokens is not None and self.tokens.rotates is False
        return isinstance(self.grant, RefreshToken) and not stays

    def seed(self) -> TokenSet:
        """Return the tokens that the configuration itself has."""
        none = Secret("")
        if isinstance(self.grant, RefreshToken):
            refresh = self.grant.refresh_token
            return TokenSet(access=self.grant.access_token, refresh=none if refresh == EXTERNAL else refresh)
        if isinstance(self.grant, MetaExchange) and self.grant.access_token != EXTERNAL:
            return TokenSet(access=self.grant.access_token)
        return TokenSet()

    def record_success(self, now: float) -> None:
        """Count a refresh that succeeded, once its tokens are those in use."""
        super().record_success(now)
        self.last_success = now
        self.renewals += 1

    def reset_failures(self) -> None:
        """Forget failures: they were of other tokens, or are over."""
        super().reset_failures()
        self.reason = ""

    @property
    def spread(self) -> float:
        """A number from 0 to 1 that is this account's own, so that not all fall due at once."""
        names = ",".join(map(str, sorted(self.targets)))
        return hashlib.blake2b(names.encode(), digest_size=2).digest()[0] / 255

    @property
    def longest_lead(self) -> float:
        """How many seconds before its expiry a token is renewed, at most."""
        return self.settings.refresh_before if self.long_lived else LEAST_LEAD

    def next_action(self, now: float) -> float | None:
        """Return when something is to be done or shown without a request, None if never."""
        when = self._next_action(now)
        return when if when is None or self.shortage is None else max(when, self.shortage_at + SHORTAGE_RETRY)

    def record_shortage(self, shortage: Shortage, now: float) -> None:
        """Note that no endpoint could be asked: that is not a failure, and soon tried again."""
        self.shortage, self.shortage_at = shortage, now

    def _next_action(self, now: float) -> float | None:
        if self.unsaved:
            return max(self.retry_at, self.unsaved_at + SAVE_AGAIN)
        if self.tokens is None:
            return max(now, self.retry_at) if self.long_lived else None
        if self.refused:
            return max(self.checked_at + CHECK_AGAIN, self.retry_at) if self.storage.shared else None
        renew_at = self.renew_at
        if renew_at is None:
            return self.retry_at if self.failures and self.retry_at > now else None
        return max(renew_at, self.next_renewal(now))

    def configured_token(self) -> AccessToken:
        """Return the access token that the configuration has."""
        return AccessToken(self.seed().access)

    def states(self, now: float) -> dict[str, TokenState]:
        """Return the state of each token that there is."""
        tokens = self.tokens
        if tokens is None:
            return {"access": TokenState.UNKNOWN}
        dead = TokenState.REFUSED if tokens.refused else None
        by_refresh = isinstance(self.grant, RefreshToken)
        access = state_of(tokens.expiry, now, implausible=tokens.implausible)
        # A refresh token that is refused says nothing of an access token that still serves.
        found = {"access": access if by_refresh or not dead else dead}
        if by_refresh:
            found["refresh"] = dead or state_of(tokens.refresh_expiry, now)
        return found

    @property
    def scopes_missing(self) -> frozenset[str] | None:
        """Scopes that were asked for and not granted, None where that is not known."""
        scopes = () if isinstance(self.grant, MetaExchange) else self.grant.scopes
        if self.tokens is None or self.tokens.scopes is None:
            return None
        return frozenset(scopes) - self.tokens.scopes

    def refreshable(self, token: str) -> bool:
        """Return whether `token` is renewed without a person; a refresh token is where it rotates."""
        tokens = self.tokens
        if tokens is None or tokens.refused or not (tokens.seed or not self.long_lived):
            return False
        return bool(tokens.rotates) if token == "refresh" else True  # noqa: S105 - a label's value

    def series(self, now: float) -> list[Series]:
        """Return the series of every token of the account, without the labels of the target."""
        tokens = self.tokens or TokenSet()
        ends = {"access": tokens.expiry, "refresh": tokens.refresh_expiry}
        found: list[Series] = []
        for token, state in self.states(now).items():
            label = ("token", token)
            found.append((common_metrics.TOKEN_STATE, (label, ("state", state.value)), 1.0))
            found.append((common_metrics.TOKEN_REFRESHABLE, (label,), float(self.refreshable(token))))
            ends_at = ends[token]
            known = not (token == "access" and tokens.implausible)  # noqa: S105 - a label's value
            if known and ends_at is not None and ends_at != NEVER and plausible(ends_at):
                found.append((common_metrics.TOKEN_EXPIRY, (label,), ends_at))
        return [*found, *self._refreshes()]

    def _refreshes(self) -> list[Series]:
        label = ("token", "access")
        found: list[Series] = [(common_metrics.TOKEN_REFRESH_FAILURES, (label,), float(self.failures))]
        if self.last_success is not None:
            found.append((common_metrics.TOKEN_REFRESH_LAST_SUCCESS, (label,), self.last_success))
        if self.reason:
            found.append((common_metrics.TOKEN_REFRESH_FAILURE_INFO, (label, ("reason", self.reason)), 1.0))
        return found


MANAGED_METRICS = frozenset(
    {
        common_metrics.TOKEN_EXPIRY.name,
        common_metrics.TOKEN_REFRESHABLE.name,
    }
)
"""Facts of a probe that the account knows better, for the tokens in `TOKENS`."""
