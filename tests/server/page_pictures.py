"""Takes the pictures of the page for the docs: `python -m tests.server.page_pictures [tab ...]`.

Each tab is taken light, dark and narrow, of the incident that `incident_room.py` plants, into `docs/images/`.

"""

import asyncio
import base64
import shutil
import sys
import tempfile
from pathlib import Path

from exporter.server.pages import tabs
from tests.server.browser import browsing
from tests.server.incident_room import incident
from tests.server.test_landing import CHROMIUM, sign_in
from tests.server.test_page_browser import Desk

FOLDER = Path(__file__).parents[2] / "docs" / "images"
LOOKS = {"": (1280, "light"), "-dark": (1280, "dark"), "-narrow": (375, "light")}
TALLEST = 1400


async def take(only: list[str]) -> None:
    """Write the pictures of `only`, names of tabs; of all where none is named."""
    if CHROMIUM is None:
        raise SystemExit("chromium is missing; install it")
    folder = Path(tempfile.mkdtemp())
    try:
        async with incident(folder) as made, browsing(CHROMIUM, made.house.url + "/", folder / "b") as page:
            await sign_in(page, made.house)
            desk = Desk(made, page)
            for tab in tabs():
                name = tab.template.removesuffix(".html").replace("_", "-")
                if not only or name in only:
                    await _take(desk, tab.path, name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _take(desk: Desk, path: str, name: str) -> None:
    for look, (width, scheme) in LOOKS.items():
        await desk.look(width, scheme)
        await desk.open(path)
        tall = min(TALLEST, int(await desk.page.value("document.documentElement.scrollHeight")))
        clip = {"x": 0, "y": 0, "width": width, "height": tall, "scale": 1}
        shot = await desk.page.tell("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file = FOLDER / f"page-{name}{look}.png"
        file.write_bytes(base64.b64decode(shot["data"]))
        print(f"{file.name}: {file.stat().st_size // 1024} KiB", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1:]))
