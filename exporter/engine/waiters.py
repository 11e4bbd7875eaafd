"""Callers that wait for the next run of a target; each of them is answered once."""

import asyncio
from collections import defaultdict

from exporter.core.probe import Result, TargetKey


class Waiters:
    """The callers of each target; belongs to one loop."""

    def __init__(self) -> None:
        """Start without callers."""
        self._futures: defaultdict[TargetKey, list[asyncio.Future[Result]]] = defaultdict(list)

    def __contains__(self, key: TargetKey) -> bool:
        """Return whether any caller waits for a run of the target."""
        return key in self._futures

    def add(self, key: TargetKey) -> asyncio.Future[Result]:
        """Return what the next run of the target resolves: its result, or why there is none."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._futures[key].append(future)
        return future

    def resolve(self, key: TargetKey, result: Result) -> None:
        """Give `result` to all callers that wait for the target."""
        for future in self._pop(key):
            future.set_result(result)

    def reject(self, key: TargetKey, error: Exception) -> None:
        """Raise `error` in all callers that wait for the target."""
        for future in self._pop(key):
            future.set_exception(error)

    def reject_all(self, error: Exception) -> None:
        """Raise `error` in all callers that wait for any target."""
        for key in list(self._futures):
            self.reject(key, error)

    def _pop(self, key: TargetKey) -> list[asyncio.Future[Result]]:
        # A caller that gave up has cancelled its future: to set that one would raise here, in the run.
        return [future for future in self._futures.pop(key, ()) if not future.done()]
