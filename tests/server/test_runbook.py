"""Runbook pages: where the links of messages lead, readable by whoever is woken."""

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from exporter import registry
from exporter.generate.runbook_html import runbook_html
from exporter.server.paths import Paths
from tests.server.browser import browsing
from tests.server.house import Room, hashed, house, state

NAMES = [alert.name for alert in registry.alerts()]
VOID = {"meta", "br", "hr", "img"}


class Balance(HTMLParser):
    """Notices elements that are closed in another order than they were opened, and what loads something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [tag for name, _ in attrs if name in ("src", "style") or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_page_that_is_whole(name: str) -> None:
    found = runbook_html(name)
    assert found is not None
    text, policy = found
    assert text.count(f"<h1>{name}</h1>") == 1
    for section in ("Meaning", "Impact", "Diagnosis", "Mitigation"):
        assert f"<h2>{section}</h2>" in text
    assert "```" not in text and "**" not in text and "generated, do not edit" not in text
    balance = Balance()
    balance.feed(text)
    assert (balance.open, balance.loads) == ([], [])
    assert "script" not in policy and "'unsafe-inline'" not in policy


def test_there_is_no_page_of_what_is_no_alert() -> None:
    assert runbook_html("../secrets") is None


@pytest.mark.parametrize("path", ["/runbooks/IntegrationDown", "/runbooks/IntegrationDown.md"])
async def test_everybody_may_read_a_page_also_from_elsewhere(tmp_path: Path, path: str) -> None:
    web = tmp_path / "web.yml"
    web.write_text(f"basic_auth_users: {{ada: {hashed('secret')}}}\n")
    headers = {"X-Forwarded-For": "203.0.113.9", "Host": "monitoring.example"}
    for config in (None, web):
        async with house(Room([state("payments")], config)) as asked:
            answer = await asked.ask(path, headers=headers)
            assert answer.status == 200
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert "style-src 'sha256-" in answer.headers["content-security-policy"]
            assert "<h1>IntegrationDown</h1>" in answer.text
            for other in ("/runbooks/Nothing", "/runbooks/..%2Fconfig"):
                answer = await asked.ask(other, headers=headers)
                assert (answer.status, answer.text) == (404, "there is no runbook of that name\n")


async def test_the_page_is_below_the_prefix_of_the_exporter() -> None:
    room = Room([state("payments")], paths=Paths.of("https://monitoring.example/exporter"))
    async with house(room) as asked:
        answer = await asked.ask("/exporter/runbooks/IntegrationDown")
        assert answer.status == 200
        assert 'href="../"' in answer.text
        assert (await asked.ask("/runbooks/IntegrationDown")).status in (403, 404)


async def test_a_browser_applies_its_style_and_has_no_complaint(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is missing; install it, it shows whether the page has its style"
    async with house(Room([state("payments")])) as asked:
        url = f"{asked.url}/runbooks/IntegrationDown"
        async with browsing(chromium, url, tmp_path / "profile") as page:
            assert (
                await page.value("getComputedStyle(document.querySelector('table')).borderCollapse")
                == "collapse"
            )
            refused = [text for text in page.complaints if "favicon" not in text]
            assert refused == []
