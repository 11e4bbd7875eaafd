"""Sliding windows: what is left, when it is free again, and when the same request would be allowed."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.aio.storage import MemoryStorage, Storage

from exporter.core.ratelimit import RateLimitPolicy
from exporter.ratelimits.memory import BoundedMemoryStorage
from exporter.ratelimits.windows import WindowCount, Windows

NOW = 1_795_000_020.0
TEN = RateLimitPolicy("api", "/api/*", "address", 10, 60)


class Hands:
    def __init__(self) -> None:
        self.now = NOW
        self.storage = BoundedMemoryStorage(lambda: self.now)
        self.windows = Windows(self.storage)

    async def hit(self, cost: int = 1, policy: RateLimitPolicy = TEN) -> tuple[bool, WindowCount]:
        return await self.windows.hit(policy, "who", cost)


async def test_a_limit_is_reached_exactly_and_the_window_before_fades() -> None:
    hands = Hands()
    assert [(await hands.hit())[0] for _ in range(11)] == [True] * 10 + [False]
    hands.now += 60  # all of the window before counts
    assert (await hands.hit())[0] is False
    hands.now += 30  # half of it
    allowed, count = await hands.hit(5)
    assert allowed and (count.taken, count.remaining) == (10, 0)
    assert (await hands.hit())[0] is False
    hands.now += 60  # the first is forgotten, half of the second counts
    assert (await hands.windows.look(TEN, "who")).remaining == 10 - 2


async def test_what_is_refused_takes_nothing_and_a_look_takes_nothing() -> None:
    hands = Hands()
    await hands.hit(9)
    assert [(await hands.hit(2))[0] for _ in range(5)] == [False] * 5
    assert (await hands.windows.look(TEN, "who")).remaining == 1
    assert (await hands.windows.look(TEN, "another")).reset == 0.0 and len(hands.storage) == 1


async def test_a_limit_that_changes_begins_with_an_empty_window() -> None:
    hands = Hands()
    await hands.hit(10)
    wider = RateLimitPolicy("api", "/api/*", "address", 11, 60)
    assert (await hands.hit(11, wider))[0]


@given(
    amount=st.integers(1, 50),
    seconds=st.integers(1, 3600),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 10)), min_size=1, max_size=30),
    cost=st.integers(1, 10),
)
def test_who_waits_as_long_as_is_said_is_allowed_and_who_comes_earlier_is_not(
    amount: int, seconds: int, steps: list[tuple[float, int]], cost: int
) -> None:
    async def play() -> None:
        hands, policy = Hands(), RateLimitPolicy("p", "/", "key", amount, seconds)
        for share, taken in steps:
            hands.now += round(share * seconds, 2)
            await hands.hit(min(taken, amount), policy)
        wanted = min(cost, amount)
        count = await hands.windows.look(policy, "who")
        wait = count.wait(wanted)
        if wait:
            before = hands.now
            hands.now = before + wait - 0.01
            if hands.now > before:
                assert (await hands.windows.look(policy, "who")).remaining < wanted
            hands.now = before + wait
        assert (await hands.hit(wanted, policy))[0]
        hands.now += (await hands.windows.look(policy, "who")).reset
        assert (await hands.windows.look(policy, "who")).remaining == amount

    asyncio.run(play())


async def test_our_storage_counts_as_that_of_the_library_does() -> None:
    policy = RateLimitPolicy("p", "/", "key", 5, 3600)
    theirs, ours = Windows(MemoryStorage()), Windows(BoundedMemoryStorage())
    for cost in (1, 3, 2, 1, 1):
        (allowed, one), (also, two) = await theirs.hit(policy, "a", cost), await ours.hit(policy, "a", cost)
        assert allowed == also
        assert (one.previous, one.current, one.remaining) == (two.previous, two.current, two.remaining)
        assert one.left == pytest.approx(two.left, abs=5)


def test_a_storage_without_sliding_windows_is_refused() -> None:
    class Fixed(BoundedMemoryStorage):
        pass

    assert isinstance(Fixed(), Storage)
    with pytest.raises(TypeError, match="no sliding windows"):
        Windows(object())  # type: ignore[arg-type]  # what a mistake would hand in


async def test_of_too_many_identifiers_those_are_forgotten_that_took_nothing_for_longest() -> None:
    storage = BoundedMemoryStorage(lambda: NOW, most_keys=3)
    windows = Windows(storage)
    for name in ("a", "b", "c", "a", "d"):
        await windows.hit(TEN, name, 1)
    assert len(storage) == 3
    taken = {name: (await windows.look(TEN, name)).taken for name in "abcd"}
    assert taken == {"a": 2, "b": 0, "c": 1, "d": 1}


async def test_windows_that_count_no_longer_are_swept_and_those_that_do_stay() -> None:
    hands = Hands()
    day = RateLimitPolicy("day", "/", "address", 10, 86_400)
    await hands.windows.hit(day, "long", 1)
    for number in range(5):
        await hands.windows.hit(TEN, str(number), 1)
    hands.now += 119
    hands.storage.sweep()
    assert len(hands.storage) == 6
    hands.now += 1
    hands.storage.sweep()
    assert len(hands.storage) == 1 and (await hands.windows.look(day, "long")).taken == 1
