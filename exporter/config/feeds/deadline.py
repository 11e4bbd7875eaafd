"""Cuts a blocking exchange over a socket when its time is over, whatever the library waits for."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from types import TracebackType


class Deadline:
    """Shuts the socket after `seconds`, unless the block was left before; `passed` says that it did."""

    def __init__(self, seconds: float) -> None:
        """Start counting when the block is entered."""
        self.passed = False
        self._guard = threading.Lock()
        self._descriptor: Callable[[], int] | None = None
        self._over = False
        self._timer = threading.Timer(seconds, self._end)
        # A process that exits does not wait for a deadline.
        self._timer.daemon = True

    def watch(self, descriptor: Callable[[], int]) -> None:
        """Take what returns the descriptor of the socket, below 0 once it is closed."""
        with self._guard:
            self._descriptor = descriptor
            # Connecting may take all the time: then there was no socket yet to cut.
            if self.passed:
                self._shut()

    def _end(self) -> None:
        with self._guard:
            if not self._over:
                self.passed = True
                self._shut()

    def _shut(self) -> None:
        # The owner keeps the descriptor: only what travels over it is cut.
        with contextlib.suppress(Exception):  # a library that has closed it raises errors of its own
            number = self._descriptor() if self._descriptor else -1
            if number >= 0:
                with socket.socket(fileno=os.dup(number)) as copy:
                    copy.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Deadline":
        """Begin."""
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Be over: from now on the socket may be closed and its number used again."""
        with self._guard:
            self._over = True
        self._timer.cancel()
