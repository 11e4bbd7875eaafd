"""Tenants are asked for again while the exporter runs: changes are swapped in, a failure is reported once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from exporter.config.feeds.feeds import Feeds
from exporter.config.load import load_file, load_text
from exporter.core.configuration import Configuration
from exporter.engine import tenants as module
from exporter.engine.engine import Engine
from exporter.engine.reload import Reloader
from exporter.engine.selfmetrics import SelfMetrics
from exporter.engine.tenants import TenantCollector, TenantRefresher
from exporter.net.network import LoopNetwork
from tests.clock import HandClock
from tests.config.house import CATALOGUE
from tests.waiting import PATIENCE, until

TEXT = """
integrations:
- name: a
  provider: shop
  tenants: {sql: {url: "sqlite:///rows.db", query: "SELECT id, key AS api_key FROM rows", refresh: 1m}}
"""


class Works:
    """The parts of the exporter that a refresh goes through, on a hand-driven clock."""

    def __init__(self, folder: Path, text: str = TEXT, *, table: bool = True) -> None:
        self.folder, self.main = folder, folder / "main.yml"
        self.main.write_text(text)
        if table:
            self.make_table()
        self.clock, self.metrics = HandClock(), SelfMetrics()
        self.feeds = Feeds(self.clock.now)
        self.engine = Engine(LoopNetwork(), self.clock, lambda _batch: None, self.metrics)
        self.reloader = Reloader(self.load, self.clock, self.metrics)
        self.reloader.start(self.load(None), self.engine.apply)
        self.refresher = TenantRefresher(
            self.feeds, lambda: self.reloader.current, self.reloader.apply_feed_changes, self.clock
        )
        self.metrics.registry.register(TenantCollector(self.feeds, lambda: self.reloader.current))
        self.refresher.refresh_due()

    def make_table(self) -> None:
        self.sql(
            "CREATE TABLE rows (id, key)", "INSERT INTO rows VALUES ('one', 'key-one'), ('two', 'key-two')"
        )

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
        self.refresher.refresh_due()
        async with asyncio.timeout(PATIENCE):
            while self.refresher.busy:
                await asyncio.sleep(0.01)
        self.refresher.refresh_due()

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
    await made.engine.stop(PATIENCE)


@pytest.fixture
def message() -> Iterator[list[Any]]:
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


async def test_a_source_that_is_away_is_reported_once_and_asked_sooner_and_keeps_its_tenants(
    works: Works, message: list[Any]
) -> None:
    (works.folder / "rows.db").rename(works.folder / "away.db")
    for _ in range(3):
        await works.pass_by(61)
    assert works.tenants == ["one", "two"]
    assert [line["event"] for line in message] == ["tenants cannot be refreshed: the last rows stay in force"]
    labels = {"integration": "a", "source": "sql"}
    assert works.value("tenants_refresh_successful", **labels) == 0
    answered = works.value("tenants_last_refresh_timestamp_seconds", **labels)
    (works.folder / "away.db").rename(works.folder / "rows.db")
    await works.pass_by(31)
    assert works.value("tenants_refresh_successful", **labels) == 1
    now = works.value("tenants_last_refresh_timestamp_seconds", **labels)
    assert now is not None and answered is not None and now > answered
    assert message[-1]["event"] == "tenants are refreshed again"


async def test_a_wrong_row_is_reported_and_counted_while_the_others_are_taken(
    works: Works, message: list[Any]
) -> None:
    works.sql("INSERT INTO rows VALUES ('no good id', 'planted-key'), ('three', 'key-three')")
    await works.pass_by(61)
    assert works.tenants == ["one", "three", "two"]
    (line,) = [line for line in message if line["event"] == "rows of tenants were refused"]
    assert "row 3" in line["rows"][0] and "planted-key" not in str(line)
    labels = {"integration": "a", "source": "sql"}
    assert works.value("tenants_refused_rows", **labels) == 1
    assert works.value("tenants_refresh_successful", **labels) == 0
    assert works.value("config_last_reload_successful") == 1
    await works.pass_by(61)
    assert sum(line["event"] == "rows of tenants were refused" for line in message) == 1
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


OTHER = "- name: b\n  provider: shop\n  options: {api_key: k}\n"


async def test_a_start_without_the_source_probes_the_rest_and_asks_again_soon(
    tmp_path: Path, message: list[Any]
) -> None:
    works = Works(tmp_path, TEXT.replace("refresh: 1m", "refresh: 1h") + OTHER, table=False)
    labels = {"integration": "a", "source": "sql"}
    assert works.tenants == [""]
    assert works.value("tenants_refresh_successful", **labels) == 0
    assert works.value("tenants_last_refresh_timestamp_seconds", **labels) is None
    assert [line["event"] for line in message] == ["tenants cannot be refreshed: none is in force"]
    assert "unable to open" in message[0]["error"]
    works.make_table()
    await works.pass_by(29)
    assert works.tenants == [""]
    await works.pass_by(2)
    assert works.tenants == ["", "one", "two"]
    assert works.value("tenants_refresh_successful", **labels) == 1
    assert message[-1]["event"] == "tenants are refreshed again"
    await works.engine.stop(PATIENCE)


async def test_a_start_with_rows_that_are_wrong_tells_them_and_takes_the_rest(
    tmp_path: Path, message: list[Any]
) -> None:
    works = Works(tmp_path)
    works.sql("INSERT INTO rows VALUES (NULL, 'k'), ('no good id', 'k')")
    restarted = Works(tmp_path, table=False)
    assert restarted.tenants == ["one", "two"]
    assert restarted.value("tenants_refused_rows", integration="a", source="sql") == 2
    (line,) = message
    assert (line["event"], line["count"]) == ("rows of tenants were refused", 2)
    for one in (works, restarted):
        await one.engine.stop(PATIENCE)


async def test_most_tenants_gone_at_once_is_reported_and_counted_until_it_is_believed(
    works: Works, message: list[Any]
) -> None:
    labels = {"integration": "a", "source": "sql"}
    works.sql(*(f"INSERT INTO rows VALUES ('more-{n}', 'key-of-{n}')" for n in range(10)))
    await works.pass_by(61)
    assert len(works.tenants) == 12
    assert works.value("tenants_doubted", **labels) == 0
    works.sql("DELETE FROM rows WHERE id LIKE 'more%'")
    await works.pass_by(61)
    await works.pass_by(31)
    assert len(works.tenants) == 12
    assert works.value("tenants_doubted", **labels) == 10
    assert works.value("tenants_refresh_successful", **labels) == 0
    (line,) = [line for line in message if line["log_level"] == "error"]
    assert line["event"] == "most tenants are gone from the source: they stay in force"
    assert "lacks 10 of the 12 tenants" in line["error"]
    await works.pass_by(3600)
    assert works.tenants == ["one", "two"]
    assert works.value("tenants_doubted", **labels) == 0
    assert message[-1]["event"] == "tenants are refreshed again"


async def test_a_loss_is_believed_at_the_first_reload_after_it_was_reported(works: Works) -> None:
    works.sql(*(f"INSERT INTO rows VALUES ('more-{n}', 'key-of-{n}')" for n in range(10)))
    await works.reloader.reload()
    works.sql("DELETE FROM rows WHERE id LIKE 'more%'")
    await works.reloader.reload()
    assert len(works.tenants) == 12
    await works.reloader.reload()
    assert works.tenants == ["one", "two"]


async def test_keys_that_nobody_reads_are_reported_once(tmp_path: Path, message: list[Any]) -> None:
    works = Works(tmp_path)
    works.feeds.memory_of(("a", "sql")).rows[0]["created_at"] = 1  # type: ignore[union-attr]  # it is known
    await works.reloader.apply_feed_changes()
    for _ in range(2):
        works.refresher.refresh_due()
    lines = [line for line in message if line["event"] == "keys of tenants' rows are ignored"]
    assert [line["keys"] for line in lines] == [["created_at"]]
    await works.engine.stop(PATIENCE)


async def test_a_source_is_asked_once_in_its_period_however_often_is_looked(works: Works) -> None:
    await works.pass_by(61)
    works.sql("DELETE FROM rows WHERE id = 'one'")
    for _ in range(5):
        await works.pass_by(11)
        assert works.tenants == ["one", "two"]
    await works.pass_by(11)
    assert works.tenants == ["two"]


async def test_tenants_are_looked_at_again_and_again_until_the_exporter_stops(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK", 0.005)
    task = asyncio.create_task(works.refresher.run())
    for name, count in (("three", 3), ("four", 4)):
        works.sql(f"INSERT INTO rows VALUES ('{name}', 'key-{name}')")
        await works.clock.advance(61)
        await until(lambda count=count: len(works.tenants) == count or task.done())  # type: ignore[misc]  # a knob
        assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
