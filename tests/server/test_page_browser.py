"""The page in a real browser: no complaint, no barrier, and an incident that is handled by keyboard alone."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exporter.core.changes import BOARD
from exporter.core.manual_alert import MANUAL_ALERT
from exporter.core.reason import Reason
from exporter.server.pages import tabs
from tests.server.browser import Page, browsing
from tests.server.incident_room import Incident, incident
from tests.server.test_landing import CHROMIUM, sign_in
from tests.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
PATHS = [tab.path for tab in tabs()]
QUERIES = {"/integration": "?integration=payments&tenant=acme", "/delivery": "?id=deliver/fixed/evt_0"}
CONNECTED = "document.querySelector('.numbers .connected strong').textContent"
LOOK = """axe.run(document, {resultTypes: ["violations"]}).then((found) => JSON.stringify(
  found.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 160))])))"""


# Every text must stand out from its ground by 4.5 to 1, large and small alike
# (https://www.w3.org/TR/WCAG22/#contrast-minimum).
CONTRAST = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const rgb = parts(getComputedStyle(one).backgroundColor);
      if (rgb.length === 3 || rgb[3] > 0) return rgb;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || one.closest("[hidden], .hidden, script, noscript, option")) continue;
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(one.className + ": " + one.textContent.trim().slice(0, 20));
  }
  return poor;
})()"""


