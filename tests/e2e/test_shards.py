"""Two shards as processes, found and scraped by a real Prometheus that keeps exemplars."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exporter.demo.services import DemoProcess, program
from tests.e2e.asking import ask, read, until
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port, free_row

TENANTS = 12
CONFIGURATION = """\
integrations:
  - name: dead
    provider: http
    critical: true
    interval: 1s
    options: {{url: "http://127.0.0.1:{closed}/"}}
    tenants:
      list: [{rows}]
  - name: lone
    provider: tcp
    interval: 1s
    options: {{host: 127.0.0.1, port: {closed}}}
store: {{url: "sqlite:///{folder}/state-${{SHARD}}.db"}}
"""
PROMETHEUS = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: integration-exporter
    http_sd_configs: [{{url: "http://127.0.0.1:{first}/api/v1/sd", refresh_interval: 1s}}]
"""
KEYS = {("dead", f"t{n}") for n in range(TENANTS)} | {("lone", "")}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Pair:
    """Two shards on neighbouring ports, and Prometheus."""

    first: int
    prometheus: int

    def url(self, shard: int, path: str) -> str:
        return f"http://127.0.0.1:{self.first + shard}{path}"

    async def query(self, path: str, **parameters: str) -> Any:
        answer = await ask(f"http://127.0.0.1:{self.prometheus}/api/v1/{path}", **parameters)
        assert answer["status"] == "success", answer
        return answer["data"]


def _shard(folder: Path, first: int, index: int) -> DemoProcess:
    command = [
        *COMMAND,
        f"--config.file={folder / 'config.yml'}",
        f"--web.listen-address=127.0.0.1:{first + index}",
        "--shard.count=2",
        f"--shard.index={index}",
        f"--sd.address=127.0.0.1:{first // 10}{{shard}}",
    ]
    log = folder / f"shard-{index}.log"
    ready = f"http://127.0.0.1:{first + index}/-/ready"
    return DemoProcess(f"shard {index}", command, ready, log, {"SHARD": str(index)})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    folder = tmp_path_factory.mktemp("shards")
    first = _free_ten()
    made = Pair(first, free_port())
    rows = ", ".join(f"{{id: t{n}}}" for n in range(TENANTS))
    (folder / "config.yml").write_text(CONFIGURATION.format(closed=free_port(), rows=rows, folder=folder))
    (folder / "prometheus.yml").write_text(PROMETHEUS.format(first=first))
    path = program("prometheus")
    assert path, "Prometheus is needed: apt-get install prometheus"
    prometheus = DemoProcess(
        "prometheus",
        [
            path,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{made.prometheus}",
            "--enable-feature=exemplar-storage",
        ],
        f"http://127.0.0.1:{made.prometheus}/-/ready",
        folder / "prometheus.log",
    )
    async with AsyncExitStack() as stack:
        for service in (_shard(folder, first, 0), _shard(folder, first, 1), prometheus):
            stack.push_async_callback(service.stop)
            await service.start()
        yield made


def _free_ten() -> int:
    """Return a free port that ends in 0, with a free one behind it: `{shard}` is its last digit."""
    first = free_row(11)
    return first + -first % 10


async def _keys(pair: Pair, shard: int) -> set[tuple[str, str]]:
    rows = (await ask(pair.url(shard, "/api/v1/targets")))["targets"]
    return {(row["integration"], row["tenant"]) for row in rows}


async def test_each_target_is_served_by_one_shard(pair: Pair) -> None:
    one, other = await _keys(pair, 0), await _keys(pair, 1)
    assert one and other
    assert one | other == KEYS
    assert one & other == set()
    for shard in range(2):
        assert (await ask(pair.url(shard, "/api/v1/status")))["shard"] == {"index": shard, "count": 2}
        body = await read(pair.url(shard, "/metrics"))
        # what belongs to an integration as a whole is on both
        assert 'integration_critical{integration="dead",provider="http"} 1.0' in body
        for name in ("dead", "lone"):
            assert f'integration_threshold_consecutive_failures{{integration="{name}"' in body
            assert f'integration_probes_total{{integration="{name}"' in body


async def test_prometheus_finds_both_shards_and_sees_every_target_once(pair: Pair) -> None:
    assert (await ask(pair.url(0, "/api/v1/sd"))) == (await ask(pair.url(1, "/api/v1/sd")))

    async def both_up() -> bool:
        found = (await pair.query("targets", state="active"))["activeTargets"]
        return sorted(one["health"] for one in found) == ["up", "up"]

    await until("Prometheus scrapes both shards", both_up)

    async def all_seen() -> bool:
        rows = await pair.query("query", query="count by (integration, tenant) (integration_configured)")
        found = {
            (row["metric"]["integration"], row["metric"].get("tenant", "")): row["value"][1]
            for row in rows["result"]
        }
        return found == dict.fromkeys(KEYS, "1")

    await until("every target is seen once", all_seen)


async def test_prometheus_keeps_the_trace_ids_of_failures_and_they_lead_to_the_run(pair: Pair) -> None:
    async def exemplars() -> list[Any]:
        parameters = {
            "query": 'integration_probe_failures_total{integration="dead"}',
            "start": str(time.time() - 600),
            "end": str(time.time() + 600),
        }
        found: list[Any] = await pair.query("query_exemplars", **parameters)
        return found if len(found) == 2 else []

    found = await until("Prometheus has exemplars of both shards", exemplars)
    known = set()
    for shard in range(2):
        failures = (await ask(pair.url(shard, "/api/v1/history"), limit="1000"))["failures"]
        known |= {failure["trace_id"] for failure in failures}
    message = [one for series in found for one in series["exemplars"]]
    assert {series["seriesLabels"]["reason"] for series in found} == {"connect"}
    assert all(one["value"] == "1" and abs(one["timestamp"] - time.time()) < 600 for one in message)
    assert {one["labels"]["trace_id"] for one in message} & known
    assert "trace_id" not in await read(pair.url(0, "/metrics"), Accept="text/plain")
