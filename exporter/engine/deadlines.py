"""Cuts runs that take too long: one timer for all runs of one timeout, where one for each would cost more."""

import asyncio
from collections import deque
from types import TracebackType

EARLY = 0.001
"""Seconds by which a run may be cut too soon: timers of a loop count in milliseconds."""


class RunDeadline:
    """The end of one run: a block that takes longer is cancelled, and raises TimeoutError then.

    `expired` says that this happened. Cancellation from elsewhere is passed on, as by `asyncio.timeout`.
    """

    __slots__ = ("_cancelling", "_queue", "_task", "at", "expired")

    def __init__(self, at: float, queue: "deque[RunDeadline]") -> None:
        """Begin in the current task; `at` is a time of the loop, `queue` has those that are due earlier."""
        self.at = at
        self.expired = False
        self._queue = queue
        self._task: asyncio.Task[object] | None = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        queue.append(self)

    @property
    def over(self) -> bool:
        """Whether its block was left."""
        return self._task is None

    def expire(self) -> None:
        """Cancel the task that is in the block."""
        if self._task is not None:
            self.expired = True
            self._task.cancel()

    def __enter__(self) -> "RunDeadline":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the block; raise TimeoutError where it was cut because its time is over."""
        task, self._task = self._task, None
        queue = self._queue
        # Those at the front that are over are of no more use; so the queue is never longer than what runs.
        while queue and queue[0]._task is None:
            queue.popleft()
        if self.expired and task is not None:
            # Where others cancelled the task too, it is theirs to end.
            alone = task.uncancel() <= self._cancelling
            if alone and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise TimeoutError from error


class Deadlines:
    """The deadlines of all runs under way, by their length; belongs to one loop."""

    def __init__(self) -> None:
        """Start without any."""
        # Those of one length are due in the order in which they began.
        self._queues: dict[float, deque[RunDeadline]] = {}
        self._armed: set[float] = set()

    def within(self, seconds: float) -> RunDeadline:
        """Return the deadline of a block that begins now and may take `seconds`."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = deque()
        deadline = RunDeadline(loop.time() + seconds, queue)
        if seconds not in self._armed:
            self._arm(loop, seconds, deadline.at)
        return deadline

    def _arm(self, loop: asyncio.AbstractEventLoop, seconds: float, at: float) -> None:
        self._armed.add(seconds)
        loop.call_at(at, self._expire, loop, seconds)

    def _expire(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._armed.discard(seconds)
        queue, now = self._queues[seconds], loop.time() + EARLY
        while queue and (queue[0].over or queue[0].at <= now):
            queue.popleft().expire()
        if queue:
            self._arm(loop, seconds, queue[0].at)
        else:
            del self._queues[seconds]
