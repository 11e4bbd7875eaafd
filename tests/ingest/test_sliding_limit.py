"""How much a key may take in a sliding window."""

import pytest

from exporter.ingest.sliding_limit import SlidingLimit


def test_a_key_may_take_so_many_in_a_window_whatever_the_others_do() -> None:
    limit = SlidingLimit(60.0, 100)
    assert [limit.take("a", 1, 3, 0.0) for _ in range(4)] == [True, True, True, False]
    assert limit.take("b", 3, 3, 0.0)


@pytest.mark.parametrize(
    ("at", "room"), [(59.0, 0), (60.0, 0), (90.0, 5), (108.0, 8), (119.9, 9), (120.0, 10)]
)
def test_the_window_slides_what_was_taken_before_counts_by_its_share(at: float, room: int) -> None:
    limit = SlidingLimit(60.0, 100)
    assert limit.take("a", 10, 10, 59.0)
    assert sum(limit.take("a", 1, 10, at) for _ in range(20)) == room


def test_what_is_refused_is_not_counted_and_all_or_nothing_is_taken() -> None:
    limit = SlidingLimit(60.0, 100)
    assert limit.take("a", 8, 10, 0.0)
    assert not limit.take("a", 3, 10, 0.0)
    assert limit.take("a", 2, 10, 0.0)


def test_to_ask_for_room_takes_none_and_remembers_nobody() -> None:
    limit = SlidingLimit(60.0, 100)
    assert all(limit.take("a", 0, 1, 0.0) for _ in range(5))
    assert len(limit) == 0
    assert limit.take("a", 1, 1, 0.0) and not limit.take("a", 0, 1, 0.0)


def test_memory_is_bounded_and_the_key_that_took_nothing_for_longest_is_forgotten() -> None:
    limit = SlidingLimit(60.0, 3)
    for key in ("a", "b", "c", "a", "d"):
        assert limit.take(key, 1, 2, 0.0)
    assert len(limit) == 3
    assert not limit.take("a", 1, 2, 0.0), "a took something after b"
    assert limit.take("b", 2, 2, 0.0), "b was forgotten"
