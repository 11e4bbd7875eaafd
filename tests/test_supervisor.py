"""What must run for ever does: it is begun again when it dies, and nothing runs beside the supervisor."""

import ast
import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter
from exporter.core.service_manager import notify
from exporter.core.supervisor import Supervisor
from exporter.server.application import build
from exporter.server.listener import WATCHER, Limits, Listener
from exporter.server.web_config.file import WebConfigFile
from tests.server.house import Room
from tests.waiting import until

ROOT = Path(exporter.__file__).parent
STARTS = {"create_task", "ensure_future", "Thread"}
SHORT = "it ends by itself, and whoever began it takes its error"
ALLOWED = {
    "lifecycle/tasks.py:on_sighup": "one reload, which takes every error",
    "commands/probe.py:_run_once": "the command's progress, ended by it",
    "commands/sandbox.py:_serve_until_signal": "the command itself waits for it",
    "core/supervisor.py:keep": "the supervisor",
    "core/supervisor.py:keep_thread": "the supervisor",
    "engine/scheduler.py:_start": "one run of a target; the schedule plans the next whatever becomes of it",
    "engine/tenants.py:refresh_due": SHORT,
    "tokens/manager.py:_start_turn": SHORT,
    "net/dial.py:_race": SHORT,
    "net/resolver.py:_start": "a pool whose threads run calls that hand over every error",
    "net/resolver.py:resolve": SHORT,
    "probes/postgres/session.py:_guarded": SHORT,
    "server/checks.py:check_target": SHORT,
    "server/retries.py:start": SHORT,
    "notices/drill.py:_start": SHORT,
    "outbox/carrier.py:_spawn": "one attempt, or its record; what is lost with it is found again",
    "client/sender.py:start": "a thread of somebody's app, which takes every error",
    "server/jobs.py:start": SHORT,
    "server/jobs.py:_run": SHORT,
    "store/threads.py:in_thread": "one call, whose error its future takes",
}


def starts() -> Iterator[str]:
    """Yield `file:function` of each start of a task or thread, but for demo and sandbox."""
    for path in sorted(ROOT.rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name.startswith(("demo/", "sandbox/")):
            continue
        yield from (f"{name}:{place}" for place in _starts(ast.parse(path.read_text()), ""))


def _starts(node: ast.AST, place: str) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        place = node.name
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in STARTS:
            yield place
    for child in ast.iter_child_nodes(node):
        yield from _starts(child, place)


def test_what_runs_for_ever_runs_under_the_supervisor() -> None:
    found = set(starts())
    assert found - ALLOWED.keys() == set(), "let Supervisor.keep start it, or say here why it is short-lived"
    assert ALLOWED.keys() - found == set(), "these are gone: take them off the list"


async def test_a_task_that_dies_is_reported_counted_and_begun_again() -> None:
    message: list[str] = []
    supervisor = Supervisor(lambda name, error: message.append(f"{name}: {error}"), first_wait=0.02)
    lives: list[int] = []

    async def live() -> None:
        lives.append(len(lives))
        if len(lives) < 3:
            raise ValueError(f"life {len(lives)}")
        await asyncio.Event().wait()

    supervisor.keep("cat", live)
    await until(lambda: message != [])
    assert supervisor.down == ("cat",)
    await until(lambda: len(lives) == 3)
    assert message == ["cat: life 1", "cat: life 2"] and supervisor.failures == {"cat": 2}
    await until(lambda: supervisor.down == ())
    await supervisor.stop()


async def test_a_thread_that_dies_is_begun_again_and_a_return_ends_it() -> None:
    message: list[str] = []
    supervisor = Supervisor(lambda name, _error: message.append(name), first_wait=0.01)
    lives: list[int] = []

    def live() -> None:
        lives.append(threading.get_ident())
        if len(lives) < 2:
            raise ValueError

    thread = supervisor.keep_thread("writer", live)
    await until(lambda: not thread.is_alive())
    assert message == ["writer"] and len(lives) == 2


async def test_a_watch_of_the_web_configuration_that_breaks_is_noticed_and_begun_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "web.yml"
    path.write_text("bearer_tokens: [{name: first, token: first-0123456789, roles: [viewer]}]\n")

    class Broken(WebConfigFile):
        breaks = 1

        def refresh(self) -> bool:
            if self.breaks:
                self.breaks -= 1
                raise MemoryError
            return super().refresh()

    web = Broken(str(path))
    web.load()
    supervisor = Supervisor(first_wait=0.05)
    listener = Listener(
        build(Room([]).services(web)), ["127.0.0.1:0"], web, Limits(drain=1.0, watch=0.02), supervisor
    )
    await listener.start()
    try:
        await until(lambda: supervisor.failures[WATCHER] == 1)
        path.write_text("bearer_tokens: [{name: second, token: second-0123456789, roles: [viewer]}]\n")
        await until(lambda: web.current.tokens[0].name == "second")
        assert supervisor.down == ()
    finally:
        await listener.stop()


def test_the_service_manager_is_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify("READY=1")
        assert manager.recv(100) == b"READY=1"
    notify("READY=1")  # nobody listens any more
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")
