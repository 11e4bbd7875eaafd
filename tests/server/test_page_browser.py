"""The page in a real browser: no complaint, no barrier, and an incident that is handled by keyboard alone."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from exporter.core.changes import BOARD
from exporter.core.manual_alert import MANUAL_ALERT
from exporter.core.reason import Reason
from exporter.server.pages import tabs
from exporter.server.pages._actions import ACTIONS
from tests.server import page_desk as scripts
from tests.server.browser import browsing
from tests.server.incident_room import incident
from tests.server.page_desk import Desk
from tests.server.test_landing import CHROMIUM, sign_in
from tests.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = [tab.path for tab in tabs()]
CONNECTED = "document.querySelector('.numbers .connected strong').textContent"


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
    await desk.page.value(scripts.AXE.read_text("utf-8"))
    assert json.loads(await desk.page.value(scripts.LOOK)) == []
    assert desk.page.complaints == []
    assert await desk.page.value("document.querySelectorAll('.problem').length") == 0
    assert await desk.page.value("getComputedStyle(document.querySelector('.brand')).display") == "flex"
    assert await desk.page.value("document.querySelectorAll('button.do[hidden]').length") == 0


async def test_no_dialog_has_a_barrier(desk: Desk) -> None:
    await desk.look()
    acts: list[str] = []
    # Not the tab of one integration: axe takes its time for drawings, and its actions are on others too.
    for path in (path for path in PATHS if path != "/integration"):
        await desk.open(path)
        await desk.page.value(scripts.AXE.read_text("utf-8"))
        acts, found = await desk.page.value(f"{scripts.DIALOGS}({json.dumps(acts)})")
        assert json.loads(found) == []
    assert {*acts} == {action.name for action in ACTIONS} - scripts.NOT_AT_FIRST


@pytest.mark.parametrize("path", PATHS)
async def test_a_tab_fits_every_width_and_is_legible_in_all_colours(desk: Desk, path: str) -> None:
    await desk.open(path)
    # 640 is a window of 1280 at 200 %.
    for width in (320, 375, 640, 768, 1440):
        for scheme in ("light", "dark"):
            await desk.look(width, scheme)
            assert await desk.page.value("document.documentElement.scrollWidth <= innerWidth"), width
            assert await desk.page.value(scripts.CONTRAST) == [], (width, scheme)
    # 1201 is the narrowest window with columns; a word as long as these may be the name of anything.
    await desk.page.value(scripts.LONG_WORDS)
    for width in (375, 640, 1024, 1201, 1280):
        await desk.look(width)
        assert await desk.page.value("document.documentElement.scrollWidth <= innerWidth"), width
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
    # Its row is gone from here: the keyboard goes on from the heading above.
    await desk.page.until("document.activeElement.id === 'alerts-heading'")
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
    assert await desk.do("End: payments-acme", "End") == "The maintenance window payments-acme is over."
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


@pytest.mark.parametrize("what", scripts.OPENED)
async def test_what_opens_on_a_tab_has_no_barrier_either(desk: Desk, what: str) -> None:
    path, script = scripts.OPENED[what]
    await desk.look()
    await desk.open(path)
    await desk.page.value(script)
    await desk.page.value(scripts.AXE.read_text("utf-8"))
    assert json.loads(await desk.page.value(scripts.LOOK)) == []
    for width in (320, 375, 640):
        await desk.look(width, "dark")
        # What is open follows the window a moment later.
        await desk.page.until("document.documentElement.scrollWidth <= innerWidth")
        assert await desk.page.value(scripts.CONTRAST) == [], width
    # The browser itself reports an answer 404.
    desk.page.complaints.clear()


async def test_a_tab_that_asks_for_the_token_leads_to_where_one_was(desk: Desk) -> None:
    await desk.look()
    await desk.page.tell("Network.clearBrowserCookies")
    try:
        await desk.open("/alerts?severity=high")
        assert "Alerts needs the role admin" in await desk.page.value("document.body.innerText")
        await desk.page.value(scripts.AXE.read_text("utf-8"))
        assert json.loads(await desk.page.value(scripts.LOOK)) == []
    finally:
        await sign_in(desk.page, desk.incident.house)
    assert await desk.page.value("location.pathname + location.search") == "/alerts?severity=high"
    # The browser itself reports the answer 401.
    desk.page.complaints.clear()


@pytest.mark.parametrize("path", ["/", "/alerts"])
async def test_a_page_whose_session_ends_says_so_and_keeps_nothing_of_it(desk: Desk, path: str) -> None:
    await desk.look()
    await desk.open(path)
    try:
        await desk.page.value("void fetch('/sign-out', {method: 'POST', redirect: 'manual'}).then(renewSoon)")
        await desk.page.until("words.stale === 'gone' && !renewing && !due")
        # A later look must neither take the words away nor what is typed into the form.
        await desk.page.value("document.querySelector('.sign [type=password]').value = 'half'; renew()")
        assert await desk.page.value("document.querySelector('.sign [type=password]').value") == "half"
        assert "You are no longer signed in" in await desk.page.value("at('say').innerText")
        seen = "#alerts, #active, #done, .do, template, footer [action$=sign-out], .tabs [href='/alerts']"
        assert await desk.page.value(f"document.querySelector({json.dumps(seen)})?.outerHTML") is None
        assert "No access is configured" in await desk.page.value(
            "document.querySelector('footer').innerText"
        )
    finally:
        await sign_in(desk.page, desk.incident.house)
    assert await desk.page.value("[location.pathname, words.stale ?? '']") == [path, ""]
    desk.page.complaints.clear()


async def test_a_part_that_the_new_page_lacks_goes_and_comes_again(desk: Desk) -> None:
    await desk.look()
    await desk.open("/")
    shown = "[at('alerts') !== null, words.stale ?? '', document.querySelectorAll('.do[hidden]').length]"
    await desk.page.value(scripts.WITHOUT_PART)
    assert await desk.page.value(shown) == [False, "", 0]
    await desk.page.value("renew()")
    assert await desk.page.value(shown) == [True, "", 0]


async def test_a_page_that_nobody_looks_at_keeps_no_connection(desk: Desk) -> None:
    """A browser has six for a host: tabs of the page that wait behind others must not use them up."""
    await desk.open("/integrations")
    await desk.page.until("stream?.readyState === EventSource.OPEN")
    await desk.page.value(scripts.HIDE.format("true"))
    assert await desk.page.value("stream") is None
    desk.incident.turn("mail", "", "connected")
    try:
        await desk.page.value(scripts.HIDE.format("false"))
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
    assert said.startswith("Could not unblock 203.0.113.7: nobody of that name is blocked by this policy")
    # The dialog says it too, and what was typed is still there to be sent again.
    assert await desk.page.value("[dialog.open, at('ask-refusal').textContent]") == [True, said]
    assert await desk.page.value("document.querySelector('#ask [name=reason]').value") == "a slip"
    await desk.page.value("at('ask-yes').click()")
    await desk.page.until("at('ask-refusal').textContent !== ''")
    assert await desk.page.value("document.querySelectorAll('#results li.failed').length") == 1
    await desk.press("Escape")
    await desk.page.until("!dialog.open && document.activeElement.dataset.act === 'unblock'")
    await desk.page.value("document.querySelector('#results button').click()")
    assert await desk.page.value("document.querySelectorAll('#results li').length") == 0
    assert await desk.page.value("document.activeElement.dataset.act") == "unblock"
    # The browser itself reports the answer 404.
    desk.page.complaints.clear()


async def test_who_blocks_somebody_again_reads_of_the_block_before(desk: Desk) -> None:
    await desk.look()
    await desk.open("/rate-limits")
    ask = "Block an identifier"
    said = await desk.do(ask, ask, identifier="198.51.100.9", reason="a scan")
    assert said.startswith("198.51.100.9 is blocked until ") and "takes the place" not in said
    again = await desk.do(ask, ask, identifier="198.51.100.9", reason="it guesses")
    before = "It takes the place of the block by "
    assert before in again and again.endswith(", with the reason: a scan")


async def test_what_a_vendor_said_is_text_wherever_it_is_shown(desk: Desk) -> None:
    for path in ("/", "/errors", "/integrations"):
        await desk.open(path)
        assert '<script>alert("x")' in await desk.page.value("document.body.innerText")
    assert desk.page.complaints == []


async def test_a_change_is_seen_soon_and_what_a_person_does_meanwhile_stays(desk: Desk) -> None:
    await desk.look()
    # The page is renewed by itself, too: not here, where the stream alone is to do it.
    without = await desk.page.tell(
        "Page.addScriptToEvaluateOnNewDocument", source="window.setInterval = () => 0"
    )
    await desk.open("/integrations")
    await desk.page.tell("Page.removeScriptToEvaluateOnNewDocument", **without)
    await desk.tab_to("Check now: mail")
    desk.incident.turn("mail", "", "connected")
    try:
        async with asyncio.timeout(PATIENCE):
            while await desk.page.value(CONNECTED) != "3":
                desk.incident.room.feed.note(BOARD, "mail", "")
                await asyncio.sleep(0.2)
    finally:
        desk.incident.turn("mail", "", "unknown")
    assert await desk.page.value("document.activeElement.dataset.about") == "mail"


async def test_a_part_that_is_pressed_or_copied_from_is_exchanged_later(desk: Desk) -> None:
    await desk.open("/rate-limits")
    await desk.page.value("stream?.close()")
    # The part differs from what comes, as after a change.
    part = "(document.getElementById('blocks').dataset.old ??= '1', document.getElementById('blocks'))"
    old = "document.getElementById('blocks').dataset.old === '1'"
    await desk.page.value(f"getSelection().selectAllChildren({part})")
    await desk.page.value("renew()")
    assert await desk.page.value(old)
    await desk.page.value("getSelection().removeAllRanges()")
    x, y = await desk.place("[data-act=unblock]")
    mouse: dict[str, Any] = {"x": x, "y": y, "button": "left", "clickCount": 1}
    await desk.page.tell("Input.dispatchMouseEvent", type="mousePressed", **mouse)
    await desk.page.value("renew()")
    assert await desk.page.value(f"{old} && due")
    await desk.page.tell("Input.dispatchMouseEvent", type="mouseReleased", **mouse)
    await desk.page.until("dialog.open")
    await desk.press("Escape")
    await desk.page.until(f"!({old})")


async def test_an_address_has_only_what_was_filled_in(desk: Desk) -> None:
    await desk.open("/errors")
    await desk.page.value(
        "document.querySelector('.filters [name=reason]').value = 'dns';"
        "document.querySelector('.filters button').click()"
    )
    await desk.page.until("location.search !== ''")
    assert await desk.page.value("location.search") == "?reason=dns"


async def test_a_page_that_is_not_live_stays_as_it_is_until_it_is_asked(desk: Desk) -> None:
    await desk.open("/")
    await desk.page.value("document.getElementById('live').click()")
    desk.incident.room.feed.note(BOARD, "mail", "")
    await desk.page.value("renewSoon()")
    assert await desk.page.value("[renewing, due]") == [False, True]
    assert await desk.page.value("/off[^]*is off/.test(liveSwitch.innerText + at('verdict').innerText)")
    await desk.page.value("document.getElementById('live').click()")
    await desk.page.until("due === false && renewing === false")


async def test_results_leave_most_of_the_window_to_the_page_and_never_cover_the_focus(desk: Desk) -> None:
    await desk.open("/webhooks")
    long = "Could not pause acme: " + "the endpoint was removed meanwhile, " * 4
    await desk.page.value(f"for (let n = 0; n < 8; n += 1) addResult({{}}).start({json.dumps(long)})")
    for width, height in ((375, 667), (640, 360)):
        await desk.look(width, height=height)
        await desk.page.until(f"innerWidth === {width}")
        assert await desk.page.value("at('results').offsetHeight <= innerHeight * 0.31")
        # Legible beside its bar and its button.
        assert await desk.page.value("document.querySelector('#lines span').offsetWidth > 180")
        # The page keeps room for the results a frame after their height has changed.
        room = "document.documentElement.style.scrollPaddingTop"
        await desk.page.until(f"{room} === `${{at('results').offsetHeight + 16}}px`")
        # By keyboard from the last control up, so that each comes from above the window.
        await desk.page.value("scrollTo(0, document.body.scrollHeight)")
        await desk.page.value("[...document.querySelectorAll('footer a')].pop().focus()")
        for _ in range(40):
            await desk.press("Tab", back=True)
            assert not await desk.page.value(scripts.COVERED)
    await desk.page.value("at('dismiss-all').click()")
    assert await desk.page.value("[at('lines').childElementCount, at('results').offsetHeight]") == [0, 0]
    assert await desk.page.value("document.activeElement.id") == "content"


async def test_the_focus_stays_at_the_row_of_a_button_that_is_gone(desk: Desk) -> None:
    await desk.look()
    await desk.open("/webhooks")
    assert await desk.do("Pause: fixed", "Pause") == "fixed is paused."
    await desk.page.until("document.querySelector('[data-act=activate]') !== null")
    assert await desk.page.value("[document.activeElement.tagName, document.activeElement.dataset.row]") == [
        *("TR", "fixed acme"),
    ]
    assert await desk.do("Activate: fixed", "Activate") == "fixed is active."


async def test_a_renewal_starts_a_second_after_the_last_one_started(desk: Desk) -> None:
    """By a clock of the page that the test moves: counted from its end, changes would be seen too late."""
    await desk.open("/statistics")
    # A change at this moment would be one renewal more.
    await desk.page.until("stream?.close() || (!renewing && !due)")
    found = await desk.page.value(scripts.WAITS)
    # What took 700 ms is asked for again after twice as long.
    assert found == [0, 700, 700]


async def test_a_result_is_as_good_as_its_rows(desk: Desk) -> None:
    await desk.open("/integration")
    assert await desk.page.value(scripts.RESULTS) == scripts.ENDED
