"""The doctor sends test alerts where it is asked to, by the running exporter."""

import asyncio
import time
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.notices.drill import Drills
from tests.server.alert_office import office_at
from tests.server.test_access import TOKENS
from tests.servers.alertmanager import alertmanager
from tests.servers.ports import free_port
from tests.waiting import until

CONFIG = """
route:
  receiver: ops
  routes: [{matchers: ['severity="low"'], receiver: nobody}]
receivers:
  - name: ops
    webhook_configs: [{url: "http://127.0.0.1:1/", max_alerts: 1}]
  - name: nobody
"""


async def doctor(folder: Path, url: str, *words: str) -> int:
    token = folder / "token"
    token.write_text(TOKENS["admin"])
    config = folder / "config.yml"
    config.write_text(f"store: {{url: 'sqlite:///{folder}/none.db'}}\n")
    flags = (
        f"--config.file={config}",
        f"--exporter.url={url}",
        f"--token-file={token}",
        "--offline",
        "--csv",
    )
    return await asyncio.to_thread(main, ["doctor", *flags, *words])


async def test_test_alerts_are_sent_only_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG)
    async with alertmanager(tmp_path, config) as server, office_at(tmp_path, [server.address]) as office:
        client = office.stage.client
        office.stage.desk.drills = Drills(client, time.time, lambda _severity: 0.0)
        await doctor(tmp_path, office.house.url)
        assert "notifications," not in capsys.readouterr().out
        assert office.house.room.audit == []
        task = asyncio.create_task(doctor(tmp_path, office.house.url, "--send-test-alerts"))
        # One that is still being started has no task that could be stopped.
        drills = office.stage.desk.drills
        await until(lambda: drills._tasks or task.done())
        # Nothing is sent within the group_wait of this Alertmanager, 30 seconds: what is to be seen is there.
        await drills.stop()
        assert await task == 1
        out = capsys.readouterr().out
    assert "notifications,ok,critical leads to ops: webhook" in out
    assert 'notifications,problem,"low: nobody has no channel, so nobody is notified"' in out
    assert [one.action for one in office.house.room.audit] == ["alert.tested"]


async def test_an_alertmanager_that_is_away_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with office_at(tmp_path, [f"127.0.0.1:{free_port()}"]) as office:
        assert await doctor(tmp_path, office.house.url, "--send-test-alerts") == 1
    assert "notifications,problem," in capsys.readouterr().out
