"""Work on many targets in the background: a job that is started by one request and read by later ones."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from exporter.core.clock import iso
from exporter.core.probe import Target
from exporter.server.access import IDENTITY, Identity
from exporter.server.answers import json_answer
from exporter.server.checks import check_target
from exporter.server.retries import RETRIES, Retries
from exporter.server.services import SERVICES
from exporter.server.tokens import refresh_token

INLINE_LIMIT = 20
"""Targets whose results are in the answer itself; more become a job."""

WORKERS = 16
JOBS_KEPT = 20
JOBS_AT_ONCE = 2

Row = dict[str, Any]
Work = Callable[[Target, str], Awaitable[Row]]
"""Handles one target for the actor that is named, and returns its row; whatever breaks is in the row."""


def summary(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows have each status."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["status"]] = found.get(row["status"], 0) + 1
    return found


@dataclass
class Job:
    """Work on `targets`; `rows` grow while it runs, and are in the answer as `rows_key`.

    `started` and `finished` are Unix seconds.
    """

    id: str
    targets: Sequence[Target]
    started: float
    actor: str
    rows_key: str
    rows: list[Row] = field(default_factory=list)
    finished: float | None = None

    @property
    def running(self) -> bool:
        """Whether some targets have no row yet."""
        return self.finished is None

    def visible_to(self, identity: Identity) -> bool:
        """Return whether `identity` may know of every target of the job."""
        return identity.tenants is None or all(identity.sees(target.tenant) for target in self.targets)

    def answer(self) -> Row:
        """Return the job as JSON."""
        return {
            "id": self.id,
            "state": "running" if self.running else "done",
            "total": len(self.targets),
            "done": len(self.rows),
            "summary": summary(self.rows),
            "started": iso(self.started),
            "finished": iso(self.finished),
            self.rows_key: self.rows,
        }


class Jobs:
    """The last jobs of one kind, in memory: each does `work` on every target."""

    def __init__(self, work: Work, rows_key: str, now: Callable[[], float]) -> None:
        """Start without jobs."""
        self._work = work
        self._rows_key = rows_key
        self._now = now
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, name: str) -> Job | None:
        """Return a job by its id, None when it is unknown or was forgotten."""
        return self._jobs.get(name)

    async def results(self, targets: Sequence[Target], actor: str) -> list[Row]:
        """Work on a few targets at once and return their rows, without a job."""
        return await asyncio.gather(*(self._work(target, actor) for target in targets))

    def start(self, targets: Sequence[Target], actor: str) -> Job | None:
        """Start a job on `targets`; None when too many jobs run already."""
        if len(self._tasks) >= JOBS_AT_ONCE:
            return None
        job = Job(secrets.token_hex(8), tuple(targets), self._now(), actor, self._rows_key)
        self._jobs[job.id] = job
        # A job that runs is finished all the same when it is dropped: `_tasks` holds its task.
        while len(self._jobs) > JOBS_KEPT:
            self._jobs.popitem(last=False)
        task = asyncio.create_task(self._run(job))
        # The loop holds tasks weakly: one that nothing else holds may be collected while it runs.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def _run(self, job: Job) -> None:
        # One iterator for all workers: each takes the next target that none has taken.
        left = iter(job.targets)

        async def drain() -> None:
            for target in left:
                job.rows.append(await self._work(target, job.actor))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(WORKERS, len(job.targets))):
                    group.create_task(drain())
        finally:
            job.finished = self._now()

    async def answer(
        self, request: web.Request, targets: Sequence[Target], *, background: bool
    ) -> web.Response:
        """Answer the rows of a few targets, or 202 and the job, below the path of the request."""
        actor = request[IDENTITY].name
        if len(targets) <= INLINE_LIMIT and not background:
            rows = await self.results(targets, actor)
            return json_answer({self._rows_key: rows, "summary": summary(rows)})
        job = self.start(targets, actor)
        if job is None:
            raise web.HTTPTooManyRequests(
                text="other jobs are still running; ask again when they are done",
                headers={"Retry-After": "10"},
            )
        return json_answer(job.answer(), 202, Location=f"{request.path}/{job.id}")

    def read(self, request: web.Request) -> web.Response:
        """Answer how far the job in the path is, with the results so far."""
        job = self.get(request.match_info["id"])
        if job is None or not job.visible_to(request[IDENTITY]):
            raise web.HTTPNotFound(text="there is no such job; the last ones are kept until the next start")
        return json_answer(job.answer())

    async def stop(self) -> None:
        """Cancel what still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


CHECKS = web.AppKey("checks", Jobs)
REFRESHES = web.AppKey("refreshes", Jobs)


async def run_jobs(app: web.Application) -> AsyncIterator[None]:
    """Give the application its jobs of each kind, and stop them with it."""
    services = app[SERVICES]
    app[CHECKS] = Jobs(
        lambda target, _actor: check_target(services.check_now, target), "checks", services.now
    )
    app[REFRESHES] = Jobs(
        lambda target, actor: refresh_token(services.tokens.refresh, target, actor), "tokens", services.now
    )
    app[RETRIES] = Retries(services.now)
    yield
    for jobs in (app[CHECKS], app[REFRESHES], app[RETRIES]):
        await jobs.stop()
