"""What is known of an endpoint: what the store said last, and on top what the store does not know."""

from itertools import permutations

import pytest

from exporter.core.breaker import AttemptReport
from exporter.core.delivery import Attempt, EndpointState
from exporter.outbox.lanes import Lanes
from exporter.store.database import Database
from exporter.store.outcomes import Outcome, record
from tests.outbox.parcels import KIND, NOW, parcel, put

LANE = (KIND, "crm")
FAILED = [AttemptReport(NOW + number, works=False) for number in range(3)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_whatever_order_threads_answer_the_newest_word_stays(order: tuple[int, ...]) -> None:
    lanes = Lanes()
    queue = lanes.queue(LANE)
    for report in FAILED:
        lanes.note(queue, report)
    for number in order:
        lanes.settle(queue, FAILED[number])
        lanes.learn(queue, EndpointState(failures=1 + number), 1 + number, 0)
    assert lanes.state(LANE).failures == 3


def test_what_was_read_before_another_wrote_is_no_news_and_after_it_is() -> None:
    lanes = Lanes()
    queue = lanes.queue(LANE)
    lanes.learn(queue, EndpointState(failures=2), 7, 0)
    lanes.learn(queue, EndpointState(), 0, 0)
    assert lanes.state(LANE).failures == 2
    lanes.learn(queue, EndpointState(), 0, lanes.learned)
    assert lanes.state(LANE).failures == 0


def test_a_word_that_is_old_takes_nothing_of_what_the_store_does_not_know() -> None:
    lanes = Lanes()
    queue = lanes.queue(LANE)
    for report in FAILED:
        lanes.note(queue, report)
    lanes.settle(queue, FAILED[1])
    lanes.learn(queue, EndpointState(failures=2), 2, 0)
    lanes.settle(queue, FAILED[0])
    lanes.learn(queue, EndpointState(failures=1), 1, 0)
    assert lanes.state(LANE).failures == 2 + 1


def test_a_word_of_a_writer_has_an_order_and_one_that_was_read_has_none(store: Database) -> None:
    put(store, [parcel(str(number)) for number in range(4)], owner="host:1:own")

    def order(name: int, *, works: bool) -> int:
        attempt = Attempt(str(name), 1, NOW + name, 0.1)
        outcome = Outcome(parcel(str(name)), "host:1:own", attempt, AttemptReport(NOW + name, works))
        with store.writing() as connection:
            (settled,) = record(connection, [outcome])
        return settled.order

    assert order(0, works=True) == 0, "no row, and none is needed"
    first, second, third = order(1, works=False), order(2, works=False), order(3, works=True)
    assert 0 < first < second < third
