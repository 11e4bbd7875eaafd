"""Context managers and decorators that report what a piece of code did, and how long it took."""

import functools
import inspect
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from exporter.client.client import Client

P = ParamSpec("P")
R = TypeVar("R")


class Tracker:
    """Reports once at the end of a `with` or `async with` block, or of each call of what it decorates.

    `report` takes the seconds it took, the exception that ended it or None, and fields that the code has
    set meanwhile by `set`. The exception goes on to the caller.
    """

    def __init__(self, report: Callable[[float, BaseException | None, dict[str, Any]], None]) -> None:
        """Prepare; the clock starts when the block is entered."""
        self._report = report
        self._since = 0.0
        self._fields: dict[str, Any] = {}

    def set(self, **fields: Any) -> None:
        """Add fields that are known only now, such as the cost."""
        self._fields.update(fields)

    def __enter__(self) -> Self:
        """Start the clock."""
        self._since = time.perf_counter()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Report."""
        self._report(time.perf_counter() - self._since, error, self._fields)

    async def __aenter__(self) -> Self:
        """Start the clock."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Report."""
        self.__exit__(kind, error, trace)

    def __call__(self, call: Callable[P, R]) -> Callable[P, R]:
        """Return `call` with a report after each of its calls; a coroutine function stays one."""
        # A tracker for each call: calls run at the same time.
        if inspect.iscoroutinefunction(call):

            @functools.wraps(call)
            async def run_later(*args: P.args, **kwargs: P.kwargs) -> Any:
                with Tracker(self._report):
                    return await call(*args, **kwargs)

            return cast(Callable[P, R], run_later)

        @functools.wraps(call)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with Tracker(self._report):
                return call(*args, **kwargs)

        return run


def track_ai_call(client: Client, endpoint: str, **common: Any) -> Tracker:
    """Report a call to an AI service; `set(cost=, request_id=)` adds what the answer says.

    `common` are fields of every event, such as integration and tenant. A block that raises is an error with
    the name of the exception.
    """

    def report(seconds: float, error: BaseException | None, fields: dict[str, Any]) -> None:
        known = {"status": "ok" if error is None else "error", "error": _name(error), "duration": seconds}
        client.event("ai_usage", {"endpoint": endpoint, **known, **common, **fields})

    return Tracker(report)


def track_webhook(client: Client, source: str, **common: Any) -> Tracker:
    """Report that a webhook was processed; `set(type=, event_id=)` adds what it was."""

    def report(seconds: float, error: BaseException | None, fields: dict[str, Any]) -> None:
        known = {"outcome": "processed" if error is None else "failed", "error": _name(error)}
        client.event(
            "webhook",
            {"source": source, "direction": "inbound", "duration": seconds, **known, **common, **fields},
        )

    return Tracker(report)


def track_payment(client: Client, **common: Any) -> Tracker:
    """Report a payment: succeeded, timeout where a TimeoutError ends the block, else failed.

    `set(outcome="declined", decline_code=, amount=, currency=, payment_id=)` says more, and wins.
    """

    def report(_seconds: float, error: BaseException | None, fields: dict[str, Any]) -> None:
        outcome = "succeeded" if error is None else "timeout" if isinstance(error, TimeoutError) else "failed"
        client.event("payment", {"outcome": outcome, **common, **fields})

    return Tracker(report)


def _name(error: BaseException | None) -> str | None:
    # The name alone: a message may quote a customer, or a credential.
    return type(error).__name__ if error is not None else None
