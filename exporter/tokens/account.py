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

RELOOK = 300.0
"""Seconds between two looks whether somebody replaced a credential that was refused."""

KEEP_AGAIN = 5.0
"""Seconds until tokens that could not be kept are tried again."""

TOKENS = ("access", "refresh")


@dataclass(eq=False, kw_only=True)
class TokenAccount(Credential):
    """One credential of the configuration; `targets` share it. Times are Unix seconds, None if never.

    `held` is None until its place was read. `reason` is that of the last refresh that failed, "" after a
    success. `renewals` counts new tokens since the start. `unsettled` tells that the newest tokens are not
    yet where they are kept. `shortage` is what the last turn lacked, at `short_at`; such a turn asked nobody.
    """

    key: Hashable
    settings: TokenSettings
    place: TokenStorage = field(default_factory=MemoryStorage)
    targets: dict[TargetKey, Target] = field(default_factory=dict)
    reason: str = ""
    last_success: float | None = None
    renewals: int = 0
    looked_at: float = 0.0
    unsettled: bool = False
    unsettled_at: float = 0.0
    shortage: Shortage | None = None
    short_at: float = 0.0
    planned: float | None = None
    task: asyncio.Task[None] | None = None

    @property
    def turn(self) -> asyncio.Task[None] | None:
        """The task that is under way for the account, if any."""
        return None if self.task is None or self.task.done() else self.task

    @property
    def may_rotate(self) -> bool:
        """Whether an exchange may end the life of what was handed in."""
        return isinstance(self.grant, RefreshToken) and (self.held is None or self.held.rotates is not False)

    def seed(self) -> TokenSet:
        """Return the tokens that the configuration itself tells."""
        none = Secret("")
        if isinstance(self.grant, RefreshToken):
            refresh = self.grant.refresh_token
            return TokenSet(access=self.grant.access_token, refresh=none if refresh == EXTERNAL else refresh)
        if isinstance(self.grant, MetaExchange) and self.grant.access_token != EXTERNAL:
            return TokenSet(access=self.grant.access_token)
        return TokenSet()

    def succeed(self, now: float) -> None:
        """Count a refresh that succeeded, once its tokens are those in use."""
        super().succeed(now)
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
        return self.settings.refresh_before if self.lasting else LEAST_LEAD

    def next_look(self, now: float) -> float | None:
        """Return when something is to be done or shown without anybody asking, None if never."""
        look = self._next_look(now)
        return look if look is None or self.shortage is None else max(look, self.short_at + SHORTAGE_RETRY)

    def put_off(self, shortage: Shortage, now: float) -> None:
        """Note that nobody could be asked: that is no failure, and soon tried again."""
        self.shortage, self.short_at = shortage, now

    def _next_look(self, now: float) -> float | None:
        if self.unsettled:
            return max(self.retry_at, self.unsettled_at + KEEP_AGAIN)
        if self.held is None:
            return max(now, self.retry_at) if self.lasting else None
        if self.refused:
            return max(self.looked_at + RELOOK, self.retry_at) if self.place.shared else None
        renew_at = self.renew_at
        if renew_at is None:
            return self.retry_at if self.failures and self.retry_at > now else None
        return max(renew_at, self.free_at(now))

    def token_configured(self) -> AccessToken:
        """Return the access token that the configuration tells."""
        return AccessToken(self.seed().access)

    def states(self, now: float) -> dict[str, TokenState]:
        """Return the state of each token that there is."""
        held = self.held
        if held is None:
            return {"access": TokenState.UNKNOWN}
        dead = TokenState.REFUSED if held.refused else None
        by_refresh = isinstance(self.grant, RefreshToken)
        access = state_of(held.expiry, now, implausible=held.implausible)
        found = {"access": access if by_refresh or not dead else dead}
        if by_refresh:
            found["refresh"] = dead or state_of(held.refresh_expiry, now)
        return found

    @property
    def scopes_missing(self) -> frozenset[str] | None:
        """Scopes that were asked for and not granted, None where that is not known."""
        wanted = () if isinstance(self.grant, MetaExchange) else self.grant.scopes
        if self.held is None or self.held.scopes is None:
            return None
        return frozenset(wanted) - self.held.scopes

    def refreshable(self, token: str) -> bool:
        """Tell whether `token` is renewed without anybody's help; a refresh token is where it rotates."""
        held = self.held
        if held is None or held.refused or not (held.seed or not self.lasting):
            return False
        return bool(held.rotates) if token == "refresh" else True  # noqa: S105 - a label's value

    def series(self, now: float) -> list[Series]:
        """Return the series of every token of the account, without the labels of the target."""
        held = self.held or TokenSet()
        ends = {"access": held.expiry, "refresh": held.refresh_expiry}
        found: list[Series] = []
        for token, state in self.states(now).items():
            label = ("token", token)
            found.append((common_metrics.TOKEN_STATE, (label, ("state", state.value)), 1.0))
            found.append((common_metrics.TOKEN_REFRESHABLE, (label,), float(self.refreshable(token))))
            ends_at = ends[token]
            told = not (token == "access" and held.implausible)  # noqa: S105 - a label's value
            if told and ends_at is not None and ends_at != NEVER and plausible(ends_at):
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


MANAGED = frozenset(
    {
        common_metrics.TOKEN_EXPIRY.name,
        common_metrics.TOKEN_REFRESHABLE.name,
    }
)
"""Facts of a probe that the account knows better, for the tokens in `TOKENS`."""
