"""Tenants are asked for again while the exporter runs: what changed is swapped in, a failure is told once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from exporter.config.feeds.memory import Feeds
from exporter.config.load import load_file, load_text
from exporter.core.configuration import Configuration
from exporter.engine.engine import Engine
from exporter.engine.reload import Reloader
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.tenants import TenantCollector, TenantRefresher
from exporter.net.network import LoopNetwork
from tests.clock import HandClock
from tests.config.house import CATALOGUE

TEXT = """
integrations:
- name: a
  provider: shop
  tenants: {sql: {url: "sqlite:///rows.db", query: "SELECT id, key AS api_key FROM rows", refresh: 1m}}
"""


class Works:
    """The parts of the exporter that a refresh goes through, on a hand-driven clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.main = folder, folder / "main.yml"
        self.main.write_text(TEXT)
        self.sql(
            "CREATE TABLE rows (id, key)", "INSERT INTO rows VALUES ('one', 'key-one'), ('two', 'key-two')"
        )
        self.clock, self.metrics = HandClock(), SelfMetrics()
        self.feeds = Feeds(self.clock.now)
        self.engine = Engine(LoopNetwork(), self.clock, lambda _batch: None, self.metrics)
        self.reloader = Reloader(self.load, self.engine.apply, self.clock, self.metrics)
        self.reloader.start(self.load(None))
        self.refresher = TenantRefresher(
            self.feeds, lambda: self.reloader.current, self.reloader.take_news, self.clock
        )
        self.metrics.registry.register(TenantCollector(self.feeds, lambda: self.reloader.current))
        self.refresher.look()

    def load(self, text: str | None) -> Configuration:
        if text is None:
            return load_file(str(self.main), CATALOGUE, {}, self.feeds)
        return load_text(text, str(self.main), CATALOGUE, {}, self.feeds)

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.folder / "rows.db")) as opened, opened:
            for statement in statements:
                opened.execute(statement)

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and what is due then be done."""
        await self.clock.advance(seconds)
        self.refresher.look()
        async with asyncio.timeout(20):
            while self.refresher.busy:
                await asyncio.sleep(0.01)
        self.refresher.look()

    @property
    def tenants(self) -> list[str]:
        return sorted(state.target.tenant for state in self.engine.board)

    def value(self, name: str, **labels: str) -> float | None:
        found: float | None = self.metrics.registry.get_sample_value(f"integration_exporter_{name}", labels)
        return found


@pytest.fixture
async def works(tmp_path: Path) -> Any:
    made = Works(tmp_path)
    yield made
    await made.engine.stop(1.0)


@pytest.fixture
def told() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as logs:
        yield logs


async def test_a_change_in_the_source_is_in_force_after_its_period_and_touches_nothing_else(
    works: Works,
) -> None:
    before = works.engine.board.get(("a", "two"))
    works.sql("DELETE FROM rows WHERE id = 'one'", "INSERT INTO rows VALUES ('three', 'key-three')")
    await works.pass_by(59)
    assert works.tenants == ["one", "two"]
    await works.pass_by(2)
    assert works.tenants == ["three", "two"]
    assert works.engine.board.get(("a", "two")) is before
    text = (await works.engine.render(False, False)).decode()
    assert 'tenant="three"' in text and 'tenant="one"' not in text
    assert works.value("tenants", integration="a") == 2


async def test_a_source_that_is_away_is_told_once_and_asked_sooner_and_keeps_its_tenants(
    works: Works, told: list[Any]
) -> None:
    (works.folder / "rows.db").rename(works.folder / "away.db")
    for _ in range(3):
        await works.pass_by(61)
    assert works.tenants == ["one", "two"]
    assert [line["event"] for line in told] == ["tenants cannot be refreshed: the last rows stay in force"]
    labels = {"integration": "a", "source": "sql"}
    assert works.value("tenants_refresh_successful", **labels) == 0
    answered = works.value("tenants_last_refresh_timestamp_seconds", **labels)
    (works.folder / "away.db").rename(works.folder / "rows.db")
    await works.pass_by(31)
    assert works.value("tenants_refresh_successful", **labels) == 1
    now = works.value("tenants_last_refresh_timestamp_seconds", **labels)
    assert now is not None and answered is not None and now > answered
    assert told[-1]["event"] == "tenants are refreshed again"


async def test_a_wrong_row_is_told_and_counted_while_the_others_are_taken(
    works: Works, told: list[Any]
) -> None:
    works.sql("INSERT INTO rows VALUES ('no good id', 'planted-key'), ('three', 'key-three')")
    await works.pass_by(61)
    assert works.tenants == ["one", "three", "two"]
    (line,) = [line for line in told if line["event"] == "rows of tenants were refused"]
    assert "row 3" in line["rows"][0] and "planted-key" not in str(line)
    labels = {"integration": "a", "source": "sql"}
    assert works.value("tenants_refused_rows", **labels) == 1
    assert works.value("tenants_refresh_successful", **labels) == 0
    assert works.value("config_last_reload_successful") == 1
    await works.pass_by(61)
    assert sum(line["event"] == "rows of tenants were refused" for line in told) == 1
    works.sql("DELETE FROM rows WHERE id = 'no good id'")
    await works.pass_by(61)
    assert works.value("tenants_refresh_successful", **labels) == 1


async def test_a_reload_by_hand_asks_at_once_and_a_source_that_was_taken_out_is_forgotten(
    works: Works,
) -> None:
    works.sql("INSERT INTO rows VALUES ('three', 'key-three')")
    await works.reloader.reload()
    assert works.tenants == ["one", "three", "two"]
    works.main.write_text("integrations: [{name: a, provider: shop, options: {api_key: k}}]\n")
    await works.reloader.reload()
    assert works.tenants == [""]
    assert works.value("tenants_refresh_successful", integration="a", source="sql") is None
    await works.pass_by(120)


async def test_hundreds_of_new_tenants_are_all_in_the_next_scrape(works: Works) -> None:
    works.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
        "INSERT INTO rows SELECT 'many-' || i, 'key-of-many-' || i FROM n"
    )
    await works.reloader.reload()
    text = (await works.engine.render(False, False)).decode()
    assert text.count("\nintegration_info{") == 602
