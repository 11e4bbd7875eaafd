"""Takes the pictures of the page for the docs: `python -m tests.server.page_pictures [--of URL] [tab ...]`.

They are of the demo that runs (`make demo`, for some minutes before), each tab light, dark and narrow, into
`docs/images/page/`. pngquant (Debian has it) makes a palette of each: a picture is in every clone.
"""

import argparse
import asyncio
import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import aiohttp

from exporter.core import admin_token
from exporter.core.defaults import EXPORTER_URL
from exporter.server.pages import tabs
from tests.server.browser import Page, browsing
from tests.server.test_landing import CHROMIUM

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "page"
LOOKS = {"": (1280, "light"), "-dark": (1280, "dark"), "-narrow": (375, "light")}
TALLEST = {1280: 1100, 375: 1400}
"""Pixels of a picture by its width: what is below says no more about the tab."""

LARGEST = 120 * 1024
SUBJECT = "integration=payments&tenant=acme"
"""What the demo breaks."""


async def take(of: str, only: list[str]) -> None:
    """Write the pictures of `only`, names of tabs; of all where none is named."""
    if CHROMIUM is None or shutil.which("pngquant") is None:
        raise SystemExit("chromium or pngquant is missing; install both")
    FOLDER.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp())
    path = admin_token.own_path(os.environ)
    token = admin_token.read(path).reveal() if path else ""
    try:
        queries = {"/integration": f"?{SUBJECT}", "/delivery": f"?id={await _delivery(of, token)}"}
        async with browsing(CHROMIUM, of + "/", folder / "profile") as page:
            await _sign_in(page, token)
            for tab in tabs():
                name = tab.template.removesuffix(".html").replace("_", "-")
                if not only or name in only:
                    await _take(page, of + tab.path + queries.get(tab.path, ""), name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _delivery(of: str, token: str) -> str:
    """Return the id of a delivery that was tried most."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(of, headers=headers, raise_for_status=True) as session,
        session.get("/api/v1/deliveries?limit=500") as answer,
    ):
        found = (await answer.json())["deliveries"]
    return str(max(found, key=lambda row: row["attempts"])["id"])


async def _sign_in(page: Page, token: str) -> None:
    field = "document.querySelector('.sign [type=password]')"
    await page.until(f"{field} !== null")
    await page.value(f"{field}.value = {token!r}; document.querySelector('.sign button').click()")
    await page.until("document.querySelector('form[action$=sign-out]') !== null")


async def _take(page: Page, url: str, name: str) -> None:
    for look, (width, scheme) in LOOKS.items():
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        await page.tell("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await page.tell("Emulation.setEmulatedMedia", features=features)
        await page.tell("Page.navigate", url=url)
        await page.until(f"location.href === {url!r} && document.readyState === 'complete'")
        await page.until("!document.getElementById('live').hidden")
        tall = min(TALLEST[width], int(await page.value("document.documentElement.scrollHeight")))
        clip = {"x": 0, "y": 0, "width": width, "height": tall, "scale": 1}
        shot = await page.tell("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file = FOLDER / f"{name}{look}.png"
        file.write_bytes(base64.b64decode(shot["data"]))
        await asyncio.to_thread(_reduce, file)
        print(f"{file.name}: {file.stat().st_size // 1024} KiB", file=sys.stderr)
        if file.stat().st_size > LARGEST:
            raise SystemExit(f"{file} has more than {LARGEST // 1024} KiB")


def _reduce(file: Path) -> None:
    subprocess.run(["pngquant", "--force", "--strip", "--ext=.png", "64", file], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Takes pictures of the page of a running demo.")
    parser.add_argument("--of", default=EXPORTER_URL, help="the exporter's URL")
    parser.add_argument("tab", nargs="*", help="names of tabs, as their files have; all by default")
    options = parser.parse_args()
    asyncio.run(take(options.of, options.tab))
