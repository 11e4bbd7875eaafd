"""What waits for the store: joined by target and hour, bounded by kind, and counted."""

from exporter.core.summary import HOUR
from exporter.store.batch import MOST
from exporter.store.check_batch import CheckBatch
from tests.store.records import KEY, change, failure, snapshot, summaries, summary

OTHER = ("mail", "")


def test_summaries_of_one_target_and_hour_become_one_and_others_stay_apart() -> None:
    waiting = CheckBatch(summaries=summaries(summary(1, durations=(0.1,), reasons=("dns",))))
    for made, key in ((summary(1, durations=(0.1, 0.2)), KEY), (summary(2), KEY), (summary(1), OTHER)):
        waiting.merge(CheckBatch(summaries=summaries(made, key)))
        assert waiting.cut(MOST) == 0
    assert waiting.summaries.keys() == {(KEY, HOUR), (KEY, 2 * HOUR), (OTHER, HOUR)}
    joined = waiting.summaries[KEY, HOUR]
    assert (joined.runs, joined.failed, joined.seconds) == (4, 1, 120.0)


def test_a_first_summary_counts_once() -> None:
    waiting = CheckBatch()
    waiting.merge(CheckBatch(summaries=summaries(summary(1, durations=(0.1,)))))
    assert waiting.summaries[KEY, HOUR].runs == 1


def test_the_oldest_of_each_kind_are_dropped_and_all_of_them_counted() -> None:
    waiting = CheckBatch()
    one = summary(1)
    newer = CheckBatch(
        changes=[change(float(at)) for at in range(5_001)],
        failures=[failure(float(at)) for at in range(5_010)],
        summaries={(("calendar", str(number)), HOUR): one for number in range(100_100)},
    )
    waiting.merge(newer)
    assert waiting.cut(MOST) == 1 + 10 + 100
    assert (waiting.changes[0].at, len(waiting.changes)) == (1.0, 5_000)
    assert (waiting.failures[0].at, len(waiting.failures)) == (10.0, 5_000)
    assert (next(iter(waiting.summaries))[0][1], len(waiting.summaries)) == ("100", 100_000)
    waiting.merge(CheckBatch())
    assert waiting.cut(MOST) == 0


def test_the_size_of_a_batch_is_what_would_be_lost_with_it() -> None:
    batch = CheckBatch({KEY: snapshot()}, [change(1.0)] * 2, [failure(1.0)] * 4, {OTHER})
    batch.summaries = {((f"i{number}", ""), HOUR): summary(1) for number in range(8)}
    assert batch.size == 1 + 2 + 4 + 8
