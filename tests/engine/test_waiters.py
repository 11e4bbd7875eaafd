"""Callers that wait for a run: each is answered once, and one that gave up disturbs nobody."""

import asyncio

import pytest

from exporter.core.errors import Deferred
from exporter.core.probe import Result
from exporter.engine.waiters import Waiters

KEY, OTHER = ("payments", "acme"), ("payments", "globex")
RESULT = Result(1.0, 0.1)


async def test_all_who_wait_for_a_target_get_the_result_and_nobody_waits_any_more() -> None:
    waiters = Waiters()
    futures = [waiters.add(KEY), waiters.add(KEY)]
    assert KEY in waiters and OTHER not in waiters
    waiters.resolve(KEY, RESULT)
    assert [future.result() for future in futures] == [RESULT, RESULT]
    assert KEY not in waiters


async def test_one_target_is_answered_and_those_who_wait_for_another_wait_on() -> None:
    waiters = Waiters()
    here, there = waiters.add(KEY), waiters.add(OTHER)
    waiters.reject(KEY, Deferred(3.0, "later"))
    with pytest.raises(Deferred, match="later"):
        await here
    assert not there.done() and OTHER in waiters


async def test_a_caller_that_gave_up_is_left_out() -> None:
    waiters = Waiters()
    gone, stays = waiters.add(KEY), waiters.add(KEY)
    gone.cancel()
    waiters.resolve(KEY, RESULT)
    assert gone.cancelled() and stays.result() is RESULT


async def test_a_stop_answers_everybody() -> None:
    waiters = Waiters()
    futures = [waiters.add(KEY), waiters.add(OTHER)]
    waiters.reject_all(Deferred(0.0, "the exporter is stopping"))
    found = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(one) for one in found] == [Deferred, Deferred]
    waiters.resolve(KEY, RESULT)  # nobody is left
