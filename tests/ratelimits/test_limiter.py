"""The limiter with a real store: what is allowed, who is blocked, what is counted and reloaded."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from exporter.core.errors import StoreError
from exporter.core.ratelimit import APP, EVERY_POLICY, RateLimitPolicy, RateLimitSummary
from exporter.events._rate_limit_series import BLOCKS, REQUESTS
from exporter.ratelimits import blocks as block_room
from exporter.ratelimits import summaries as summary_room
from exporter.store.subjects.ratelimit_summaries import RateLimitWindow, statistics
from tests.ratelimits.desk import API, LOGIN, NOW, LimitDesk, configured, limit_desk
from tests.waiting import PATIENCE


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[LimitDesk]:
    async with limit_desk(tmp_path, API, LOGIN) as made:
        yield made


async def test_each_identifier_policy_and_tenant_has_a_window_of_its_own(desk: LimitDesk) -> None:
    assert await desk.allowed(12) == 10
    assert await desk.allowed(12, identifier="203.0.113.8") == 10
    assert (await desk.ask(LOGIN)).allowed
    assert (await desk.ask(tenant="acme")).allowed and not (await desk.ask()).allowed


async def test_a_refusal_says_when_the_same_would_be_allowed(desk: LimitDesk) -> None:
    await desk.allowed(10)
    refused = await desk.ask()
    assert (refused.allowed, refused.remaining, refused.why) == (False, 0, "limit")
    assert refused.retry_after == pytest.approx(60.0, abs=0.01)
    assert refused.reset == 120.0
    desk.now += refused.retry_after or 0
    assert (await desk.ask()).allowed


async def test_a_cost_counts_as_many_requests_and_a_look_as_none(desk: LimitDesk) -> None:
    assert (await desk.ask(cost=7)).remaining == 3
    assert not (await desk.ask(cost=4)).allowed
    look = await desk.ask(cost=0)
    assert look.allowed and look.remaining == 3
    assert desk.value(REQUESTS, "", "api", "/api/*") == 2


async def test_whoever_is_over_a_limit_with_block_for_is_blocked_until_then(desk: LimitDesk) -> None:
    assert await desk.allowed(3, LOGIN) == 3
    first = await desk.ask(LOGIN)
    assert (first.allowed, first.why, first.retry_after) == (False, "blocked", 600.0)
    assert desk.blocked() == [("login", "203.0.113.7")]
    desk.now += 599
    assert (await desk.ask(LOGIN)).retry_after == pytest.approx(1.0)
    assert (await desk.ask()).allowed, "another policy is not concerned"
    desk.now += 2
    assert (await desk.ask(LOGIN)).allowed and desk.blocked() == []
    (entry,) = desk.audit
    assert (entry.actor, entry.action, entry.resource) == ("exporter", "ratelimit.blocked", "ratelimit:login")
    assert "203.0.113.7" not in repr(entry)


async def test_a_look_blocks_nobody(desk: LimitDesk) -> None:
    await desk.allowed(3, LOGIN)
    assert not (await desk.ask(LOGIN, cost=0)).allowed and desk.blocked() == []


async def test_a_block_by_hand_holds_at_once_and_ends_with_an_empty_window(desk: LimitDesk) -> None:
    await desk.allowed(10)
    await desk.book.add(desk.block("203.0.113.7"))
    found = await desk.ask()
    assert (found.allowed, found.why, found.retry_after) == (False, "blocked", None)
    block = desk.book.exact("", "api", "203.0.113.7")
    assert block is not None
    await desk.limiter.unblock(block)
    assert (await desk.ask()).remaining == 9


async def test_a_block_by_hand_takes_the_place_of_one_that_a_limit_began_a_moment_ago(
    desk: LimitDesk,
) -> None:
    await desk.allowed(4, LOGIN)
    begun = desk.book.exact("", "login", "203.0.113.7")
    made = desk.block("203.0.113.7", "login")
    assert begun is not None and begun.automatic
    assert await desk.book.add(made) == begun
    await desk.limits.refresh()
    assert desk.book.blocks() == [made]


async def test_a_block_of_all_policies_holds_for_each_and_ends_for_each(desk: LimitDesk) -> None:
    await desk.allowed(10)
    block = desk.block("203.0.113.7", EVERY_POLICY, until=NOW + 60)
    await desk.book.add(block)
    assert not (await desk.ask()).allowed and not (await desk.ask(LOGIN)).allowed
    await desk.limiter.unblock(block)
    assert (await desk.ask()).allowed and (await desk.ask(LOGIN)).allowed


async def test_blocks_survive_a_restart_and_reach_replicas_that_share_the_store(tmp_path: Path) -> None:
    async with limit_desk(tmp_path, API, LOGIN) as first, limit_desk(tmp_path, API, LOGIN) as second:
        await first.book.add(first.block("192.0.2.1"))
        await first.allowed(4, LOGIN)
        await first.limits.refresh()
        await second.limits.refresh()
        assert sorted(second.blocked()) == [("api", "192.0.2.1"), ("login", "203.0.113.7")]
        block = second.book.exact("", "api", "192.0.2.1")
        assert block is not None
        await second.limiter.unblock(block)
        await first.limits.refresh()
        assert first.blocked() == [("login", "203.0.113.7")]
    async with limit_desk(tmp_path, API, LOGIN) as third:
        assert third.blocked() == [("login", "203.0.113.7")]
        third.now += 601
        await third.limits.refresh()
        assert await third.writer.read(lambda connection: _rows(connection)) == 0, "what is over is deleted"


async def test_what_another_replica_blocks_or_unblocks_is_said_once_by_tenant(tmp_path: Path) -> None:
    async with limit_desk(tmp_path, API) as first, limit_desk(tmp_path, API) as second:
        said: list[str] = []
        first.book.on_foreign = second.book.on_foreign = said.append
        await first.book.add(first.block("192.0.2.1"))
        await first.limits.refresh()
        assert said == [], "its own block is no news"
        await second.limits.refresh()
        await second.limits.refresh()
        assert said == [""]
        block = second.book.exact("", "api", "192.0.2.1")
        assert block is not None
        await second.limiter.unblock(block)
        await first.limits.refresh()
        await first.limits.refresh()
        assert said == ["", ""]


def _rows(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM ratelimit_block").scalar_one())


async def test_a_block_that_limits_began_is_kept_although_nobody_refreshed(tmp_path: Path) -> None:
    async with limit_desk(tmp_path, LOGIN) as desk:
        await desk.allowed(4, LOGIN)
    async with limit_desk(tmp_path, LOGIN) as desk:
        assert desk.blocked() == [("login", "203.0.113.7")]


async def test_limits_begin_so_many_blocks_and_no_more_and_people_as_many_as_they_like(
    desk: LimitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_room, "MOST_AUTOMATIC", 2)
    for name in ("a", "b", "c"):
        await desk.allowed(4, LOGIN, name)
    assert [name for _, name in sorted(desk.blocked())] == ["a", "b"]
    over = await desk.ask(LOGIN, "c")
    assert (over.allowed, over.why) == (False, "limit")
    await desk.book.add(desk.block("d"))
    assert len(desk.blocked()) == 3
    desk.now += 601
    await desk.limits.refresh()
    await desk.allowed(4, LOGIN, "c")
    assert ("login", "c") in desk.blocked(), "what is over makes room"


async def test_a_store_that_fails_refuses_changes_by_hand_and_nothing_else(
    desk: LimitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_any: object) -> None:
        raise StoreError("planted")

    monkeypatch.setattr(desk.commits, "write", fail)
    await desk.allowed(4, LOGIN)
    await desk.limits.refresh()
    assert desk.blocked() == [("login", "203.0.113.7")]
    with pytest.raises(StoreError):
        await desk.book.add(desk.block("192.0.2.1"))
    monkeypatch.undo()
    await desk.limits.refresh()
    assert await desk.writer.read(_rows) == 1, "it was put there later"


async def test_each_decision_is_counted_in_the_series_and_by_hour(desk: LimitDesk) -> None:
    await desk.allowed(12)
    await desk.ask(tenant="acme", scope=APP)
    assert desk.value(REQUESTS, "", "api", "/api/*") == 12
    assert desk.value(BLOCKS, "", "api", "/api/*") == 2
    assert desk.value(BLOCKS, "acme", "api", "/api/*") == 0, "there before the first block"
    desk.summaries.hand_over()
    assert await desk.writer.flush(PATIENCE)

    def read(connection: Connection) -> object:
        window = RateLimitWindow(0, int(NOW) + 3600, ("scope", "endpoint", "kind"))
        return dict(statistics(connection, window))

    assert await desk.writer.read(read) == {
        ("own", "/api/*", "address"): RateLimitSummary(10, 2, 0),
        ("app", "/api/*", "address"): RateLimitSummary(1, 0, 0),
    }


async def test_hours_of_any_number_of_tenants_stay_bounded(
    desk: LimitDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary_room, "MOST", 3)
    handed: list[object] = []
    monkeypatch.setattr(desk.summaries, "_submit", handed.append)
    for number in range(10):
        await desk.ask(tenant=f"t{number}")
    desk.summaries.hand_over()
    (batch,) = handed
    assert len(batch.summaries) == 3  # type: ignore[attr-defined]  # a batch of summaries


async def test_a_reload_changes_policies_and_leaves_windows_and_blocks(desk: LimitDesk) -> None:
    await desk.allowed(10)
    await desk.allowed(4, LOGIN)
    desk.limits.apply(configured(API))
    assert not (await desk.ask()).allowed and len(desk.book) == 1
    desk.limits.apply(configured())
    assert not desk.limiter.active
    desk.limits.apply(configured(API, LOGIN))
    assert not (await desk.ask()).allowed and not (await desk.ask(LOGIN)).allowed


async def test_the_switch_of_the_environment_turns_it_off(desk: LimitDesk) -> None:
    desk.limits.apply(configured(API, off=True))
    assert not desk.limiter.active and not list(desk.limiter.policies())


def test_what_is_before_the_first_wildcard_says_which_routes_a_policy_names() -> None:
    def fixed(endpoint: str) -> str:
        return RateLimitPolicy("p", endpoint, "address", 1, 1).fixed

    assert [fixed(one) for one in ("/api/*", "/metrics", "/we?hooks/*", "*", "/a[bc]")] == [
        *("/api/", "/metrics", "/we", "", "/a"),
    ]
