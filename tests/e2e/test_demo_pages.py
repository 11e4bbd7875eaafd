"""The demo names pages that answer: Debian's Prometheus and Alertmanager leave some of them out."""

from pathlib import Path

import pytest
from aiohttp import web

from exporter.demo.pages import first_page
from exporter.demo.services import own_command


async def test_the_first_page_that_answers_with_what_it_is_for_is_named() -> None:
    async def lacking(_request: web.Request) -> web.Response:
        return web.Response(text="The Debian package does not include a web application.")

    async def classic(_request: web.Request) -> web.Response:
        return web.Response(text="alerts")

    application = web.Application()
    application.router.add_get("/", lacking)
    application.router.add_get("/classic/alerts", classic)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        assert await first_page(base, "/alerts", "/classic/alerts", "/api") == f"{base}/classic/alerts"
        assert await first_page(base, "/", "/api/v2/alerts") == f"{base}/api/v2/alerts"
    finally:
        await runner.cleanup()
    assert await first_page(base, "/alerts", "/api") == f"{base}/api"


def test_the_hint_at_the_end_names_the_program_as_a_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "integration-exporter"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert own_command(str(program)) == str(program)  # a checkout
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_command(str(program)) == "integration-exporter"  # installed
    assert own_command("exporter/__main__.py") == "integration-exporter"  # python -m exporter
