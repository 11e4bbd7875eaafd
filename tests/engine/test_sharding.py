"""Targets are split by a hash that every process agrees on, and that moves few when a shard is added."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.alerts.measures import LATENCY
from exporter.core.configuration import Configuration
from exporter.core.probe import Allowance, Target
from exporter.core.secret import Secret
from exporter.core.severity import Severity
from exporter.core.threshold import Threshold
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.sharding import part_of, shard_of
from tests.clock import HandClock
from tests.engine.making import MadeOptions, NoNetwork, made_configuration, made_probe, made_target
from tests.engine.stage import Kept


def tenants(number: int, **more: object) -> list[Target]:
    return [made_target("payments", f"t{n}", **more) for n in range(number)]  # type: ignore[arg-type]


def parts(configuration: Configuration, count: int) -> list[Configuration]:
    return [part_of(configuration, index, count) for index in range(count)]


def test_where_a_name_is_never_changes() -> None:
    """Another hash in a new version would move every target to another process with another store."""
    names = [f"target\0payments\0t{n}".encode() for n in range(12)]
    assert [shard_of(name, 3) for name in names] == [0, 0, 2, 0, 0, 0, 0, 0, 2, 2, 2, 1]
    assert [shard_of(name, 20) for name in names] == [19, 7, 2, 19, 13, 6, 6, 0, 13, 19, 12, 4]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 30])
def test_every_target_is_on_one_shard_and_the_shards_are_about_even(count: int) -> None:
    whole = made_configuration(tenants(3000))
    found = Counter(key for part in parts(whole, count) for key in part.targets)
    assert found == Counter(dict.fromkeys(whole.targets, 1))
    for part in parts(whole, count):
        assert 0.7 * 3000 / count < len(part.targets) < 1.3 * 3000 / count
        assert part.targets.keys() | part.shard.elsewhere == whole.targets.keys()


def test_one_shard_more_takes_its_share_and_moves_nothing_else() -> None:
    names = [str(number).encode() for number in range(4000)]
    for few, more in pairwise((1, 2, 3, 4, 8, 9)):
        places = [(shard_of(name, few), shard_of(name, more)) for name in names]
        moved = [after for before, after in places if before != after]
        assert all(after >= few for after in moved)
        assert len(moved) == pytest.approx(4000 * (more - few) / more, rel=0.15)


def test_the_order_of_the_file_is_kept() -> None:
    whole = made_configuration(tenants(50))
    for part in parts(whole, 3):
        assert list(part.targets) == [key for key in whole.targets if key in part.targets]


ALLOWED = made_probe(allowance=Allowance(1000.0, "made"))


def test_targets_that_share_an_allowance_stay_together() -> None:
    """Otherwise each shard would spend the whole of it."""
    for count in (2, 5):
        for secret in ("one", "two", "three"):
            targets = tenants(40, probe=ALLOWED, options=MadeOptions(secret_key=Secret(secret)))
            assert sorted(len(part.targets) for part in parts(made_configuration(targets), count))[-1] == 40


@pytest.mark.parametrize("over_budget", [True, False])
def test_targets_without_an_allowance_to_keep_are_spread(over_budget: bool) -> None:
    probe = ALLOWED if over_budget else made_probe()
    targets = [replace(target, over_budget=over_budget) for target in tenants(40, probe=probe)]
    assert all(len(part.targets) > 5 for part in parts(made_configuration(targets), 2))


def threshold(tenant: str) -> Threshold:
    return Threshold(LATENCY, "payments", "made", tenant, Severity.HIGH, 3.0)


def test_defaults_are_on_every_shard_and_overrides_where_their_target_is() -> None:
    targets = tenants(20)
    whole = replace(
        made_configuration(targets), thresholds=(threshold(""), *(threshold(one.tenant) for one in targets))
    )
    for part in parts(whole, 3):
        assert part.integrations == whole.integrations
        assert [one.tenant for one in part.thresholds] == ["", *(tenant for _, tenant in part.targets)]


async def test_the_state_of_what_another_shard_serves_is_not_deleted() -> None:
    kept = Kept()
    engine = Engine(NoNetwork(), HandClock(), kept, SelfMetrics())
    whole = made_configuration(tenants(10))
    engine.apply(whole)
    half = part_of(whole, 0, 2)
    engine.apply(half)
    assert kept.batches[-1].forget == set()
    assert {state.target.key for state in engine.board} == half.targets.keys()
    engine.apply(part_of(made_configuration(tenants(5)), 0, 2))
    assert kept.batches[-1].forget == {key for key in half.targets if int(key[1][1:]) >= 5}
    await engine.stop(0.0)


async def test_a_restart_as_a_shard_keeps_the_rows_of_the_others() -> None:
    whole = made_configuration(tenants(10))
    first = Kept()
    alone = Engine(NoNetwork(), HandClock(), first, SelfMetrics())
    alone.apply(whole)
    await alone.stop(0.0)
    known = list(first.snapshots().values())
    assert len(known) >= 10
    kept = Kept()
    again = Engine(NoNetwork(), HandClock(), kept, SelfMetrics())
    again.remember(known)
    again.apply(part_of(made_configuration(tenants(9)), 1, 2))
    assert kept.batches[0].forget == {("payments", "t9")}
    await again.stop(0.0)
