"""How long Chromium takes until a tab is drawn: the other half of what somebody waits for."""

import asyncio
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.server.browser import Page, browsing

PAINTS = """
new Promise((done) => {
  const found = { drawn: 0 };
  const look = (list) => {
    for (const one of list.getEntries()) found.drawn = Math.max(found.drawn, one.startTime);
  };
  for (const type of ["paint", "largest-contentful-paint"]) {
    new PerformanceObserver(look).observe({ type, buffered: true });
  }
  // Two frames later what is there has been drawn, and what was drawn is reported.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
    const page = performance.getEntriesByType("navigation")[0];
    const parts = performance.getEntriesByType("resource").filter((one) => one.initiatorType !== "other");
    const last = Math.max(page.loadEventEnd, found.drawn, ...parts.map((one) => one.responseEnd));
    done({ answered: page.responseEnd, parsed: page.domContentLoadedEventEnd, drawn: last,
           elements: document.getElementsByTagName("*").length });
  }, 50)));
})
"""
"""Milliseconds since the navigation began: answered, DOMContentLoaded, and last paint, load or file."""


@dataclass
class TabTimes:
    """Seconds until a tab was answered, parsed and drawn, of each time; and how many elements it has."""

    path: str
    answered: list[float] = field(default_factory=list)
    parsed: list[float] = field(default_factory=list)
    drawn: list[float] = field(default_factory=list)
    elements: int = 0

    def add(self, found: dict[str, Any]) -> None:
        """Take in what the browser measured."""
        for name in ("answered", "parsed", "drawn"):
            getattr(self, name).append(found[name] / 1000)
        self.elements = int(found["elements"])

    def line(self, goal: float) -> str:
        """Return it as a row of a table."""
        answered, parsed, drawn = (
            f"{statistics.median(one) * 1000:.0f} ms" for one in (self.answered, self.parsed, self.drawn)
        )
        verdict = "met" if max(self.drawn) < goal else "**missed**"
        worst = f"{max(self.drawn) * 1000:.0f} ms"
        return f"| {self.path} | {answered} | {parsed} | {drawn} | {worst} | {self.elements} | {verdict} |"


HEAD = "| Tab in Chromium | Answered | DOMContentLoaded | Drawn | At most | Elements | |"
RULE = "|---|---|---|---|---|---|---|"


def draw_tabs(origin: str, token: str, paths: Sequence[str], times: int, folder: Path) -> list[TabTimes]:
    """Open each tab so often, in turns, as somebody with `token`; the first round warms up."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed: apt-get install chromium")
    return asyncio.run(_draw(chromium, origin, token, paths, times, folder))


async def _draw(
    chromium: str, origin: str, token: str, paths: Sequence[str], times: int, folder: Path
) -> list[TabTimes]:
    found = [TabTimes(path) for path in paths]
    async with browsing(chromium, f"{origin}/-/healthy", folder / "browser") as page:
        await page.tell("Network.enable")
        await page.tell("Network.setExtraHTTPHeaders", headers={"Authorization": f"Bearer {token}"})
        for turn in range(times + 1):
            for one in found:
                measured = await _open(page, origin + one.path)
                if turn:
                    one.add(measured)
    return found


async def _open(page: Page, url: str) -> Any:
    await page.tell("Page.navigate", url="about:blank")
    await page.until("location.href === 'about:blank'")
    await page.tell("Page.navigate", url=url)
    await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
    return await page.value(PAINTS)
