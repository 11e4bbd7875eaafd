"""Jobs that have many deliveries tried again: started by one request, and read by later ones."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from exporter.core.clock import iso
from exporter.core.errors import StoreError
from exporter.outbox.outbox import Outbox
from exporter.server.access import Identity
from exporter.server.web_config.settings import AllowedTenants
from exporter.store.retries import RetryChoice

JOBS_KEPT = 20
JOBS_AT_ONCE = 2


@dataclass
class RetryJob:
    """A retry of what was chosen; `total` and `done` are rows looked at, `retried` those that wait again.

    `started` and `finished` are Unix seconds; `error` is a sentence where the store failed in the middle.
    """

    id: str
    started: float
    actor: str
    tenants: AllowedTenants
    total: int = 0
    done: int = 0
    retried: int = 0
    finished: float | None = None
    error: str = ""

    def visible_to(self, identity: Identity) -> bool:
        """Return whether `identity` may know of every tenant of the job."""
        if identity.tenants is None:
            return True
        return self.tenants is not None and self.tenants <= identity.tenants

    def answer(self) -> dict[str, Any]:
        """Return the job as JSON."""
        return {
            "id": self.id,
            "state": "running" if self.finished is None else "done",
            "total": self.total,
            "done": self.done,
            "retried": self.retried,
            "error": self.error,
            "actor": self.actor,
            "started": iso(self.started),
            "finished": iso(self.finished),
        }


class Retries:
    """The last retries, in memory."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Start without any."""
        self._now = now
        self._jobs: OrderedDict[str, RetryJob] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, name: str) -> RetryJob | None:
        """Return a retry by its id, None when it is unknown or was forgotten."""
        return self._jobs.get(name)

    def start(self, outbox: Outbox, choice: RetryChoice, actor: str) -> RetryJob | None:
        """Start to retry what `choice` names; None when too many retries run already."""
        if len(self._tasks) >= JOBS_AT_ONCE:
            return None
        job = RetryJob(secrets.token_hex(8), self._now(), actor, _tenants_of(choice))
        self._jobs[job.id] = job
        while len(self._jobs) > JOBS_KEPT:
            self._jobs.popitem(last=False)
        task = asyncio.create_task(self._run(job, outbox, choice))
        # The loop holds tasks weakly: one that nothing else holds may be collected while it runs.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def stop(self) -> None:
        """Cancel what still runs; what was retried so far stays so."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: RetryJob, outbox: Outbox, choice: RetryChoice) -> None:
        def progress(done: int, total: int) -> None:
            job.done, job.total = done, total

        try:
            job.retried = await outbox.retry(choice, job.actor, progress)
        except StoreError:
            job.error = "the store does not answer; the exporter's log says why"
        finally:
            job.finished = self._now()


def _tenants_of(choice: RetryChoice) -> AllowedTenants:
    tenants = choice.chosen.tenants
    return None if tenants is None else frozenset(tenants)


RETRIES = web.AppKey("retries", Retries)
