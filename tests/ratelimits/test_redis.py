"""A real Redis: replicas share windows and blocks; while it is gone, nothing waits and nothing fails."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.core.ratelimit import RateLimitPolicy
from tests.ratelimits.desk import API, LOGIN, LimitDesk, configured, limit_desk
from tests.servers.redis import PASSWORD, RedisProcess, redis_server
from tests.waiting import PATIENCE

HOUR = RateLimitPolicy("hour", "/api/*", "address", 10, 3600)
"""A window that does not end while a test runs: Redis has hands of its own."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    home = tmp_path / "redis"
    home.mkdir()
    with redis_server(home) as made:
        yield made


async def recover(desk: LimitDesk) -> None:
    """Try as the task does, until Redis answers."""
    async with asyncio.timeout(PATIENCE):
        while not desk.limits.guard.healthy:
            await asyncio.sleep(0.005)
            await desk.limits.refresh()


def folder(path: Path, name: str) -> Path:
    found = path / name
    found.mkdir()
    return found


async def test_two_replicas_share_windows_and_blocks(redis: RedisProcess, tmp_path: Path) -> None:
    a, b = folder(tmp_path, "a"), folder(tmp_path, "b")
    policies = (HOUR, LOGIN)
    async with (
        limit_desk(a, *policies, redis=redis.url) as one,
        limit_desk(b, *policies, redis=redis.url) as two,
    ):
        assert await one.allowed(6, HOUR) + await two.allowed(6, HOUR) == 10
        refused = await two.ask(HOUR)
        assert refused.why == "limit" and 3000 < (refused.retry_after or 0) <= 3601
        await one.allowed(4, LOGIN)
        first = one.block("192.0.2.1", "hour", one.now + 60)
        assert await one.book.add(first) is None
        assert await two.book.add(two.block("192.0.2.1", "hour")) == first, "also before it is known here"
        await one.limits.refresh()
        await two.limits.refresh()
        assert sorted(two.blocked()) == [("hour", "192.0.2.1"), ("login", "203.0.113.7")]
        assert (await two.ask(HOUR, "192.0.2.1")).why == "blocked"
        block = two.book.exact("", "login", "203.0.113.7")
        assert block is not None
        await two.limiter.unblock(block)
        await one.limits.refresh()
        assert one.blocked() == [("hour", "192.0.2.1")]
        assert (await one.ask(LOGIN)).remaining == 2, "its window is empty again"
    async with limit_desk(a, *policies, redis=redis.url) as again:
        assert again.blocked() == [("hour", "192.0.2.1")], "a restart finds it"


async def test_no_identifier_is_written_there_but_of_who_is_blocked(
    redis: RedisProcess, tmp_path: Path
) -> None:
    async with limit_desk(tmp_path, HOUR, redis=redis.url) as desk:
        await desk.ask(HOUR, "203.0.113.99")
        server = desk.limits._server
        assert server is not None
        keys = [key.decode() for key in await server.client.keys("*")]
        assert keys and all(key.startswith("integration-exporter:ratelimits:") for key in keys)
        assert not any("203.0.113.99" in key for key in keys)


@pytest.mark.parametrize("fails", ["allow", "block"])
async def test_a_redis_that_is_killed_means_what_was_configured_and_comes_back(
    redis: RedisProcess, tmp_path: Path, fails: str
) -> None:
    async with limit_desk(tmp_path, HOUR, LOGIN, redis=redis.url, fails=fails) as desk:
        await desk.allowed(10, HOUR)
        await desk.book.add(desk.block("192.0.2.1", "hour"))
        await desk.limits.refresh()
        redis.kill()
        with capture_logs() as logs:
            for _ in range(20):
                decision = await desk.ask(HOUR)
                assert (decision.allowed, decision.why) == (fails == "allow", "storage")
        assert [line["log_level"] for line in logs] == ["error"], "once for the episode"
        assert PASSWORD not in repr(logs) and str(redis.port) not in repr(logs)
        assert desk.limits.guard.failed == 1, "after the first, nobody asks it"
        assert (await desk.ask(HOUR, "192.0.2.1")).why == "blocked", "who is blocked stays it"
        await desk.limits.refresh()
        assert desk.limits.guard.failed == 2 and not desk.limits.guard.healthy
        redis.start()
        await recover(desk)
        assert await desk.allowed(12, HOUR) == 10, "it knows nothing of before"
        assert desk.blocked() == [("hour", "192.0.2.1")]
    async with limit_desk(folder(tmp_path, "b"), HOUR, redis=redis.url) as other:
        await other.limits.refresh()
        assert other.blocked() == [("hour", "192.0.2.1")], "what was lost was put there again"


async def test_a_redis_that_hangs_costs_one_timeout(redis: RedisProcess, tmp_path: Path) -> None:
    async with limit_desk(tmp_path, HOUR, redis=redis.url) as desk:
        assert (await desk.ask(HOUR)).why == ""
        desk.limits.apply(configured(HOUR, redis=redis.url, timeout=0.05))
        redis.signal(signal.SIGSTOP)
        found = await asyncio.gather(*(desk.ask(HOUR, str(number)) for number in range(300)))
        assert {(one.allowed, one.why) for one in found} == {(True, "storage")}
        assert desk.limits.guard.failed <= 32, "as many as were under way"
        redis.signal(signal.SIGCONT)
        desk.limits.apply(configured(HOUR, redis=redis.url))
        assert (await desk.ask(HOUR)).why == ""


async def test_a_wrong_password_is_a_storage_that_fails(redis: RedisProcess, tmp_path: Path) -> None:
    url = redis.url.replace(PASSWORD, "wrong")
    async with limit_desk(tmp_path, HOUR, redis=url) as desk:
        assert (await desk.ask(HOUR)).why == "storage"


async def test_another_storage_after_a_reload_gets_the_blocks(redis: RedisProcess, tmp_path: Path) -> None:
    async with limit_desk(tmp_path, API) as desk:
        await desk.book.add(desk.block("192.0.2.1"))
        desk.limits.apply(configured(API, redis=redis.url))
        await desk.limits.refresh()
        assert desk.blocked() == [("api", "192.0.2.1")]
        async with limit_desk(folder(tmp_path, "b"), API, redis=redis.url) as other:
            await other.limits.refresh()
            assert other.blocked() == [("api", "192.0.2.1")]


async def test_a_burst_of_questions_needs_few_connections(redis: RedisProcess, tmp_path: Path) -> None:
    policy = RateLimitPolicy("wide", "/api/*", "address", 300, 3600)
    async with limit_desk(tmp_path, policy, redis=redis.url) as desk:
        # The machine may be slow: a failure of the storage would allow more.
        found = await asyncio.gather(*(desk.ask(policy) for _ in range(400)))
        counted = [one.allowed for one in found if one.why != "storage"]
        assert sum(counted) <= 300 and desk.limits.guard.failed in (0, len(found) - len(counted))
        server = desk.limits._server
        assert server is not None and (await server.client.info("clients"))["connected_clients"] <= 33
