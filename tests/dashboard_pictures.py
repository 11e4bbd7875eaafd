"""Takes the pictures of the dashboards for the docs, of any Grafana that shows them without signing in.

    python -m tests.dashboard_pictures http://127.0.0.1:3000 [UID ...]

Each is taken light and dark into `docs/images/dashboards/`. `pip install pillow` makes them small.
"""

import asyncio
import base64
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from PIL import Image

from tests.server.browser import Page, browsing

FOLDER = Path(__file__).parents[1] / "docs" / "images" / "dashboards"
WIDTH, TALLEST = 1500, 3600
LINE, AROUND = 38, 140
"""Pixels of a line of Grafana's grid, and what is above and below all of them."""
COLOURS = (64, 48, 32)
"""Sizes of a palette; the first by which a picture is small enough."""
HEAVIEST = 150_000
"""Bytes of a picture at most."""
THEMES = ("light", "dark")
LIMIT = 300.0
"""Seconds for one dashboard at most."""
CALM = 8
"""Looks in a row, a quarter of a second apart, in which nothing loads."""
STARTED = """document.readyState === 'complete' && !document.querySelector('.preloader')
  && !!document.body.innerText.trim()"""
"""Grafana is there; its first page need not have a link."""
GO = """(() => {
  document.querySelectorAll('[data-viz-panel-key]').forEach(panel => panel.dataset.past = 1);
  const link = document.createElement('a');
  link.href = '%s';
  document.body.append(link);
  link.click();
})()"""
"""Follows a link as a reader does, having marked the panels of the dashboard before."""
SETTLED = """!!document.querySelector('[data-viz-panel-key]:not([data-past])')
  && !document.querySelector('[data-past], [aria-label="Panel loading bar"], [data-testid="Spinner"]')"""


def names(base: str) -> list[str]:
    """Return the uids of the dashboards of the exporter."""
    found = [one["uid"] for one in _ask(f"{base}/api/search?type=dash-db&limit=500")]
    return sorted(uid for uid in found if uid.startswith("integration-"))


def _ask(url: str) -> Any:
    with urlopen(url) as answer:
        return json.load(answer)


async def take(base: str, only: list[str]) -> None:
    """Write the pictures of `only`, uids; of all where none is named."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is missing; install it")
    FOLDER.mkdir(exist_ok=True)
    profile = Path(tempfile.mkdtemp())
    try:
        async with browsing(chromium, f"{base}/api/health", profile) as page:
            for theme in THEMES:
                # What comes first has the theme; from there all are reached without loading Grafana again.
                await page.tell("Page.navigate", url=f"{base}/?kiosk&theme={theme}")
                await page.until(STARTED, LIMIT)
                for uid in only or names(base):
                    await _take(page, base, uid, theme)
    finally:
        shutil.rmtree(profile, ignore_errors=True)


async def _take(page: Page, base: str, uid: str, theme: str) -> None:
    panels = _ask(f"{base}/api/dashboards/uid/{uid}")["dashboard"]["panels"]
    whole = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in panels) * LINE + AROUND
    # As tall as the dashboard: Grafana draws only what is in the window.
    size = {"width": WIDTH, "height": min(whole, TALLEST), "deviceScaleFactor": 1, "mobile": False}
    await page.tell("Emulation.setDeviceMetricsOverride", **size)
    await page.value(GO % f"/d/{uid}?kiosk&from=now-30m&to=now")
    await _settle(page)
    shot = await page.tell("Page.captureScreenshot", format="png")
    file = FOLDER / f"{uid.removeprefix('integration-')}-{theme}.png"
    _write(base64.b64decode(shot["data"]), file)
    print(f"{file.name}: {file.stat().st_size // 1024} KiB", file=sys.stderr)


async def _settle(page: Page) -> None:
    calm = 0
    async with asyncio.timeout(LIMIT):
        while calm < CALM:
            await asyncio.sleep(0.25)
            calm = calm + 1 if await page.value(SETTLED) else 0


def _write(png: bytes, file: Path) -> None:
    # A palette of its own: flat colours are all that a dashboard has.
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in COLOURS:
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
        if file.stat().st_size <= HEAVIEST:
            return


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1].rstrip("/"), sys.argv[2:]))
