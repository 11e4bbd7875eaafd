"""What changed can be joined and compressed before it is asked for, and the body is the same."""

import asyncio
import gzip

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core import common_metrics
from exporter.exposition import Exposition
from exporter.exposition.shards import SLOTS
from tests.exposition.bodies import BLOCKS, Put, filled, puts, tenant


@settings(max_examples=60, deadline=None)
@given(found=puts, later=puts, openmetrics=st.booleans(), quiet=st.booleans())
def test_a_body_that_settled_first_is_the_one_that_did_not(
    found: list[Put], later: list[Put], openmetrics: bool, quiet: bool
) -> None:
    exposition, straight = filled(found), filled(found)
    for one in exposition.settle(openmetrics=openmetrics, quiet=quiet):
        assert one is None
    for number, (common, samples) in enumerate(later):
        for each in (exposition, straight):
            each.put(number, common, samples)
    for _ in exposition.settle(openmetrics=openmetrics, quiet=quiet):
        pass
    body = straight.render(openmetrics, False)
    assert gzip.decompress(exposition.render(openmetrics, True)) == body
    assert gzip.decompress(asyncio.run(exposition.render_async(openmetrics, True))) == body


def test_what_settled_leaves_the_scrape_nothing_to_join_until_it_changes_again() -> None:
    exposition = Exposition()
    for number in range(3 * SLOTS):
        exposition.put(number, tenant(number), [(BLOCKS, (), 1.0)])
    assert exposition.unsettled == 3
    list(exposition.settle(openmetrics=True))
    assert exposition.unsettled == 0
    exposition.move(SLOTS, [(BLOCKS.name, (2.0,))])
    assert exposition.unsettled == 1


def test_what_changed_since_the_last_look_is_left_where_only_quiet_shards_are_wanted() -> None:
    exposition = Exposition()
    for number in range(2 * SLOTS):
        exposition.put(number, tenant(number), [(BLOCKS, (), 1.0)])
    list(exposition.settle(openmetrics=True, quiet=True))
    assert exposition.unsettled == 2
    exposition.move(0, [(BLOCKS.name, (2.0,))])
    list(exposition.settle(openmetrics=True, quiet=True))
    assert exposition.unsettled == 1
    list(exposition.settle(openmetrics=True, quiet=True))
    assert exposition.unsettled == 0


def test_a_scrape_between_two_steps_takes_what_is_left() -> None:
    exposition = Exposition()
    for number in range(3 * SLOTS):
        exposition.put(number, tenant(number), [(BLOCKS, (), 1.0)])
    steps = exposition.settle(openmetrics=False)
    next(steps)
    body = exposition.render(False, False)
    assert list(steps) == []
    assert exposition.render(False, False) == body


def test_keys_of_another_pace_share_no_shard_so_that_few_change_with_those_that_change_often() -> None:
    exposition = Exposition()
    for number in range(4 * SLOTS):
        exposition.put(number, tenant(number), [(common_metrics.SUCCESS, (), 1.0)], pace=number % 2)
    list(exposition.settle(openmetrics=True))
    for number in range(0, 4 * SLOTS, 2):
        exposition.move(number, [(common_metrics.SUCCESS.name, (0.0,))])
    assert exposition.unsettled == 2
    assert exposition.counts() == {common_metrics.SUCCESS.name: 4 * SLOTS}


def test_a_place_that_a_key_left_goes_to_the_next_one_of_its_pace() -> None:
    exposition = Exposition()
    for number in range(SLOTS):
        exposition.put(number, tenant(number), [(BLOCKS, (), 1.0)], pace=number % 2)
    exposition.drop(2)
    exposition.put("odd", tenant(SLOTS), [(BLOCKS, (), 1.0)], pace=1)
    exposition.put("even", tenant(SLOTS + 1), [(BLOCKS, (), 1.0)], pace=0)
    lines = [line for line in exposition.render(False, False).decode().splitlines() if line[0] != "#"]
    # Of its own pace and in the place of the one that went: before what came later.
    assert lines[1] == f"{BLOCKS.name}{{{_inside(SLOTS + 1)}}} 1.0"
    assert f"{BLOCKS.name}{{{_inside(SLOTS)}}} 1.0" in lines


def _inside(number: int) -> str:
    return ",".join(f'{name}="{value}"' for name, value in sorted(tenant(number)))
