"""The tab of targets: what it says, to whom, with script and without."""

import os
import re
import shutil
from pathlib import Path

import pytest

from exporter.core.notifications import Notifications
from exporter.core.probe import Result
from exporter.core.reason import Reason
from exporter.server.pages import tabs
from tests.server.browser import Page, browsing
from tests.server.house import NOW, House, Room, bearer, house, state

TAB = "/integrations"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def room() -> Room:
    return Room(
        [
            state("calendar", "acme"),
            state("calendar", "globex", "error", Reason.TIMEOUT, detail="No answer after 10 s.", failures=3),
            state("sms", status="not_configured"),
            state("mail", status="unknown"),
            state("payments", "", "error", Reason.AUTH, critical=True, failures=1),
        ]
    )


def rows(page: str) -> list[str]:
    return re.findall(r'<span class="name"><a href="[^"]+">([^<]+)</a></span>', page)


async def test_failing_targets_come_first_and_critical_ones_before_others() -> None:
    async with house(room()) as made:
        assert rows((await made.ask(TAB)).text) == ["payments", "calendar", "mail", "sms", "calendar"]


async def test_a_state_is_a_symbol_a_word_and_the_meaning_of_its_reason() -> None:
    async with house(room()) as made:
        page = (await made.ask(TAB)).text
    for text in (
        "</i> failing",
        "</i> not configured",
        "</i> not checked yet",
        "</i> connected",
        "The credential was rejected: wrong, expired or revoked.",
        "No answer after 10 s.",
        "3 times",
        "<title>(2) Integrations</title>",
    ):
        assert text in page


async def test_what_a_vendor_said_cannot_become_markup() -> None:
    evil = '<script>alert("x")</script><img src=x onerror=y>'
    async with house(Room([state("a", status="error", reason=Reason.AUTH, detail=evil)])) as made:
        for path in (TAB, TAB + "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"):
            page = (await made.ask(path)).text
            assert "<script>alert" not in page and "<img src=x" not in page
    assert 'style="' not in page and "<style" not in page and "onclick" not in page


async def test_the_filter_works_by_the_query_alone() -> None:
    async with house(room()) as made:
        assert rows((await made.ask(TAB + "?q=globex")).text) == ["calendar"]
        assert rows((await made.ask(TAB + "?q=calendar+timeout")).text) == ["calendar"]
        assert rows((await made.ask(TAB + "?status=error")).text) == ["payments", "calendar"]
        nothing = (await made.ask(TAB + "?q=nonesuch")).text
        assert rows(nothing) == [] and "No target matches the filter" in nothing


async def test_ten_thousand_targets_are_shown_in_pages() -> None:
    many = Room([state("calendar", f"t{n:05}") for n in range(10_000)])
    async with house(many) as made:
        page = (await made.ask(TAB + "?q=calendar")).text
        assert len(rows(page)) == 100 and "1\N{EN DASH}100 of 10,000" in page
        assert 'href="/integrations?q=calendar&amp;offset=100"' in page
        last = (await made.ask(TAB + "?offset=9900")).text
        assert len(rows(last)) == 100 and ">Next</a>" not in last


async def test_an_empty_board_says_what_to_do() -> None:
    async with house(Room([])) as made:
        assert "There is no target yet. Add an integration" in (await made.ask(TAB)).text


async def test_only_admins_get_buttons(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(
        "bearer_tokens:\n"
        "  - {name: v, token: viewer-0123456789abcdef, roles: [viewer]}\n"
        "  - {name: a, token: admin-0123456789abcdef, roles: [admin]}\n"
    )
    made_room = room()
    made_room.path = path
    async with house(made_room) as made:
        viewer = (await made.ask(TAB, headers=bearer("viewer-0123456789abcdef"))).text
        admin = (await made.ask(TAB, headers=bearer("admin-0123456789abcdef"))).text
    assert "Check now" not in viewer and "Signed in as v (token)." in viewer
    assert admin.count(">Check now<") == 5 and ">Check all now<" in admin


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s ago"),
        (59, "59 s ago"),
        (115, "1 min ago"),
        (120, "2 min ago"),
        (3599, "59 min ago"),
        (7100, "1 h 58 min ago"),
        (7200, "2 h ago"),
        (2 * 86_400 + 4 * 3600 + 59, "2 d 4 h ago"),
        (86_400, "1 d ago"),
    ],
)
async def test_times_are_in_whole_minutes_from_one_minute_on(seconds: float, words: str) -> None:
    async with house(Room([state("a", since=NOW - seconds)])) as made:
        assert f">{words}</time>" in (await made.ask(TAB)).text


