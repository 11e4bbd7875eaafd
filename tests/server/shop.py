"""A web site with widgets, whose pages have a strict Content-Security-Policy."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

SCRIPTS: Mapping[str, str] = {
    "donate.js": "window.donated = 1;",
    "boom.js": "setTimeout(() => { null.amount_of_ann; }, 0);",
    "promise.js": "Promise.reject(new RangeError('ann@mail.example'));",
    "own.js": "throw new TypeError('of the page, and of no widget');",
    "deaf.js": "navigator.sendBeacon = () => false;",
    "poor.js": "delete Navigator.prototype.sendBeacon; delete window.MutationObserver;"
    "window.fetch = () => { throw new Error('no fetch'); }; window.appw = 5;",
    "half.js": "Math.random = () => 0.5;",
    "says.js": "(window.appw = window.appw || []).push(['start', 'donate', {release: '1.4', timeout: 60}]);"
    "appw.push(['loaded', 'donate']); "
    "appw.push(['failed', 'signup', 'render_failure', new TypeError('ann')]);"
    "appw.push(['nonsense'], null, 7, ['loaded']);",
}
"""What pages may load; of all others there are none (404)."""


@dataclass
class Shop:
    """A running site; `exporter` is where the script is loaded from, with prefix."""

    origin: str
    exporter: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def page(self, *scripts: str, options: str = "", key: str = "pub_shop") -> str:
        """Return the address of a page with the beacon and these scripts, each the inside of a tag."""
        tags = [f'src="{self.exporter}/app/w.js?k={key}" {options}', *scripts]
        path = f"/page{len(self.pages)}"
        text = "".join(f"<script {tag}></script>" for tag in tags)
        self.pages[path] = f"<!doctype html><html><head><title>Shop</title>{text}</head><body></body></html>"
        return f"{self.origin}{path}?mail=ann@mail.example#token"

    def put_first(self, script: str) -> None:
        """Let the newest page run a script of the shop before the beacon."""
        path, text = list(self.pages.items())[-1]
        self.pages[path] = text.replace("<script", f'<script src="/{script}"></script><script', 1)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a page or a script."""
        name = request.match_info["name"]
        if name == "never.js":
            await asyncio.sleep(3600)
        if name in SCRIPTS:
            return web.Response(text=SCRIPTS[name], content_type="text/javascript")
        if f"/{name}" not in self.pages:
            raise web.HTTPNotFound
        place = "/".join(self.exporter.split("/")[:3])
        policy = f"default-src 'none'; script-src 'self' {place}; connect-src {place}; base-uri 'none'"
        headers = {"Content-Security-Policy": policy, **self.headers}
        return web.Response(text=self.pages[f"/{name}"], content_type="text/html", headers=headers)


@asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    """Serve a site on a free port."""
    made = Shop("")
    application = web.Application()
    application.router.add_get("/{name}", made.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
