"""Tabs of the page: one file and one template are one tab, and a bar shows when there are several."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.server.pages import tabs
from exporter.server.routes import ROUTES
from tests.server.house import Room, house, state

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")
MODULE = """
from exporter.server.access import AccessRule
from exporter.server.pages import Tab
from exporter.server.web_config.settings import Role


async def context(request):
    return {"words": "<nothing> happened"}


TAB = Tab("/events", "Events", "What happened.", "events.html", context, AccessRule(Role.ADMIN))
"""
TEMPLATE = """{% extends "_layout.html" %}
{% block main %}
  <h1>{{ words }}</h1>
{% endblock %}
"""
ASK = """
import asyncio, json
from tests.server.house import Room, house, state


async def main():
    async with house(Room([state("mail")])) as made:
        pages = [await made.ask(path, admin=admin) for path in ("/", "/events") for admin in (True, False)]
        print(json.dumps([(page.status, page.text) for page in pages]))


asyncio.run(main())
"""


def bar(page: str) -> list[tuple[str, str]]:
    found = re.search(r'<nav aria-label="Tabs"[^>]*>.*?</nav>', page, re.DOTALL)
    return re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', found[0]) if found else []


async def test_the_bar_has_every_listed_tab_in_its_order() -> None:
    async with house(Room([state("mail")])) as made:
        assert bar((await made.ask("/")).text) == [(tab.path, tab.title) for tab in tabs() if tab.listed]


def test_every_tab_is_a_route_and_no_two_have_one_path() -> None:
    paths = [tab.path for tab in tabs()]
    assert paths[0] == "/" and len(set(paths)) == len(paths)
    assert set(paths) <= {route.path for route in ROUTES}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("exporter", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=NOT_COPIED)
    return tmp_path


def test_a_file_and_a_template_are_a_tab_for_whoever_may_open_it(tree: Path) -> None:
    pages = tree / "exporter" / "server" / "pages"
    (pages / "events.py").write_text(MODULE)
    (pages / "events.html").write_text(TEMPLATE)
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=tree, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (_, home), (_, home_of_viewer), (status, events), (refused, _) = json.loads(done.stdout.splitlines()[-1])
    assert bar(home)[0] == ("/", "Overview") and ("/events", "Events") in bar(home)
    assert ("/events", "Events") not in bar(home_of_viewer), "a tab that may not be opened is not offered"
    assert (status, refused) == (200, 401)
    assert "<h1>&lt;nothing&gt; happened</h1>" in events and "<title>Events</title>" in events
    assert 'href="/events" aria-current="page"' in events
