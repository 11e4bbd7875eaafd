"""Runs a blocking call off the event loop, in a thread that nothing needs to wait for."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def in_thread(call: Callable[[], T], done: Callable[[], None] = lambda: None) -> "asyncio.Future[T]":
    """Run `call` in a daemon thread; the future gets what it returns or raises, `done` then runs on the loop.

    The loop's own thread pool is not used: the interpreter would wait for it at its end, also for a disk that
    never answers.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        done()
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]  # without an error it is the T that call returned

    def work() -> None:
        value: T | None = None
        failed: BaseException | None = None
        try:
            value = call()
        except Exception as error:  # noqa: BLE001  # handed to the caller that awaits the future
            failed = error
        with suppress(RuntimeError):  # the loop has ended meanwhile, and with it the caller
            loop.call_soon_threadsafe(settle, value, failed)

    threading.Thread(target=work, name="store-read", daemon=True).start()
    return future