@dataclass
class Desk:
    """An incident, and the browser of who handles it."""

    incident: Incident
    page: Page

    async def open(self, path: str) -> None:
        """Open a tab, and wait until its script has run."""
        url = self.incident.house.url + path + QUERIES.get(path, "")
        await self.page.tell("Page.navigate", url=url)
        await self.page.until(
            f"location.href === {json.dumps(url)} && document.readyState === 'complete'"
            " && document.getElementById('live') && !document.getElementById('live').hidden"
        )

    async def look(self, width: int = 1280, scheme: str = "light", forced: bool = False) -> None:
        """Let the window be so wide, and the reader prefer such colours."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        await self.page.tell("Emulation.setDeviceMetricsOverride", **size)
        features = {"prefers-color-scheme": scheme, "forced-colors": "active" if forced else "none"}
        given = [{"name": name, "value": value} for name, value in features.items()]
        await self.page.tell("Emulation.setEmulatedMedia", features=given)

    async def press(self, key: str, times: int = 1) -> None:
        """Press a key of the keyboard."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        for _ in range(times):
            given: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
            text = {"text": "\r"} if key == "Enter" else {}
            await self.page.tell("Input.dispatchKeyEvent", type="keyDown", **given, **text)
            await self.page.tell("Input.dispatchKeyEvent", type="keyUp", **given)

    async def write(self, text: str) -> None:
        """Type a text."""
        await self.page.tell("Input.insertText", text=text)

    async def tab_to(self, name: str) -> None:
        """Press the tabulator until what is called `name` has the focus."""
        script = "document.activeElement.textContent.trim().replace(/\\s+/g, ' ')"
        await self.reach(
            f"{script}.includes({json.dumps(name)})"
            " && document.activeElement !== document.body && document.activeElement.id !== 'content'"
        )

    async def reach(self, there: str) -> None:
        """Press the tabulator until `there` is true."""
        async with asyncio.timeout(PATIENCE):
            for _ in range(400):
                if await self.page.value(there):
                    return
                await self.press("Tab")
        raise AssertionError(f"the tabulator never reaches it: {there}")

    async def go(self, link: str, path: str) -> None:
        """Follow a link by keyboard, and wait until the script of the next page has run."""
        await self.tab_to(link)
        await self.press("Enter")
        await self.page.until(
            f"location.pathname === {json.dumps(path)} && document.readyState === 'complete'"
            " && document.getElementById('live') && !document.getElementById('live').hidden"
        )

    async def do(self, button: str, label: str, **fields: str) -> str:
        """Press a button by keyboard, fill in `fields`, confirm by the button `label`; return the result."""
        await self.page.value("document.querySelectorAll('#results button').forEach((one) => one.click())")
        await self.tab_to(button)
        await self.press("Enter")
        await self.page.until("document.getElementById('ask').open")
        for name, text in fields.items():
            await self.reach(f"document.activeElement.name === {json.dumps(name)}")
            await self.write(text)
        await self.tab_to(label)
        await self.press("Enter")
        return await self.result()

    async def result(self) -> str:
        """Return the newest result once it is there."""
        line = "document.querySelector('#results li.done, #results li.failed')"
        await self.page.until(f"{line} !== null && document.querySelector('#results progress') === null")
        return str(await self.page.value(f"{line}.firstChild.textContent"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    if CHROMIUM is None:
        pytest.fail("chromium is missing; install it, it shows whether the page runs in a browser")
    async with incident(tmp_path_factory.mktemp("incident")) as made:
        profile = tmp_path_factory.mktemp("profile")
        async with browsing(CHROMIUM, made.house.url + "/", profile) as page:
            await sign_in(page, made.house)
            yield Desk(made, page)


@pytest.mark.parametrize("path", PATHS)
async def test_a_tab_runs_within_its_content_policy_and_without_barriers(desk: Desk, path: str) -> None:
    await desk.look()
    await desk.open(path)
    assert await desk.page.value("document.documentElement.scrollWidth <= innerWidth")
    await desk.page.value(AXE.read_text("utf-8"))
    assert json.loads(await desk.page.value(LOOK)) == []
    assert desk.page.complaints == []
    assert await desk.page.value("document.querySelectorAll('.problem').length") == 0
    assert await desk.page.value("getComputedStyle(document.querySelector('.brand')).display") == "flex"
    assert await desk.page.value("document.querySelectorAll('button.do[hidden]').length") == 0


@pytest.mark.parametrize("path", PATHS)
async def test_a_tab_fits_every_width_and_is_legible_in_all_colours(desk: Desk, path: str) -> None:
    await desk.open(path)
    # 640 is a window of 1280 at 200 %.
    for width in (320, 375, 640, 768, 1440):
        for scheme in ("light", "dark"):
            await desk.look(width, scheme)
            assert await desk.page.value("document.documentElement.scrollWidth <= innerWidth"), width
            assert await desk.page.value(CONTRAST) == [], (width, scheme)
    await desk.look(375, forced=True)
    assert await desk.page.value("document.documentElement.scrollWidth <= innerWidth")


async def test_an_incident_is_handled_by_keyboard_alone(desk: Desk) -> None:
    """From the first check that fails over its alert to the review of who looked around."""
    await desk.look()
    made = desk.incident
    await desk.open("/")
    failing = "document.querySelector('.numbers .error strong').textContent"
    assert await desk.page.value(failing) == "2"
    # Nobody touches the page: it shows by itself what fails, and that it fires.
    made.turn("payments", "globex", "error", Reason.AUTH)
    await desk.page.until(f"{failing} === '3'")
    await made.fire(tenant="globex", alertname="PaymentsRefused")
    alert = "PaymentsRefused payments globex"
    await desk.page.until("document.getElementById('alerts').textContent.includes('PaymentsRefused')")

    said = await desk.do(f"Acknowledge: {alert}", "Acknowledge", note="I am at it")
    assert said.startswith(f"{alert} is acknowledged until ")
    await desk.go("Alerts", "/alerts")
    await desk.page.until("document.querySelector('#active .state.acknowledged') !== null")
    assert "I am at it" in await desk.page.value("document.getElementById('done').textContent")
    assert await desk.do(f"Assign: {alert}", "Assign", assignee="ada") == f"{alert} is assigned to ada."

    await desk.go("Overview", "/")
    await desk.go("payments critical", "/integration")
    # Whoever looks into something finds it again on the other tabs.
    assert await desk.do("Check now: payments", "Check now") == "Checked payments: 2 connected."
    assert sorted(made.room.checked[-2:]) == ["payments/acme", "payments/globex"]
    made.turn("payments", "globex", "connected")
    await made.fire(-1, tenant="globex", alertname="PaymentsRefused")
    await desk.go("Alerts", "/alerts")
    await desk.page.until("!document.getElementById('active').textContent.includes('PaymentsRefused')")
    assert await desk.page.value("location.search") == "?integration=payments"

    # What was fired by hand a person resolves.
    said = await desk.do("Fire an alert", "Fire an alert", service="payments", message="refunds by hand")
    assert said.startswith("The alert fires: ")
    by_hand = f"{MANUAL_ALERT} payments"
    await desk.page.until(f"document.getElementById('active').textContent.includes('{MANUAL_ALERT}')")
    assert await desk.do(f"Resolve: {by_hand}", "Resolve", note="paid") == f"{by_hand} is resolved."

    await desk.go("Security", "/security")
    said = await desk.do("Review: ", "Review", note="it was a drill")
    assert re.fullmatch(r"Entry \d+ is reviewed by admin-session\.", said)
    await desk.page.until("document.querySelector('#flagged .empty') !== null")
    assert desk.page.complaints == []


async def test_maintenance_is_started_and_ended_by_keyboard_alone(desk: Desk) -> None:
    await desk.look()
    await desk.open("/integration")
    said = await desk.do("Start maintenance", "Start maintenance", comment="the key is replaced")
    assert said.startswith("The maintenance window payments-acme is open until ")
    (window,) = desk.incident.keeper.windows()
    assert (window.integrations, window.tenants) == (("payments",), ("acme",))
    assert window.once is not None and window.once.ends - window.once.starts == 3600
    await desk.page.until("document.getElementById('maintenance').textContent.includes('payments-acme')")
    await desk.go("Alerts", "/alerts")
    assert "the key is replaced" in await desk.page.value("document.getElementById('windows').textContent")
    assert await desk.do("End: payments-acme", "End") == "The maintenance payments-acme is over."
    await desk.page.until("document.querySelector('#windows .empty') !== null")
    assert desk.incident.keeper.windows() == []


async def test_a_list_of_names_may_be_changed_or_emptied(desk: Desk) -> None:
    await desk.open("/integration")
    button = "document.querySelector('[data-act=maintain]')"
    await desk.page.value(f"{button}.click()")
    field = "document.querySelector('#ask [name={}]').value"
    assert [await desk.page.value(field.format(name)) for name in ("integrations", "tenants", "for")] == [
        *("payments", "acme", "1h")
    ]
    await desk.page.value(f"{field.format('integrations')} = 'payments, calendar'")
    await desk.page.value(f"{field.format('tenants')} = ''")
    found = json.loads(await desk.page.value("JSON.stringify(filledIn(document.querySelector('#ask form')))"))
    assert found == {"integrations": ["payments", "calendar"], "for": "1h"}
    await desk.page.value("document.getElementById('ask-no').click()")


OPENED = {
    "a confirmation": ("/alerts", "document.querySelector('[data-act=fire]').click()"),
    "a warning": ("/rate-limits", "document.querySelector('[data-act=block]').click()"),
    "fold-outs": (
        "/integration",
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })",
    ),
    "a result and an error": (
        "/webhooks",
        "addResult('Working…').progress(1, 3);"
        "addResult('Failed').end('It failed: no such endpoint', 'failed');"
        "document.body.dataset.stale = '1'; say('The exporter does not answer');",
    ),
    "a part that cannot be read": ("/errors?reason=odd", ""),
    "a page that there is not": ("/no/such", ""),
}


