"""Keeps what must always run running: a task or thread that dies is reported, counted and started again."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds before something that died starts again: doubled each time, forgotten once it ran for as long."""

DeathReport = Callable[[str, BaseException], None]


def _report_nothing(_name: str, _error: BaseException) -> None:
    pass


class Supervisor:
    """Everything of one process that must not stop by itself; `report` gets each death, in its own thread.

    `failures` counts the deaths by name. Tasks belong to the running loop, and are cancelled by `stop`.
    """

    def __init__(self, report: DeathReport = _report_nothing, first_wait: float = FIRST_WAIT) -> None:
        """Start with nothing to keep."""
        self.failures: Counter[str] = Counter()
        self._report = report
        self._first_wait = first_wait
        self._down: dict[str, None] = {}  # in the order of the deaths
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def down(self) -> tuple[str, ...]:
        """What died and has not started again yet."""
        return tuple(self._down)

    def keep(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `run()` as a task, again and again when it raises, until it returns."""
        self._tasks[name] = asyncio.get_running_loop().create_task(self._repeat(name, run))

    def keep_thread(self, name: str, run: Callable[[], None]) -> threading.Thread:
        """Run `run()` in a daemon thread, again and again when it raises, until it returns."""
        # A daemon, because one that hangs in a call of the system must not keep the process alive.
        thread = threading.Thread(target=self._repeat_in_thread, args=(name, run), name=name, daemon=True)
        thread.start()
        return thread

    def report_failure(self, name: str, error: BaseException) -> None:
        """Count and report a failure of something that goes on by itself."""
        self.failures[name] += 1
        self._report(name, error)

    async def stop(self, name: str | None = None) -> None:
        """End the task `name`, or all of them, and wait for it."""
        names = [name] if name is not None else list(self._tasks)
        tasks = [self._tasks.pop(one) for one in names if one in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        wait, began = self._first_wait, time.monotonic()
        while True:
            try:
                # CancelledError is not an Exception: it passes, and that is how `stop` ends the task.
                return await run()
            except Exception as error:  # noqa: BLE001 - whatever ends it, it starts again
                wait = self._note_death(name, error, wait, began)
            await asyncio.sleep(wait)
            began = self._note_start(name)

    def _repeat_in_thread(self, name: str, run: Callable[[], None]) -> None:
        wait, began = self._first_wait, time.monotonic()
        while True:
            try:
                return run()
            except Exception as error:  # noqa: BLE001 - whatever ends it, it starts again
                wait = self._note_death(name, error, wait, began)
            time.sleep(wait)
            began = self._note_start(name)

    def _note_death(self, name: str, error: Exception, wait: float, began: float) -> float:
        """Note a death, and return the seconds to wait."""
        self._down[name] = None
        self.report_failure(name, error)
        # One that ran for a minute was well: its next death is a new episode and waits the short time.
        stable = time.monotonic() - began > LONGEST_WAIT
        return self._first_wait if stable or self.failures[name] == 1 else min(LONGEST_WAIT, wait * 2)

    def _note_start(self, name: str) -> float:
        self._down.pop(name, None)
        return time.monotonic()
