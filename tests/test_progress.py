"""The bar of a long job: only on a terminal, and also where the job first has to count its work."""

import asyncio
import io
import json
from contextlib import redirect_stderr
from typing import Any

from exporter.commands.api_client import ApiClient
from exporter.commands.progress import follow_job
from tests.servers.raw import Visit, ok, serving


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def job(state: str, done: int, total: int) -> dict[str, Any]:
    return {"id": "j1", "state": state, "done": done, "total": total}


STEPS = [job("running", 0, 0), job("running", 0, 40), job("running", 20, 40), job("done", 40, 40)]


async def follow(terminal: io.StringIO) -> dict[str, Any]:
    left = STEPS[1:]

    async def talk(visit: Visit) -> None:
        await visit.request()
        await visit.say(ok(json.dumps(left.pop(0)).encode(), headers="Connection: close\r\n"))

    async with serving(talk) as server:
        exporter = ApiClient(server.url("").rstrip("/"))
        with redirect_stderr(terminal):
            return await asyncio.to_thread(follow_job, exporter, "/jobs", STEPS[0], "retrying")


async def test_a_terminal_shows_a_bar_also_of_a_job_that_is_still_counted_at_first() -> None:
    terminal = Terminal()
    assert await follow(terminal) == STEPS[-1]
    assert "retrying" in terminal.getvalue() and "40/40" in terminal.getvalue()


async def test_what_is_no_terminal_gets_no_bar() -> None:
    plain = io.StringIO()
    assert await follow(plain) == STEPS[-1]
    assert plain.getvalue() == ""
