"""The demo names pages that answer: Debian's Prometheus and Alertmanager leave some of them out."""

from aiohttp import web

from exporter.demo.pages import first_page


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