@pytest.mark.parametrize("what", OPENED)
async def test_what_opens_on_a_tab_has_no_barrier_either(desk: Desk, what: str) -> None:
    path, script = OPENED[what]
    await desk.look()
    await desk.open(path)
    await desk.page.value(script)
    await desk.page.value(AXE.read_text("utf-8"))
    assert json.loads(await desk.page.value(LOOK)) == []
    for width in (320, 375, 640):
        await desk.look(width, "dark")
        # What is open follows the window a moment later.
        await desk.page.until("document.documentElement.scrollWidth <= innerWidth")
        assert await desk.page.value(CONTRAST) == [], width
    # The browser itself reports an answer 404.
    desk.page.complaints.clear()


async def test_a_tab_that_asks_for_the_token_leads_to_where_one_was(desk: Desk) -> None:
    await desk.look()
    await desk.page.tell("Network.clearBrowserCookies")
    try:
        await desk.open("/alerts?severity=high")
        assert "Alerts needs the role admin" in await desk.page.value("document.body.innerText")
        await desk.page.value(AXE.read_text("utf-8"))
        assert json.loads(await desk.page.value(LOOK)) == []
    finally:
        await sign_in(desk.page, desk.incident.house)
    assert await desk.page.value("location.pathname + location.search") == "/alerts?severity=high"
    # The browser itself reports the answer 401.
    desk.page.complaints.clear()


