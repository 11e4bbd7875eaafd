"""What the server needs of whoever renews tokens."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from exporter.core.errors import StoreError
from exporter.core.probe import Target, TargetKey
from exporter.core.token import TokenEvent, TokenSet, TokenState
from exporter.store.tokens import LogQuery


class TokenAccountView(Protocol):
    """What is known of the tokens of one target; see exporter/tokens/account.py."""

    failures: int
    reason: str
    last_success: float | None
    retry_at: float

    @property
    def held(self) -> TokenSet | None:
        """The tokens in use, None before they were read."""

    @property
    def scopes_missing(self) -> frozenset[str] | None:
        """Scopes that were asked for and not granted, None where that is not known."""

    def states(self, now: float) -> Mapping[str, TokenState]:
        """Return the state of each token."""

    def refreshable(self, token: str) -> bool:
        """Tell whether a token is renewed without anybody's help."""


class Keeper(Protocol):
    """Who renews tokens; see exporter/tokens/manager.py."""

    def accounts(self) -> Iterable[tuple[Target, TokenAccountView]]:
        """Iterate over every target whose token is renewed."""

    async def refresh(self, key: TargetKey, actor: str) -> TokenEvent:
        """Refresh the token of a target now; KeyError for a stranger."""

    async def history(self, query: LogQuery) -> list[TokenEvent]:
        """Return entries of the log of tokens, the newest first; StoreError where there is none."""


class NoKeeper:
    """Where no tokens are renewed."""

    def accounts(self) -> Iterable[tuple[Target, TokenAccountView]]:
        """Return nothing."""
        return ()

    async def refresh(self, key: TargetKey, actor: str) -> TokenEvent:
        """Know nobody."""
        del actor
        raise KeyError(key)

    async def history(self, query: LogQuery) -> list[TokenEvent]:
        """Have no log."""
        del query
        raise StoreError("there is no log of tokens")
