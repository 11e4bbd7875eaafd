"""The guard: a storage that fails costs the requests of one moment a tenth of a second, and no error."""

import asyncio
import threading
import time

import pytest

from exporter.ratelimits.guard import AT_ONCE, LimitStorageError, StorageGuard
from tests.waiting import PATIENCE


class Made:
    """A storage that does as the test says."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.hangs = False

    async def __call__(self) -> str:
        self.calls += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.error:
            raise self.error
        return "fine"


@pytest.mark.parametrize("error", [OSError("planted"), ValueError("planted"), TimeoutError("planted")])
async def test_whatever_goes_wrong_is_one_kind_of_failure_and_counted(error: Exception) -> None:
    guard, storage = StorageGuard(PATIENCE), Made()
    assert await guard.call(storage) == "fine" and guard.healthy
    storage.error = error
    with pytest.raises(LimitStorageError):
        await guard.call(storage)
    assert (guard.healthy, guard.failed) == (False, 1)


async def test_after_a_failure_nothing_is_asked_until_a_trial_succeeds() -> None:
    guard, storage = StorageGuard(PATIENCE), Made()
    storage.error = OSError("planted")
    for _ in range(5):
        with pytest.raises(LimitStorageError):
            await guard.call(storage)
    assert (storage.calls, guard.failed) == (1, 1)
    with pytest.raises(LimitStorageError):
        await guard.call(storage, trial=True)
    assert storage.calls == 2
    storage.error = None
    assert await guard.call(storage, trial=True) == "fine" and guard.healthy
    assert await guard.call(storage) == "fine"


async def test_one_that_hangs_is_cut_off_and_those_behind_it_do_not_wait() -> None:
    guard, storage = StorageGuard(0.01), Made()
    storage.hangs = True
    many = [guard.call(storage) for _ in range(AT_ONCE + 500)]
    found = await asyncio.gather(*many, return_exceptions=True)
    assert all(isinstance(one, LimitStorageError) for one in found)
    assert storage.calls == guard.failed == AT_ONCE


async def test_an_answer_that_came_while_the_loop_stood_still_is_no_failure() -> None:
    guard, loop = StorageGuard(0.05), asyncio.get_running_loop()

    async def ask() -> str:
        answer: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(answer.set_result, "fine"))
        thread.start()
        thread.join()
        time.sleep(0.1)  # noqa: ASYNC251 - what stands still here is the loop
        return await answer

    assert await guard.call(ask) == "fine" and guard.healthy


async def test_a_request_that_is_given_up_is_no_failure_of_the_storage() -> None:
    guard, storage = StorageGuard(PATIENCE), Made()
    storage.hangs = True
    task = asyncio.create_task(guard.call(storage))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert guard.healthy and not guard.failed