async def test_a_page_that_nobody_looks_at_keeps_no_connection(desk: Desk) -> None:
    """A browser has six for a host: tabs of the page that wait behind others must not use them up."""
    hide = (
        "Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {}}});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await desk.open("/integrations")
    await desk.page.until("stream?.readyState === EventSource.OPEN")
    await desk.page.value(hide.format("true"))
    assert await desk.page.value("stream") is None
    desk.incident.turn("mail", "", "connected")
    try:
        await desk.page.value(hide.format("false"))
        await desk.page.until("stream?.readyState === EventSource.OPEN")
        # It has missed the change, and looks at once.
        await desk.page.until(f"{CONNECTED} === '3'")
    finally:
        desk.incident.turn("mail", "", "unknown")


async def test_escape_leaves_everything_as_it_was_and_gives_the_focus_back(desk: Desk) -> None:
    await desk.look()
    await desk.open("/webhooks")
    await desk.tab_to("Pause: fixed")
    await desk.press("Enter")
    await desk.page.until("document.getElementById('ask').open")
    await desk.press("Escape")
    await desk.page.until("!document.getElementById('ask').open")
    assert "Pause" in await desk.page.value("document.activeElement.textContent")
    assert await desk.page.value("document.querySelectorAll('#results li').length") == 0
    assert desk.incident.room.endpoints is not None
    assert desk.incident.room.endpoints.entries()[0].state == "active"


async def test_a_refusal_says_why_and_stays_readable(desk: Desk) -> None:
    await desk.look()
    await desk.open("/rate-limits")
    button = "document.querySelector('[data-act=unblock]')"
    await desk.page.value(
        f"{button}.dataset.body = JSON.stringify({{policy: 'login', identifier: 'nobody'}})"
    )
    await desk.page.value(f"{button}.click()")
    await desk.page.value("document.querySelector('#ask [name=reason]').value = 'a slip'")
    await desk.page.value("document.getElementById('ask-yes').click()")
    said = await desk.result()
    assert said == "Could not unblock 203.0.113.7: nobody of that name is blocked by this policy"
    await desk.page.value("document.querySelector('#results button').click()")
    assert await desk.page.value("document.querySelectorAll('#results li').length") == 0
    # The browser itself reports the answer 404.
    desk.page.complaints.clear()


async def test_what_a_vendor_said_is_text_wherever_it_is_shown(desk: Desk) -> None:
    for path in ("/", "/errors", "/integrations"):
        await desk.open(path)
        assert '<script>alert("x")' in await desk.page.value("document.body.innerText")
    assert desk.page.complaints == []


async def test_a_change_is_seen_soon_and_what_a_person_does_meanwhile_stays(desk: Desk) -> None:
    made = desk.incident
    await desk.look()
    # Each half minute the page is renewed by itself: not here, where the stream alone is to do it.
    without = await desk.page.tell(
        "Page.addScriptToEvaluateOnNewDocument", source="window.setInterval = () => 0"
    )
    await desk.open("/integrations")
    await desk.page.tell("Page.removeScriptToEvaluateOnNewDocument", **without)
    await desk.tab_to("Check now: mail")
    made.turn("mail", "", "connected")
    try:
        async with asyncio.timeout(PATIENCE):
            while await desk.page.value(CONNECTED) != "3":
                made.room.feed.note(BOARD, "mail", "")
                await asyncio.sleep(0.2)
    finally:
        made.turn("mail", "", "unknown")
    assert await desk.page.value("document.activeElement.dataset.about") == "mail"


async def test_a_page_that_is_not_live_stays_as_it_is_until_it_is_asked(desk: Desk) -> None:
    await desk.open("/integrations")
    await desk.page.value("document.getElementById('live').click()")
    desk.incident.room.feed.note(BOARD, "mail", "")
    await desk.page.value("renewSoon()")
    assert await desk.page.value("[renewing, due]") == [False, True]
    await desk.page.value("document.getElementById('live').click()")
    await desk.page.until("due === false && renewing === false")
