"""Checks on demand: one probe now, within its deadline, as a row of the answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from exporter.core.clock import iso
from exporter.core.errors import Deferred, ProbeError
from exporter.core.probe import Result, Target
from exporter.core.reason import Reason
from exporter.server.answers import error_location

GRACE = 5.0
"""Seconds beyond its timeout that a check may wait for its turn and its bookkeeping."""

CheckNow = Callable[[Target], Awaitable[Result]]


async def check_target(check_now: CheckNow, target: Target) -> dict[str, Any]:
    """Run one check within its deadline and return its row; whatever breaks in it is in the row."""
    task = asyncio.ensure_future(check_now(target))
    try:
        # wait, not wait_for: it returns at the deadline, whatever the task does with a cancellation.
        await asyncio.wait({task}, timeout=target.timeout + GRACE)
    finally:
        task.cancel()  # does nothing to one that is done
    if not task.done():
        await asyncio.wait({task}, timeout=1.0)
        return _base_row(target, Reason.TIMEOUT, "The check did not end within its deadline.")
    error = task.exception()
    return _result_row(target, task.result()) if error is None else _error_row(target, error)


def _error_row(target: Target, error: BaseException) -> dict[str, Any]:
    if isinstance(error, Deferred):
        row = _base_row(target, None, str(error))
        return row | {"status": "deferred", "retry_after_seconds": round(error.seconds, 3)}
    if isinstance(error, ProbeError):
        return _base_row(target, error.reason, error.detail)
    if isinstance(error, KeyError):
        # A reload took it away between the request and its turn.
        return _base_row(target, Reason.NOT_FOUND, "The target was removed meanwhile.")
    structlog.get_logger("exporter.web").error("check broke", target=str(target), **error_location(error))
    return _base_row(target, Reason.BUG, "The exporter made a mistake; its log has the details.")


def _result_row(target: Target, result: Result) -> dict[str, Any]:
    return _base_row(target, result.reason, result.detail) | {
        "status": _status(result.reason),
        "at": iso(result.at),
        "duration_seconds": round(result.duration_seconds, 6),
        "http_status": result.http_status,
        "trace_id": result.trace_id,
    }


def _status(reason: Reason | None) -> str:
    if reason is None:
        return "connected"
    return "not_configured" if reason is Reason.NOT_CONFIGURED else "error"


def _base_row(target: Target, reason: Reason | None, detail: str) -> dict[str, Any]:
    return {
        "integration": target.integration,
        "tenant": target.tenant,
        "provider": target.provider,
        "status": "error",
        "reason": reason.value if reason else None,
        "meaning": reason.meaning if reason else None,
        "detail": detail,
        "at": None,
        "duration_seconds": None,
        "http_status": None,
        "trace_id": "",
    }
