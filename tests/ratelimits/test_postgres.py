"""Two exporters with one PostgreSQL database share blocks and counts; each counts windows for itself."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection

from exporter.core.ratelimit import RateLimitSummary
from exporter.store.subjects.ratelimit_summaries import RateLimitWindow, statistics
from tests.ratelimits.desk import API, LOGIN, NOW, limit_desk
from tests.servers.postgres import cluster
from tests.waiting import PATIENCE


async def test_replicas_with_one_database_share_blocks_and_counts(tmp_path: Path) -> None:
    with cluster() as server:
        server.admin("CREATE DATABASE limits OWNER app")
        url = f"postgresql://app:app-password@127.0.0.1:{server.port}/limits?sslmode=require"
        async with (
            limit_desk(tmp_path, API, LOGIN, url=url) as one,
            limit_desk(tmp_path, API, LOGIN, url=url) as two,
        ):
            assert await one.allowed(12) == await two.allowed(12) == 10
            await asyncio.gather(one.allowed(4, LOGIN), two.allowed(4, LOGIN))
            await asyncio.gather(one.limits.refresh(), two.limits.refresh())
            first = one.block("192.0.2.1", until=NOW + 60)
            assert await one.book.add(first) is None
            assert await two.book.add(two.block("192.0.2.1")) == first, "also before it is known here"
            both = [desk.book.add(desk.block("192.0.2.9")) for desk in (one, two) for _ in range(3)]
            assert (await asyncio.gather(*both)).count(None) == 1, "of some at once the first replaced none"
            await one.book.remove(one.block("192.0.2.9"))
            await two.limits.refresh()
            await two.limits.refresh()
            assert sorted(two.blocked()) == [("api", "192.0.2.1"), ("login", "203.0.113.7")]
            block = two.book.exact("", "api", "192.0.2.1")
            assert block is not None
            await two.limiter.unblock(block)
            await one.limits.refresh()
            assert one.blocked() == [("login", "203.0.113.7")]
            for desk in (one, two):
                desk.summaries.hand_over()
                await desk.writer.flush(PATIENCE)

            def read(connection: Connection) -> object:
                return dict(statistics(connection, RateLimitWindow(0, int(NOW) + 3600, ("policy",))))

            assert await one.writer.read(read) == {
                ("api",): RateLimitSummary(20, 4, 0),
                ("login",): RateLimitSummary(6, 2, 0),
            }
