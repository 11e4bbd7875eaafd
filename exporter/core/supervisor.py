"""Keeps what must run for ever running: a task or thread that dies is told of, counted and begun again."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds before something that died is begun again: doubled each time, forgotten once it ran for as long."""

Told = Callable[[str, BaseException], None]


def _nobody(_name: str, _error: BaseException) -> None:
    pass


class Supervisor:
    """Everything of one process that must not end by itself; `tell` hears of each death, in its own thread.

    `failures` counts the deaths by name. Tasks belong to the running loop, and end by `stop`.
    """

    def __init__(self, tell: Told = _nobody, first_wait: float = FIRST_WAIT) -> None:
        """Start with nothing to keep."""
        self.failures: Counter[str] = Counter()
        self._tell = tell
        self._first_wait = first_wait
        self._down: dict[str, None] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def down(self) -> tuple[str, ...]:
        """What died and is not begun again yet."""
        return tuple(self._down)

    def keep(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `run()` as a task, again and again when it raises; a return ends it."""
        self._tasks[name] = asyncio.get_running_loop().create_task(self._kept(name, run))

    def keep_thread(self, name: str, run: Callable[[], None]) -> threading.Thread:
        """Run `run()` in a daemon thread, again and again when it raises; a return ends it."""
        thread = threading.Thread(target=self._kept_beside, args=(name, run), name=name, daemon=True)
        thread.start()
        return thread

    def failed(self, name: str, error: BaseException) -> None:
        """Count and tell a failure of something that goes on by itself."""
        self.failures[name] += 1
        self._tell(name, error)

    async def stop(self, name: str | None = None) -> None:
        """End the task `name`, or all of them, and wait for it."""
        names = [name] if name is not None else list(self._tasks)
        tasks = [self._tasks.pop(one) for one in names if one in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _kept(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        wait, began = self._first_wait, time.monotonic()
        while True:
            try:
                return await run()
            except Exception as error:  # noqa: BLE001 - whatever ends it, it is begun again
                wait = self._died(name, error, wait, began)
            await asyncio.sleep(wait)
            began = self._again(name)

    def _kept_beside(self, name: str, run: Callable[[], None]) -> None:
        wait, began = self._first_wait, time.monotonic()
        while True:
            try:
                return run()
            except Exception as error:  # noqa: BLE001 - whatever ends it, it is begun again
                wait = self._died(name, error, wait, began)
            time.sleep(wait)
            began = self._again(name)

    def _died(self, name: str, error: Exception, wait: float, began: float) -> float:
        """Note a death, and return the seconds to wait."""
        self._down[name] = None
        self.failed(name, error)
        held = time.monotonic() - began > LONGEST_WAIT
        return self._first_wait if held or self.failures[name] == 1 else min(LONGEST_WAIT, wait * 2)

    def _again(self, name: str) -> float:
        self._down.pop(name, None)
        return time.monotonic()
