"""Tokens as the API shows them, and refreshes on demand: never a token itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from exporter.core.errors import Shortage
from exporter.core.probe import Target, TargetKey
from exporter.core.token import NEVER, TokenEvent, TokenSet
from exporter.server.answers import iso
from exporter.server.checks import CheckJob, Jobs
from exporter.server.keeping import TokenAccountView
from exporter.server.services import SERVICES


def rows(target: Target, account: TokenAccountView, now: float) -> list[dict[str, Any]]:
    """Return one row for each token of a target: times are RFC 3339 in UTC or null."""
    held = account.held or TokenSet()
    ends = {"access": held.expiry, "refresh": held.refresh_expiry}
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
                "scopes": None if held.scopes is None else sorted(held.scopes),
                "scopes_missing": _sorted(account.scopes_missing),
                "last_refresh": iso(account.last_success),
                "failures": account.failures,
                "reason": account.reason or None,
                "next_attempt": iso(account.retry_at) if account.retry_at > now else None,
            }
        )
    return found


def _sorted(scopes: frozenset[str] | None) -> list[str] | None:
    return None if scopes is None else sorted(scopes)


def event_row(event: TokenEvent) -> dict[str, Any]:
    """Return an entry of the log as JSON."""
    return {
        "at": iso(event.at),
        "integration": event.integration,
        "tenant": event.tenant,
        "provider": event.provider,
        "token": event.token,
        "actor": event.actor,
        "operation": event.operation,
        "result": event.result,
        "reason": event.reason or None,
        "duration_seconds": round(event.duration_seconds, 6),
    }


@dataclass
class RefreshJob(CheckJob):
    """Refreshes of many tokens."""

    def answer(self) -> dict[str, Any]:
        """Return the job as JSON."""
        found = super().answer()
        found["tokens"] = found.pop("checks")
        return found


class RefreshJobs(Jobs):
    """The last jobs of refreshes, in memory."""

    kind = RefreshJob

    def __init__(
        self, refresh: Callable[[TargetKey, str], Awaitable[TokenEvent]], now: Callable[[], float]
    ) -> None:
        """Start without jobs."""
        super().__init__(_no_check, now)
        self._refresh = refresh

    async def one(self, target: Target, actor: str) -> dict[str, Any]:
        """Refresh one token and return its row; whatever breaks in it is in the row."""
        return await refresh_one(self._refresh, target, actor)


async def refresh_one(
    refresh: Callable[[TargetKey, str], Awaitable[TokenEvent]], target: Target, actor: str
) -> dict[str, Any]:
    """Refresh the token of one target and return what came of it; `status` is the result in one word."""
    try:
        row = event_row(await refresh(target.key, actor))
    except KeyError:
        row = _untried(target, "failed", "not_found")
    except Shortage as shortage:
        row = _untried(target, "deferred", "deferred") | {"detail": shortage.why}
    return row | {"status": "ok" if row["result"] == "ok" else row["reason"]}


def _untried(target: Target, result: str, reason: str) -> dict[str, Any]:
    return {
        "integration": target.integration,
        "tenant": target.tenant,
        "provider": target.provider,
        "result": result,
        "reason": reason,
    }


async def _no_check(_target: Target) -> Any:
    raise AssertionError("a job of refreshes checks nothing")


REFRESHES = web.AppKey("refreshes", RefreshJobs)


async def keep_refreshes(app: web.Application) -> AsyncIterator[None]:
    """Give the application its jobs of refreshes, and end them with it."""
    parts = app[SERVICES]
    app[REFRESHES] = jobs = RefreshJobs(parts.tokens.refresh, parts.now)
    yield
    await jobs.stop()
