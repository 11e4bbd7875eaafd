"""Tokens as the API shows them, and refreshes on demand: never a token itself."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Any, NamedTuple

from exporter.core.clock import iso
from exporter.core.errors import Shortage
from exporter.core.probe import Target, TargetKey
from exporter.core.token import NEVER, TokenEvent, TokenSet
from exporter.store.subjects.token_log import event_json
from exporter.tokens.account import TokenAccount


class ListedToken(NamedTuple):
    """One token of a target, with what says how much it needs a person."""

    target: Target
    account: TokenAccount
    token: str
    state: str
    expiry: float | None
    """Unix seconds, None where it is not known or never comes."""


def tokens_of(target: Target, account: TokenAccount, now: float) -> Iterator[ListedToken]:
    """Yield each token of a target."""
    tokens = account.tokens or TokenSet()
    ends = {"access": tokens.expiry, "refresh": tokens.refresh_expiry}
    for token, state in account.states(now).items():
        end = ends.get(token)
        yield ListedToken(target, account, token, state.value, None if end == NEVER else end)


def token_row(one: ListedToken, now: float) -> dict[str, Any]:
    """Return a token as JSON: times are RFC 3339 in UTC or null."""
    target, account = one.target, one.account
    scopes = account.tokens.scopes if account.tokens else None
    return {
        "integration": target.integration,
        "tenant": target.tenant,
        "provider": target.provider,
        "token": one.token,
        "state": one.state,
        "expires": iso(one.expiry),
        "expires_in_seconds": None if one.expiry is None else round(one.expiry - now),
        "refreshable": account.refreshable(one.token),
        "scopes": _sort_scopes(scopes),
        "scopes_missing": _sort_scopes(account.scopes_missing),
        "last_refresh": iso(account.last_success),
        "failures": account.failures,
        "reason": account.reason or None,
        "next_attempt": iso(account.retry_at) if account.retry_at > now else None,
    }


def _sort_scopes(scopes: Collection[str] | None) -> list[str] | None:
    return None if scopes is None else sorted(scopes)


async def refresh_token(
    refresh: Callable[[TargetKey, str], Awaitable[TokenEvent]], target: Target, actor: str
) -> dict[str, Any]:
    """Refresh the token of one target and return its row; `status` is the result in one word."""
    try:
        row = event_json(await refresh(target.key, actor))
    except KeyError:
        row = _skipped_row(target, "failed", "not_found")
    except Shortage as shortage:
        row = _skipped_row(target, "deferred", "deferred") | {"detail": shortage.why}
    return row | {"status": "ok" if row["result"] == "ok" else row["reason"]}


def _skipped_row(target: Target, result: str, reason: str) -> dict[str, Any]:
    return {
        "integration": target.integration,
        "tenant": target.tenant,
        "provider": target.provider,
        "result": result,
        "reason": reason,
    }
