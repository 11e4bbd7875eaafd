"""Two exporters and one Redis: they share limits and blocks, and neither minds when it is gone."""

from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from exporter.demo.services import DemoProcess
from tests.e2e.asking import read, until
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port
from tests.servers.redis import RedisProcess, redis_server

CONFIGURATION = """\
integrations: []
store: {{url: "sqlite:///{folder}/{name}.db"}}
ratelimits:
  storage: {redis}
  storage_timeout: 5s
  policies:
    - {{name: api, endpoint: "/api/v1/status", by: address, limit: 10/1h}}
    - {{name: cart, endpoint: "shop/*", by: user, limit: 3/1h, block_for: 1h}}
"""
WEB = "bearer_tokens: [{name: ops, token: ops-0123456789abcdef, roles: [admin, ingest]}]\n"
HEADERS = {"Authorization": "Bearer ops-0123456789abcdef"}
HEALTHY = "integration_exporter_ratelimit_storage_healthy"


class Replica:
    def __init__(self, folder: Path, name: str, redis: RedisProcess) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.config, web = folder / f"{name}.yml", folder / "web.yml"
        self.config.write_text(CONFIGURATION.format(folder=folder, name=name, redis=redis.url))
        web.write_text(WEB)
        flags = (
            f"--config.file={self.config}",
            f"--web.config.file={web}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        )
        ready = f"{self.url}/-/ready"
        self.service = DemoProcess("exporter", [*COMMAND, *flags], ready, folder / f"{name}.log")

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(headers=HEADERS) as session,
            session.request(method, self.url + path, json=body) as answer,
        ):
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else None

    async def statuses(self, number: int) -> Counter[int]:
        return Counter([(await self.ask("GET", "/api/v1/status"))[0] for _ in range(number)])

    async def healthy(self) -> bool:
        return f"{HEALTHY} 1.0" in await read(f"{self.url}/metrics", **HEADERS)

    async def blocked(self) -> list[str]:
        _, found = await self.ask("GET", "/api/v1/ratelimits/blocks")
        return sorted(row["identifier"] for row in found["blocks"])


async def test_replicas_share_limits_and_blocks_and_go_on_without_redis(tmp_path: Path) -> None:
    home = tmp_path / "redis"
    home.mkdir()
    with redis_server(home) as redis:
        a, b = Replica(tmp_path, "a", redis), Replica(tmp_path, "b", redis)
        await a.service.start()
        await b.service.start()
        try:
            assert await a.statuses(6) + await b.statuses(6) == {200: 10, 429: 2}
            check = {"policy": "cart", "identifier": "u1", "endpoint": "shop/cart"}
            answers = [
                (await (a, b)[number % 2].ask("POST", "/api/v1/ratelimits/check", check))[1]
                for number in range(4)
            ]
            assert [one["reason"] for one in answers] == [None, None, None, "blocked"]
            body = {"policy": "cart", "identifier": "u2", "reason": "fraud"}
            assert (await a.ask("POST", "/api/v1/ratelimits/blocks", body))[0] == 201

            async def known() -> bool:
                return await b.blocked() == await a.blocked() == ["u1", "u2"]

            await until("both know who is blocked", known)
            assert await b.healthy()
            redis.kill()
            assert await b.statuses(20) == {200: 20}
            assert (await b.ask("POST", "/api/v1/ratelimits/check", check))[1]["reason"] == "blocked"
            assert not await b.healthy()
            redis.start()
            await until("b finds that Redis is back", b.healthy)
            await until("a finds that Redis is back", a.healthy)
            assert await b.statuses(12) == {200: 10, 429: 2}
            await until("the blocks are there again", known)
            await b.service.stop()
            await b.service.start()
            await until("a restart finds them", known)
            b.config.write_text(b.config.read_text().replace("limit: 10/1h", "limit: 20/1h"))
            assert (await b.ask("POST", "/-/reload"))[0] == 200
            assert await b.statuses(21) == {200: 20, 429: 1}
            shown = await read(f"{b.url}/metrics", **HEADERS)
            assert "integration_ratelimit_blocks_total{" in shown
        finally:
            await a.service.stop()
            await b.service.stop()
