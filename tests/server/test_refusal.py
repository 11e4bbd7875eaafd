"""A browser that may not open a page gets one that says why, and how to sign in."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from exporter.server.pages import tabs
from tests.server.house import House, Room, basic, bearer, house
from tests.server.test_access import PASSWORDS, TOKENS, board, web_config

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VERA = basic("vera", PASSWORDS["vera"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    path: Path = web_config(tmp_path_factory.mktemp("guarded"))
    async with house(Room(board(), path=path)) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local() -> AsyncIterator[House]:
    async with house(Room(board())) as made:
        yield made


async def test_a_tab_for_another_role_says_which_and_who_reads(guarded: House) -> None:
    reply = await guarded.ask("/alerts", headers=VERA | BROWSER)
    assert reply.status == 403 and reply.headers["content-type"].startswith("text/html")
    assert '<h1 id="refused-heading">Alerts needs the role admin</h1>' in reply.text
    assert "The exporter says: this needs the role admin, which user:vera has not." in reply.text
    assert "Signed in as vera (user)." in reply.text and "Errors</a>" in reply.text
    assert "<template" not in reply.text and "/sign-in" not in reply.text


@pytest.mark.parametrize("headers", [{}, {"Accept": "application/json"}, {"Accept": "*/*"}])
async def test_a_program_gets_the_sentence_alone(guarded: House, headers: dict[str, str]) -> None:
    reply = await guarded.ask("/alerts", headers=VERA | headers)
    assert reply.status == 403 and "<" not in reply.text
    assert "this needs the role admin, which user:vera has not" in reply.text


async def test_the_api_answers_json_to_a_browser_too(guarded: House) -> None:
    reply = await guarded.ask("/api/v1/alerts", headers=VERA | BROWSER)
    assert reply.status == 403 and set(reply.json) == {"error", "status"}


async def test_who_is_not_known_gets_one_page_for_all_that_there_is_and_is_not(guarded: House) -> None:
    pages = [await guarded.ask(path, headers=BROWSER) for path in ("/", "/alerts", "/config", "/no/such")]
    assert [page.status for page in pages] == [401] * 4
    assert all("www-authenticate" in page.headers for page in pages)
    assert len({page.text for page in pages}) == 1
    # What is fetched for a page asks for a password once more, and a version is for who may know it.
    assert not re.search(r"<(link|script|img)|integration-exporter \d", pages[0].text)


async def test_a_role_without_the_page_gets_no_style_that_it_may_not_read(guarded: House) -> None:
    reply = await guarded.ask("/", headers=bearer(TOKENS["notify"]) | BROWSER)
    assert reply.status == 403 and "You may not open this page" in reply.text
    assert "<link" not in reply.text


async def test_a_page_that_there_is_not_leads_back(guarded: House) -> None:
    reply = await guarded.ask("/no/such", headers=VERA | BROWSER)
    assert reply.status == 404 and "There is no such page" in reply.text
    assert "roles" not in reply.text
    assert '<a href="/">To the overview</a>' in reply.text


@pytest.mark.parametrize("path", [tab.path for tab in tabs()])
async def test_an_address_that_makes_no_sense_gets_a_page_on_every_tab(guarded: House, path: str) -> None:
    strange = "?offset=x&status=x&window=x&since=x&after=x&state=x&reason=x&limit=x&step=x&by=x"
    for query in (strange, *strange[1:].split("&")):
        reply = await guarded.ask(f"{path}?{query.lstrip('?')}", headers=bearer(TOKENS["admin"]) | BROWSER)
        assert reply.headers["content-type"].startswith("text/html"), query
        assert reply.status in (200, 400) and "</main>" in reply.text, query
        if reply.status == 400:
            assert '<h1 id="refused-heading">Nothing can be shown by this address</h1>' in reply.text
            # Nobody's role is at fault, and there is a way back.
            assert f'<a href="{path}">Show all</a>' in reply.text and "roles" not in reply.text


async def test_on_this_machine_the_tab_asks_for_the_token_and_leads_to_where_one_was(local: House) -> None:
    asked = "/alerts?severity=high&tenant=acme"
    reply = await local.ask(asked, headers=BROWSER, admin=False)
    assert reply.status == 401 and "Alerts needs the role admin" in reply.text
    assert reply.text.count('action="/sign-in"') == 1
    assert 'name="to" value="/alerts?severity=high&amp;tenant=acme"' in reply.text
    wrong = await local.ask("/sign-in", "POST", admin=False, data={"token": "no", "to": asked})
    assert wrong.headers["location"] == f"{asked}&sign-in=wrong#sign-in"
    again = await local.ask(wrong.headers["location"].partition("#")[0], headers=BROWSER, admin=False)
    assert "This is not the admin token." in again.text
    assert 'name="to" value="/alerts?severity=high&amp;tenant=acme"' in again.text
    right = await local.ask("/sign-in", "POST", admin=False, data=form(local, asked))
    assert right.headers["location"] == asked and "set-cookie" in right.headers


async def test_what_is_no_tab_leads_back_to_itself_too(local: House) -> None:
    reply = await local.ask("/config", headers=BROWSER, admin=False)
    assert reply.status == 401 and 'name="to" value="/config"' in reply.text


@pytest.mark.parametrize(
    "to",
    [
        *("//evil.example/x", "https://evil.example/x", "/\\\\evil.example", "javascript:alert(1)"),
        *("/no/such", "", "http://[", "/\r\nX-Evil: 1"),
    ],
)
async def test_signing_in_leads_nowhere_else(local: House, to: str) -> None:
    reply = await local.ask("/sign-in", "POST", admin=False, data=form(local, to))
    assert (reply.status, reply.headers["location"]) == (303, "/"), to


async def test_of_another_site_only_the_path_counts(local: House) -> None:
    reply = await local.ask("/sign-in", "POST", admin=False, data=form(local, "https://evil.example/alerts"))
    assert reply.headers["location"] == "/alerts"


def form(made: House, to: str) -> dict[str, str]:
    return {"token": made.admin["Authorization"].removeprefix("Bearer "), "to": to}
