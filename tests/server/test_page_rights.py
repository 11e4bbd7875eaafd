"""An open page whose reader may see less, more or something else from now on: by a real browser."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from tests.server import page_desk as scripts
from tests.server.browser import browsing
from tests.server.incident_room import incident
from tests.server.page_desk import Desk
from tests.server.test_landing import CHROMIUM
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "reader-0123456789abcdef"
NO_TIMER = "window.setInterval = () => 0"
"""The page looks every 30 seconds by itself, too: not here, where the stream alone is to say it."""

FOR_ADMINS = "#alerts, #active, #done, .do, template, dialog[open], .tabs [href='/alerts'], #lines li"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web") / "web.yml"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, web: Path) -> AsyncIterator[Desk]:
    if CHROMIUM is None:
        pytest.fail("chromium is missing; install it, it shows whether the page runs in a browser")
    grant(web, "roles: [admin]")
    async with (
        incident(tmp_path_factory.mktemp("incident"), web) as made,
        # Nothing is opened before the browser has the token to send along.
        browsing(CHROMIUM, "about:blank#", tmp_path_factory.mktemp("profile")) as page,
    ):
        await page.tell("Network.enable")
        await page.tell("Network.setExtraHTTPHeaders", headers={"Authorization": f"Bearer {TOKEN}"})
        await page.tell("Page.addScriptToEvaluateOnNewDocument", source=NO_TIMER)
        yield Desk(made, page)


def grant(web: Path, rights: str, token: str = TOKEN) -> None:
    """Let the reader have these rights; the file always has somebody else, too."""
    other = "{name: other, token: other-0123456789abcdef, roles: [viewer]}"
    web.write_text(f"bearer_tokens: [{other}, {{name: reader, token: {token}, {rights}}}]\n")


async def opened(desk: Desk, web: Path, rights: str, path: str) -> None:
    """Open a tab with these rights, and wait until the exporter knows them and reports what changes."""
    grant(web, rights)
    await desk.page.tell("Page.navigate", url="about:blank")
    wanted = yaml.safe_load(f"{{{rights}}}")

    def known() -> bool:
        reader = desk.incident.house.web.current.tokens[-1]
        tenants = None if reader.tenants is None else [*reader.tenants]
        return {*reader.roles} == {*wanted["roles"]} and tenants == wanted.get("tenants")

    await until(known)
    await desk.look()
    await desk.open(path)
    await desk.page.until("stream?.readyState === EventSource.OPEN")


@pytest.mark.parametrize("path", ["/", "/alerts"])
async def test_who_loses_the_role_sees_at_once_what_it_may_still_see(
    desk: Desk, web: Path, path: str
) -> None:
    await opened(desk, web, "roles: [admin]", path)
    # Neither a dialog that is open nor a page that is not live goes on showing it.
    await desk.page.value("at('live').click(); addResult({}).end('PaymentsRefused is resolved.', 'done')")
    await desk.page.value("document.querySelector('button.do').click()")
    assert await desk.page.value("dialog.open")
    grant(web, "roles: [viewer]")
    await desk.page.until("words.stale === 'gone'")
    assert await desk.page.value(f"document.querySelector({json.dumps(FOR_ADMINS)})?.outerHTML") is None
    assert "your role has changed" in await desk.page.value("at('say').innerText")
    # The stream goes on with what the new role may hear of.
    await desk.page.until("stream?.readyState === EventSource.OPEN")


async def test_who_gains_the_role_gets_its_buttons_at_once(desk: Desk, web: Path) -> None:
    await opened(desk, web, "roles: [viewer]", "/")
    assert await desk.page.value("document.querySelector('.do')") is None
    grant(web, "roles: [admin]")
    await desk.page.until("document.querySelector('.do:not([hidden])') !== null && at('alerts') !== null")
    assert await desk.page.value("document.querySelector(\".tabs [href='/alerts']\") !== null")


async def test_who_is_bound_to_another_tenant_no_longer_sees_the_first(desk: Desk, web: Path) -> None:
    await opened(desk, web, "roles: [viewer], tenants: [acme]", "/integrations")
    shown = "document.querySelector('main').innerText"
    assert "acme" in await desk.page.value(shown) and "globex" not in await desk.page.value(shown)
    await desk.page.value("addResult({}).end('Checked payments of acme: 1 connected.', 'done')")
    grant(web, "roles: [viewer], tenants: [globex]")
    await desk.page.until(f"{shown}.includes('globex') && words.stale === 'gone'")
    assert "acme" not in await desk.page.value("document.documentElement.outerHTML")


async def test_who_is_no_longer_known_keeps_nothing_and_comes_back_by_itself(desk: Desk, web: Path) -> None:
    await opened(desk, web, "roles: [admin]", "/alerts")
    grant(web, "roles: [admin]", "another-0123456789abcdef")
    await desk.page.until("words.stale === 'gone'")
    left = f"{FOR_ADMINS}, .tabs, footer"
    assert await desk.page.value(f"document.querySelector({json.dumps(left)})?.outerHTML") is None
    assert "You may not open this page" in await desk.page.value("document.querySelector('main').innerText")
    assert await desk.page.value("document.querySelector('main a').href === location.href")
    grant(web, "roles: [admin]")
    await desk.page.until(
        "(lookWhoReads(), at('active') !== null && document.querySelector('.tabs') !== null)"
    )
    desk.page.complaints.clear()


FOREIGN = {
    "a form to sign in": 'new Response("<main><form>Password</form></main>", {status: 200})',
    "a refusal": 'new Response("no", {status: 403})',
    "a way to another host": '{type: "opaqueredirect", ok: false, status: 0, text: async () => ""}',
}
"""What a proxy answers in place of the exporter."""


@pytest.mark.parametrize("what", FOREIGN)
async def test_what_a_proxy_answers_instead_is_not_shown_and_leaves_nothing(
    desk: Desk, web: Path, what: str
) -> None:
    await opened(desk, web, "roles: [admin]", "/")
    await desk.page.value(
        f"window.fetch = async (...all) => {{ window.given = all; return {FOREIGN[what]}; }}"
    )
    await desk.page.value("renew()")
    assert await desk.page.value("given[1].redirect") == "manual"
    assert "Something else answers here" in await desk.page.value("at('say').innerText")
    left = f"{FOR_ADMINS}, .tabs, footer, form:not(dialog form)"
    assert await desk.page.value(f"document.querySelector({json.dumps(left)})?.outerHTML") is None
    await desk.page.value(scripts.AXE.read_text("utf-8"))
    found = json.loads(await desk.page.value(scripts.LOOK))
    assert [one for one in found if one[0] != "page-has-heading-one"] == []
    # Only a page that the browser itself opens can ask who reads.
    await desk.page.value("document.querySelector('main a').click()")
    await desk.page.until("typeof given === 'undefined' && document.querySelector('.do') !== null")


async def test_a_proxy_without_the_exporter_leaves_the_page_as_it_was(desk: Desk, web: Path) -> None:
    await opened(desk, web, "roles: [admin]", "/")
    await desk.page.value(
        "window.get = fetch; window.fetch = async () => new Response('nothing here', {status: 404});"
        "last = 0; renewSoon()"
    )
    assert "The exporter does not answer (HTTP 404)" in await desk.page.value("at('say').innerText")
    assert await desk.page.value("at('alerts') !== null")
    await desk.page.value("window.fetch = get; last = 0; renewSoon()")
    assert await desk.page.value("[words.stale ?? '', at('say').innerText]") == ["", ""]


async def test_a_page_that_is_no_longer_there_says_so(desk: Desk, web: Path) -> None:
    await opened(desk, web, "roles: [admin]", "/integration")
    await desk.page.value("history.replaceState(null, '', '/no/such'); renew()")
    assert await desk.page.value("document.querySelector('h1').innerText") == "There is no such page"
    assert await desk.page.value("[words.stale ?? '', document.title]") == ["", "There is no such page"]
    await desk.page.value("history.replaceState(null, '', '/alerts?offset=x'); renew()")
    assert await desk.page.value("document.querySelector('main h1').innerText") == (
        "Nothing can be shown by this address"
    )
    desk.page.complaints.clear()
