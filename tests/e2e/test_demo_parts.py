"""What the demo shows of webhooks and events: each way once, and what an app reports."""

import asyncio
import sys
from pathlib import Path

import pytest

from exporter.core.errors import StartError
from exporter.demo.app_events import app, show_events
from exporter.demo.demo import OWN_FILE
from exporter.demo.programs import own_token
from exporter.demo.services import DemoProcess
from exporter.demo.sink import Sink
from exporter.demo.webhooks import show_webhooks
from tests.servers.ports import free_port
from tests.waiting import until


async def test_the_demo_shows_a_webhook_each_way_and_what_an_app_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the exporter leaves its admin token, and the demo finds it.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    sink, taker, port = Sink(), free_port(), free_port()
    words = ["-m", "exporter", f"--config.file={OWN_FILE}", f"--web.listen-address=127.0.0.1:{port}"]
    exporter = DemoProcess(
        "exporter",
        [sys.executable, *words],
        f"http://127.0.0.1:{port}/-/ready",
        tmp_path / "exporter.log",
        {"DEMO_SINK_URL": f"http://127.0.0.1:{taker}/", "DEMO_STORE_URL": f"sqlite:///{tmp_path}/demo.db"},
    )
    lines: list[str] = []
    await sink.start(taker)
    try:
        await exporter.start()
        token = own_token()
        assert await show_webhooks(f"http://127.0.0.1:{port}", token, sink, lines.append), lines
        async with app(f"http://127.0.0.1:{port}", token) as client:
            assert await show_events(f"http://127.0.0.1:{port}", client, lines.append), lines
    finally:
        await exporter.stop()
        await sink.stop()
    text = "\n".join(lines)
    for words_of in (
        *("answered 200", "byte for byte", "answered 401, never forwarded", "1 delivery"),
        *("attempt 1: the receiver answered 503", "attempt 2: the receiver answered 204"),
        *("events were taken, 0 refused", "slowest endpoint: GET /search"),
    ):
        assert words_of in text, text


async def test_a_program_that_is_given_up_is_not_left_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    url = f"http://127.0.0.1:{free_port()}/"
    mute, cut = (DemoProcess("mute", command, url, tmp_path / "log") for _ in range(2))
    with pytest.raises(StartError, match=r"mute did not answer within 0.1 s"):
        await mute.start(0.1)
    assert mute.process is not None and mute.process.returncode is not None
    starting = asyncio.create_task(cut.start())
    await until(lambda: cut.process)
    starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled() and cut.process is not None and cut.process.returncode is not None