async def test_a_run_takes_no_zero_milliseconds_and_what_is_not_asked_takes_none() -> None:
    quick = state("quick", result=Result(NOW, 0.0002))
    idle = state("idle", status="not_configured", result=Result(NOW, 0.0))
    async with house(Room([quick, idle])) as made:
        page = (await made.ask(TAB)).text
    cells = re.findall(r'data-name="Took" class="number">(.*?)</td>', page, re.DOTALL)
    assert ["none" in cell for cell in cells] == [True, False] and "&lt;1 ms" in cells[1]


async def test_what_programs_read_opens_beside_the_page_and_grafana_is_linked_where_it_is_known() -> None:
    made_room = room()
    async with house(made_room) as made:
        page = (await made.ask(TAB)).text
        assert "Grafana" not in page
        for path in re.findall(r'href="(/(?:api|metrics|config|-)[^"]*)"([^>]*)>', page):
            # A download leaves the page where it is, too.
            assert 'target="_blank"' in path[1] or path[1] == " download", path
        made_room.notifications = Notifications(grafana_url="https://grafana.example/")
        assert '<a href="https://grafana.example/" rel="noreferrer">Grafana</a>' in (await made.ask(TAB)).text


async def test_without_access_rules_the_page_says_who_may_use_it() -> None:
    async with house(room()) as made:
        page = (await made.ask(TAB, admin=False)).text
        mine = (await made.ask(TAB)).text
    assert "No access is configured: anyone on this machine may read." in page
    assert 'action="/sign-in"' in page and "Check now" not in page and 'href="/config"' not in page
    assert "Signed in with the admin token." in mine and 'href="/config"' in mine


async def test_on_a_phone_what_is_connected_takes_one_line(chromium: str, tmp_path: Path) -> None:
    many = Room([state("calendar", f"t{n}") for n in range(8)])
    async with house(many) as made, browsing(chromium, made.url + TAB, tmp_path) as page:
        await page.tell(
            "Emulation.setDeviceMetricsOverride", width=375, height=900, deviceScaleFactor=1, mobile=False
        )
        heights = await page.value(
            "[...document.querySelectorAll('tbody tr')].map((row) => row.getBoundingClientRect().height)"
        )
    assert len(heights) == 8 and max(heights) < 60


def fields(page: str) -> list[str]:
    """Return what can be filled in without a script, which alone uses templates."""
    return re.findall(
        r'<(?:input(?! type="hidden)|select|textarea)\b', re.sub("(?s)<template.*?</template>", "", page)
    )


@pytest.mark.parametrize("signed_in", [True, False])
async def test_without_script_a_page_reloads_itself_where_nothing_is_filled_in(signed_in: bool) -> None:
    refresh, found = '<noscript><meta http-equiv="refresh" content="30"></noscript>', set()
    async with house(room()) as made:
        for tab in tabs():
            page, asked = [
                (await made.ask(tab.path + query, admin=signed_in, headers={"Accept": "text/html"})).text
                for query in ("", "?reload=yes&tenant=acme")
            ]
            assert (refresh in page) != bool(fields(page)), tab.path
            found.add(bool(fields(page)))
            if signed_in:
                assert refresh in asked and fields(asked) == [], tab.path
                assert f'<a href="{tab.path}?tenant=acme">Show the fields' in asked
    assert found == ({True, False} if signed_in else {True})


async def test_without_script_buttons_are_left_out() -> None:
    async with house(room()) as made:
        page = (await made.ask(TAB)).text
        assert re.findall(r'<button type="button" class="do[^>]*hidden>', page)
        script = await made.ask("/assets/page.js")
        assert script.headers["content-type"].startswith("text/javascript")
        assert (await made.ask("/assets/..%2ftargets.html")).status == 404
        assert (await made.ask("/assets/targets.html")).status == 404


@pytest.fixture
def chromium() -> str:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing; install it, it shows whether the page runs in a browser")
        pytest.skip("chromium is not installed, so the page was not looked at in a browser")
    return CHROMIUM


async def sign_in(page: Page, made: House) -> None:
    """Give the token in the form, as a person does."""
    token = made.admin["Authorization"].removeprefix("Bearer ")
    await page.until("document.querySelector('.sign [type=password]') !== null")
    await page.value(f"document.querySelector('.sign [type=password]').value = '{token}'")
    await page.value("document.querySelector('.sign button').click()")
    await page.until("document.body && document.body.innerText.includes('Signed in with the admin token')")


async def test_a_browser_signs_in_by_the_form_and_out_again(chromium: str, tmp_path: Path) -> None:
    async with house(room()) as made, browsing(chromium, made.url + TAB, tmp_path) as page:
        await sign_in(page, made)
        assert await page.value("document.cookie") == ""  # scripts do not see it
        await page.value("document.querySelector('.sign button').click()")
        await page.until("document.querySelector('.sign [type=password]') !== null")
        assert await page.value("document.querySelector('button.do')") is None
        assert page.complaints == []
