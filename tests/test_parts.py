"""What starts and stops as one, and when the process says that it is ready."""

from dataclasses import dataclass

import pytest

from exporter.core.shutdown import ShutdownLimit
from exporter.lifecycle.parts import Progress, start_parts, stop_parts


@dataclass
class Part:
    """Notes what happens to it, and how far the process was then."""

    name: str
    notes: list[tuple[str, str, bool]]
    progress: Progress
    fails: bool = False

    async def start(self) -> None:
        self.notes.append((self.name, "started", self.progress.started))
        if self.fails:
            raise RuntimeError("planted")

    async def stop(self, deadline: ShutdownLimit) -> None:
        self.notes.append((self.name, "stopped", self.progress.started))


async def test_the_process_has_started_once_the_last_part_has() -> None:
    progress, notes = Progress(), list[tuple[str, str, bool]]()
    parts = [Part(name, notes, progress) for name in ("a", "b")]
    await start_parts(parts, progress)
    assert notes == [("a", "started", False), ("b", "started", False)] and progress.started
    notes.clear()
    await stop_parts(parts, ShutdownLimit(1.0))
    assert [name for name, _, _ in notes] == ["b", "a"]


async def test_the_process_has_not_started_where_a_part_has_not() -> None:
    progress, notes = Progress(), list[tuple[str, str, bool]]()
    with pytest.raises(RuntimeError, match="planted"):
        await start_parts([Part("a", notes, progress), Part("b", notes, progress, fails=True)], progress)
    assert not progress.started
