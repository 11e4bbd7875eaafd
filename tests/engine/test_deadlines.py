"""Deadlines: blocks that take too long are cut, each at its own time, by one timer for all of one length."""

import asyncio

import pytest

from exporter.engine.deadlines import Deadlines, RunDeadline


async def never() -> None:
    await asyncio.Event().wait()


async def cut(deadlines: Deadlines, seconds: float) -> RunDeadline:
    with pytest.raises(TimeoutError), deadlines.within(seconds) as deadline:
        await never()
    return deadline


async def test_a_block_that_takes_too_long_is_cut_and_the_task_goes_on() -> None:
    deadline = await cut(Deadlines(), 0.01)
    assert deadline.expired and deadline.over
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_block_that_ends_in_time_is_left_alone_and_its_result_kept() -> None:
    deadlines = Deadlines()
    with deadlines.within(60) as deadline:
        await asyncio.sleep(0)
    assert deadline.over and not deadline.expired


async def test_an_error_of_the_block_is_passed_on() -> None:
    with pytest.raises(KeyError), Deadlines().within(60):
        raise KeyError


async def test_a_block_that_outlives_its_cancellation_ends_as_it_likes() -> None:
    with Deadlines().within(0.01) as deadline, pytest.raises(asyncio.CancelledError):
        await never()
    assert deadline.expired


@pytest.mark.parametrize("late", [False, True])
async def test_cancellation_from_elsewhere_is_passed_on_though_the_time_is_over_too(late: bool) -> None:
    started: list[RunDeadline] = []

    async def work() -> None:
        with Deadlines().within(60) as deadline:
            started.append(deadline)
            await never()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    if late:
        started[0].expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started[0].expired is late


async def test_each_length_has_its_own_order() -> None:
    deadlines, ends = Deadlines(), list[float]()

    async def work(seconds: float) -> None:
        await cut(deadlines, seconds)
        ends.append(seconds)

    await asyncio.gather(work(0.3), work(0.1), work(0.2), work(0.1))
    assert ends == [0.1, 0.1, 0.2, 0.3]


async def test_many_blocks_of_one_length_share_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, timers = asyncio.get_running_loop(), list[float]()
    arm = loop.call_at

    def count(when: float, *rest: object) -> object:
        timers.append(when)
        return arm(when, *rest)  # type: ignore[arg-type]  # as it was called

    deadlines = Deadlines()
    monkeypatch.setattr(loop, "call_at", count)
    for _ in range(100):
        with deadlines.within(60):
            await asyncio.sleep(0)
    assert len(timers) == 1


async def test_a_block_that_begins_long_after_the_first_of_its_length_is_cut_too() -> None:
    deadlines = Deadlines()
    with deadlines.within(0.2):
        pass
    await asyncio.sleep(0.02)  # so that the timer of the first is due before the second
    assert (await cut(deadlines, 0.2)).expired
    assert (await cut(deadlines, 0.2)).expired  # and one that begins when there is no other
