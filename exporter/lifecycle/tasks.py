"""The tasks that run as long as the process, and the signals that reach it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from exporter.core import hangup
from exporter.core.errors import ConfigError
from exporter.core.service_manager import notify
from exporter.core.supervisor import Supervisor
from exporter.engine.reload import Reloader
from exporter.engine.selfmetrics import SelfMetrics
from exporter.server.answers import error_location


def supervisor_of(metrics: SelfMetrics) -> Supervisor:
    """Return what keeps the endless tasks going; it also counts errors that no other code handles."""

    def report(name: str, error: BaseException) -> None:
        metrics.task_failures.labels(name).inc()
        structlog.get_logger("exporter.app").error("a task failed", task=name, **error_location(error))

    def report_unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        supervisor.report_failure("other", error or RuntimeError(str(context.get("message", ""))))

    supervisor = Supervisor(report)
    asyncio.get_running_loop().set_exception_handler(report_unhandled)
    return supervisor


@asynccontextmanager
async def reload_on_sighup(reloader: Reloader) -> AsyncIterator[None]:
    """Load the configuration again at each SIGHUP, also at one that came while the process started."""
    reloads: set[asyncio.Task[None]] = set()

    def on_sighup() -> None:
        task = asyncio.get_running_loop().create_task(_reload(reloader))
        # The loop holds tasks by weak references only: without this a reload could be collected midway.
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, on_sighup)
    # One that came during the start was only noted, because Python's default would have ended the process.
    if hangup.pending():
        on_sighup()
    try:
        yield
    finally:
        for task in reloads:
            task.cancel()
        await asyncio.gather(*reloads, return_exceptions=True)


async def _reload(reloader: Reloader) -> None:
    log = structlog.get_logger("exporter.app")
    try:
        await reloader.reload()
    except ConfigError as error:
        log.error("reload failed", mistakes=[str(mistake) for mistake in error.mistakes])
    except Exception as error:  # noqa: BLE001 - a signal has no caller that could take it
        log.error("reload failed", **error_location(error))


class StopSignal:
    """SIGTERM or SIGINT: ends the start of the process where it is, later the wait for it.

    `limit` is the number of seconds that the log says the stop may take.
    """

    def __init__(self, limit: float) -> None:
        """Belong to the running task; nothing is caught before `listen`."""
        self.came = False
        self._limit = limit
        self._task = asyncio.current_task()
        self._stopped: asyncio.Event | None = None

    def listen(self) -> None:
        """Catch the signals from now on: what ends this process lets it hand over what it has accepted."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._take)

    async def wait(self) -> None:
        """Return at the signal."""
        self._stopped = asyncio.Event()
        await self._stopped.wait()

    def _take(self) -> None:
        if self.came:  # a second one must not cut what the first one began
            return
        self.came = True
        notify("STOPPING=1")
        structlog.get_logger("exporter.app").info("stopping", limit_seconds=self._limit)
        if self._stopped is not None:
            self._stopped.set()
        elif self._task is not None:
            self._task.cancel()
