"""What every store must do; a second database joins by one more line in URLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config.store_settings import DEFAULT_RETENTION
from exporter.core.errors import StoreError
from exporter.core.reason import Reason
from exporter.core.store import Batch, Failure, Snapshot, StateChange, Store
from exporter.store.sql import PORTION, SqlStore
from exporter.store.tables import LASTING, METADATA, RETAINED
from tests.store.records import KEY, change, failure, snapshot, whole_batch

URLS = ["sqlite:///{directory}/state.db"]


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    found: str = request.param.format(directory=tmp_path)
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = SqlStore(url)
    made.open()
    yield made
    made.close()


def test_a_new_store_is_empty(store: Store) -> None:
    assert list(store.load()) == []
    assert list(store.changes()) == []
    assert list(store.failures()) == []


def test_what_was_written_comes_back_after_a_restart(store: Store, url: str) -> None:
    store.write(Batch({KEY: snapshot(failures=3)}, [change(1.0)], [failure(2.0)]))
    store.close()
    again = SqlStore(url)
    again.open()
    assert list(again.load()) == [snapshot(failures=3)]
    assert list(again.changes()) == [change(1.0)]
    assert list(again.failures()) == [failure(2.0)]
    again.close()


def test_the_newest_state_of_a_target_stands(store: Store) -> None:
    other = ("payments", "")
    store.write(Batch({KEY: snapshot(), other: snapshot(other)}))
    store.write(Batch({KEY: snapshot(failures=2)}))
    assert {found.key: found.failures for found in store.load()} == {KEY: 2, other: 0}


def test_a_forgotten_target_leaves_its_history(store: Store) -> None:
    store.write(Batch({KEY: snapshot()}, [change(1.0)]))
    store.write(Batch(forget={KEY, ("never", "known")}))
    assert list(store.load()) == []
    assert list(store.changes()) == [change(1.0)]


def test_a_target_that_went_and_came_in_one_batch_is_there(store: Store) -> None:
    store.write(Batch({KEY: snapshot()}))
    store.write(Batch({KEY: snapshot(failures=1)}, forget={KEY}))
    assert list(store.load()) == [snapshot(failures=1)]


def test_the_newest_come_first_and_only_so_many(store: Store) -> None:
    other = ("mail", "")
    store.write(Batch(changes=[change(2.0), change(1.0, other), change(3.0)]))
    store.write(Batch(failures=[failure(at) for at in (1.0, 3.0, 3.0)] + [failure(9.0, other)]))
    assert [found.at for found in store.changes()] == [3.0, 2.0, 1.0]
    assert [found.at for found in store.changes(limit=1)] == [3.0]
    assert [found.at for found in store.changes(key=KEY)] == [3.0, 2.0]
    assert [found.at for found in store.failures(key=KEY, limit=2)] == [3.0, 3.0]
    assert list(store.failures(key=("none", ""))) == []


def test_retention_goes_by_table(store: Store) -> None:
    store.write(
        Batch({KEY: snapshot()}, [change(at) for at in (10.0, 90.0)], [failure(at) for at in (10.0, 90.0)])
    )
    assert store.retain({"webhooks": 1.0}, now=100.0) == 0
    assert store.retain({"checks": 50.0}, now=100.0) == 1
    assert [found.at for found in store.changes()] == [90.0]
    assert len(list(store.failures())) == 2
    assert store.retain({"checks": 1.0, "errors": 1.0}, now=100.0) == 3
    assert len(list(store.load())) == 1


def test_retention_of_many_rows_deletes_them_all_in_portions(store: Store) -> None:
    store.write(Batch(changes=[change(float(at)) for at in range(12_000)]))
    portions: list[int] = []
    while portions[-1:] != [0]:
        portions.append(store.retain({"checks": 0.0}, now=11_999.0))
    assert sum(portions) == 11_999
    assert max(portions) <= PORTION
    assert len(list(store.changes(limit=20_000))) == 1


def test_every_table_is_kept_for_a_time_that_somebody_set_or_for_good_reason() -> None:
    retained = [table for tables in RETAINED.values() for table in tables]
    assert {*retained, *LASTING} == set(METADATA.tables.values())
    assert len({*retained, *LASTING}) == len([*retained, *LASTING])
    assert RETAINED.keys() <= DEFAULT_RETENTION.keys()


def test_a_batch_with_one_bad_record_leaves_nothing(store: Store) -> None:
    bad = whole_batch(1)
    bad.failures.append(failure(None))  # type: ignore[arg-type]  # a mistake that the types would catch
    with pytest.raises(StoreError):
        store.write(bad)
    assert list(store.load()) == []
    assert list(store.changes()) == []
    store.write(whole_batch(2))
    assert len(list(store.load())) == 50


def test_what_no_database_takes_costs_a_sign_and_no_batch(store: Store) -> None:
    odd = StateChange(1.0, KEY, "stripe", "connected", "error", Reason.BUG, "nul \0 half \ud800")
    state = Snapshot(
        KEY, "stripe", "error", Reason.BUG, "", 1.0, None, None, 1, answers={"k": (1.0, object())}
    )
    log = Failure(1.0, KEY, "stripe", Reason.BUG, "", 0.0, None, ((0.0, "half \ud800 nul \0"),))
    store.write(Batch({KEY: state}, [odd], [log]))
    assert [found.detail for found in store.changes()] == ["nul \N{REPLACEMENT CHARACTER} half ?"]
    assert [found.answers for found in store.load()] == [{}]
    assert list(store.failures()) == [log]


def test_a_store_that_is_not_open_says_so(url: str) -> None:
    store = SqlStore(url)
    with pytest.raises(StoreError, match="not open"):
        store.load()
    store.close()


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
times = st.floats(-1e12, 1e12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
snapshots = st.builds(
    Snapshot,
    key=st.tuples(texts, texts),
    provider=texts,
    status=texts,
    reason=st.none() | st.sampled_from(Reason),
    detail=texts,
    since=times,
    last_run=st.none() | times,
    last_success=st.none() | times,
    failures=st.integers(0, 2**62),
    until=st.none() | times,
    facts=st.lists(
        st.tuples(texts, st.lists(texts, max_size=2).map(tuple), st.floats(allow_nan=False)), max_size=3
    ).map(tuple),
    answers=st.dictionaries(texts, st.tuples(times, json_values), max_size=3),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(snapshots, max_size=4, unique_by=lambda one: one.key))
def test_every_snapshot_comes_back_as_it_was(store: Store, found: list[Snapshot]) -> None:
    store.write(Batch({one.key: one for one in found}))
    assert sorted(store.load(), key=lambda one: one.key) == sorted(found, key=lambda one: one.key)
    store.write(Batch(forget={one.key for one in found}))
