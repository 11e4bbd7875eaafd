"""Tokens as the API shows them, and refreshes on demand: never a token itself."""

from collections.abc import Awaitable, Callable
from typing import Any

from exporter.core.clock import iso
from exporter.core.errors import Shortage
from exporter.core.probe import Target, TargetKey
from exporter.core.token import NEVER, TokenEvent, TokenSet
from exporter.store.subjects.token_log import event_json
from exporter.tokens.account import TokenAccount


def token_rows(target: Target, account: TokenAccount, now: float) -> list[dict[str, Any]]:
    """Return one row for each token of a target: times are RFC 3339 in UTC or null."""
    tokens = account.tokens or TokenSet()
    ends = {"access": tokens.expiry, "refresh": tokens.refresh_expiry}
    found = []
    for token, state in account.states(now).items():
        end = ends.get(token)
        finite = end if end is not None and end != NEVER else None
        found.append(
            {
                "integration": target.integration,
                "tenant": target.tenant,
                "provider": target.provider,
                "token": token,
                "state": state.value,
                "expires": iso(finite),
                "expires_in_seconds": None if finite is None else round(finite - now),
                "refreshable": account.refreshable(token),
                "scopes": None if tokens.scopes is None else sorted(tokens.scopes),
                "scopes_missing": _sort_scopes(account.scopes_missing),
                "last_refresh": iso(account.last_success),
                "failures": account.failures,
                "reason": account.reason or None,
                "next_attempt": iso(account.retry_at) if account.retry_at > now else None,
            }
        )
    return found


def _sort_scopes(scopes: frozenset[str] | None) -> list[str] | None:
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
