"""No token is lost when the process is killed: what was handed out is on disk before anything else."""

from pathlib import Path

import pytest

from tests.servers.killing import kill_often


@pytest.mark.parametrize(("rotation", "sql", "kills"), [("overlapping", False, 2), ("strict", True, 3)])
async def test_killed_at_random_moments_while_tokens_rotate_nothing_that_was_kept_is_lost(
    tmp_path: Path, rotation: str, sql: bool, kills: int
) -> None:
    found = await kill_often(tmp_path, rotation, kills, sql=sql)
    assert found.refreshes > kills * 10
    assert found.unexplained == []
    if rotation == "overlapping":
        assert found.lost == []
