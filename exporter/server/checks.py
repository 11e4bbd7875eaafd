"""Checks on demand: a few at once in the answer, many as a job that is asked for later."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web

from exporter.core.errors import Deferred, ProbeError
from exporter.core.probe import Result, Target
from exporter.core.reason import Reason
from exporter.server.access import Identity
from exporter.server.answers import iso, place_of
from exporter.server.services import SERVICES

AT_MOST_INLINE = 20
"""Targets that are answered for directly; more become a job."""

WORKERS = 16
JOBS_KEPT = 20
JOBS_AT_ONCE = 2
GRACE = 5.0
"""Seconds beyond its timeout that a check may wait for its turn and its bookkeeping."""

CheckNow = Callable[[Target], Awaitable[Result]]


async def check_one(check_now: CheckNow, target: Target) -> dict[str, Any]:
    """Run one check within its deadline and return its row; whatever breaks in it is in the row."""
    task = asyncio.ensure_future(check_now(target))
    try:
        await asyncio.wait({task}, timeout=target.timeout + GRACE)
    finally:
        task.cancel()  # does nothing to one that is done
    if not task.done():
        await asyncio.wait({task}, timeout=1.0)
        return _failed(target, Reason.TIMEOUT, "The check did not end within its deadline.")
    error = task.exception()
    return _row(target, task.result()) if error is None else _broken(target, error)


def _broken(target: Target, error: BaseException) -> dict[str, Any]:
    if isinstance(error, Deferred):
        row = _failed(target, None, str(error))
        return row | {"status": "deferred", "retry_after_seconds": round(error.seconds, 3)}
    if isinstance(error, ProbeError):
        return _failed(target, error.reason, error.detail)
    if isinstance(error, KeyError):
        return _failed(target, Reason.NOT_FOUND, "The target was removed meanwhile.")
    structlog.get_logger("exporter.web").error("check broke", target=str(target), **place_of(error))
    return _failed(target, Reason.BUG, "The exporter made a mistake; its log has the details.")


def _row(target: Target, result: Result) -> dict[str, Any]:
    return _failed(target, result.reason, result.detail) | {
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


def _failed(target: Target, reason: Reason | None, detail: str) -> dict[str, Any]:
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


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return how many checks came to each status."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["status"]] = found.get(row["status"], 0) + 1
    return found


@dataclass
class CheckJob:
    """Checks of many targets; `rows` grow while it runs. `tenants` are those of its targets."""

    id: str
    targets: Sequence[Target]
    started: float
    actor: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    finished: float | None = None

    @property
    def running(self) -> bool:
        """Tell whether checks are still outstanding."""
        return self.finished is None

    def visible_to(self, identity: Identity) -> bool:
        """Tell whether every target of the job may be known to `identity`."""
        return identity.tenants is None or all(identity.sees(target.tenant) for target in self.targets)

    def answer(self) -> dict[str, Any]:
        """Return the job as JSON."""
        return {
            "id": self.id,
            "state": "running" if self.running else "done",
            "total": len(self.targets),
            "done": len(self.rows),
            "summary": summary(self.rows),
            "started": iso(self.started),
            "finished": iso(self.finished),
            "checks": self.rows,
        }


class Jobs:
    """The last jobs, in memory; `kind` is how one is shown, `one` what it does with each target."""

    kind = CheckJob

    def __init__(self, check_now: CheckNow, now: Callable[[], float]) -> None:
        """Start without jobs."""
        self._check_now = check_now
        self._now = now
        self._jobs: OrderedDict[str, CheckJob] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, name: str) -> CheckJob | None:
        """Return a job by its id, None when it is unknown or was forgotten."""
        return self._jobs.get(name)

    def start(self, targets: Sequence[Target], actor: str) -> CheckJob | None:
        """Start checking `targets`; None when too many jobs run already."""
        if len(self._tasks) >= JOBS_AT_ONCE:
            return None
        job = self.kind(secrets.token_hex(8), tuple(targets), self._now(), actor)
        self._jobs[job.id] = job
        while len(self._jobs) > JOBS_KEPT:
            self._jobs.popitem(last=False)
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def _run(self, job: CheckJob) -> None:
        left = iter(job.targets)

        async def work() -> None:
            for target in left:
                job.rows.append(await self.one(target, job.actor))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(WORKERS, len(job.targets))):
                    group.create_task(work())
        finally:
            job.finished = self._now()

    async def one(self, target: Target, _actor: str) -> dict[str, Any]:
        """Check one target and return its row."""
        return await check_one(self._check_now, target)

    async def stop(self) -> None:
        """Cut what still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


JOBS = web.AppKey("jobs", Jobs)


async def keep_jobs(app: web.Application) -> AsyncIterator[None]:
    """Give the application its jobs, and end them with it."""
    parts = app[SERVICES]
    app[JOBS] = jobs = Jobs(parts.check_now, parts.now)
    yield
    await jobs.stop()
