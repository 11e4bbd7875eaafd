"""An exporter that is killed while apps report: what it acknowledged is stored, and stored once."""

from pathlib import Path

from tests.servers.event_killing import EventLosses, kill_often
from tests.servers.postgres import cluster


def judge(found: EventLosses, kills: int) -> None:
    assert (found.lost, found.twice) == ([], [])
    # The kills were in the midst: apps had to send again, and went on.
    assert found.again >= kills
    assert len(found.acknowledged) > 10 * kills


async def test_a_file_loses_nothing_that_was_acknowledged_and_has_nothing_twice(tmp_path: Path) -> None:
    judge(await kill_often(tmp_path, f"sqlite:///{tmp_path}/state.db", 3), 3)


async def test_a_server_loses_nothing_that_was_acknowledged_and_has_nothing_twice(tmp_path: Path) -> None:
    with cluster() as server:
        server.admin("CREATE DATABASE state OWNER app")
        url = f"postgresql://app:app-password@127.0.0.1:{server.port}/state"
        judge(await kill_often(tmp_path, url, 2), 2)
