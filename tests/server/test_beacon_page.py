"""The script of pages in a real browser, under a strict policy."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.event import OTHER
from exporter.core.event_metrics import EVENTS, REJECTED
from exporter.core.event_settings import EventSettings
from exporter.core.metric import Metric
from exporter.events._traffic_series import VIEWS
from exporter.events._widget_series import DURATION, FAILURES, LOADED
from exporter.store.subjects import events
from tests.ingest.reporting import Desk, configuration, desk
from tests.ingest.test_beacon import SHOP
from tests.server.browser import Page, browsing
from tests.server.house import Room, house
from tests.server.shop import Shop, shop
from tests.server.test_access import web_config
from tests.waiting import until

DONATE = 'src="/donate.js" data-widget="donate" data-release="1.4"'
GONE = 'src="/gone.js" data-widget="signup"'


@asynccontextmanager
async def site(directory: Path, *, allowed: bool = True) -> AsyncIterator[tuple[Shop, Desk]]:
    """Run a shop whose pages report to an exporter."""
    async with desk(directory) as intake, shop() as made:
        origins = frozenset({made.origin if allowed else "https://shop.example"})
        site = replace(SHOP, origins=origins, sample=1.0)
        allow = {"widget": ("donate", "signup"), "route": ("/page*", "/orders/{id}"), "release": ("1.*",)}
        intake.intake.apply(configuration(EventSettings(allow, sites={site.key: site})))
        room = Room([], path=web_config(directory), events=intake.intake)
        async with house(room) as exporter:
            made.exporter = exporter.url
            yield made, intake


@asynccontextmanager
async def visiting(url: str, profile: Path, made: Desk, events: int = 0) -> AsyncIterator[Page]:
    """Open a page and leave it at the end of the block; so many events must have come then in all."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is missing; install it, it shows whether pages report"
    async with browsing(chromium, url, profile) as page:
        yield page
        await page.tell("Page.navigate", url="about:blank")
        await page.until("location.href === 'about:blank'")
        await until(lambda: reported(made) >= events)
        faults = [one for one in page.complaints if "Content Security Policy" in one or "w.js" in one]
        assert faults == []


def widgets(made: Desk, metric: Metric, *labels: str) -> float:
    return made.value(metric, "", "", "acme", *labels) or 0.0


def reported(made: Desk) -> float:
    return (made.value(EVENTS, "widget") or 0) + (made.value(EVENTS, "traffic") or 0)


async def test_a_widget_that_loads_and_one_that_does_not_are_reported(tmp_path: Path) -> None:
    async with site(tmp_path) as (made, intake):
        url = made.page(DONATE, GONE, options="async")
        async with visiting(url, tmp_path / "p", intake, 2) as page:
            await page.until("window.donated === 1")
    assert widgets(intake, LOADED, "donate", "1.4") == 1
    assert widgets(intake, FAILURES, "donate", "1.4", "load_error") == 0
    assert widgets(intake, LOADED, "signup", "") == 1
    assert widgets(intake, FAILURES, "signup", "", "load_error") == 1
    assert f'{DURATION.name}_count{{integration="",provider="",widget="donate"}} 1' in intake.body()


async def test_widgets_that_were_there_before_the_script_are_reported_too(tmp_path: Path) -> None:
    async with site(tmp_path) as (made, intake):
        late = made.page(DONATE, GONE, options='type="text/plain" id="late"')
        async with visiting(late, tmp_path / "p", intake, 2) as page:
            await page.value(
                "const one = document.createElement('script'); one.src = document.getElementById('late')"
                ".getAttribute('src'); one.id = 'now'; document.head.append(one)"
            )
            await page.until("window.appw && window.appw.on === 1")
    assert widgets(intake, LOADED, "donate", "1.4") == 1
    assert widgets(intake, FAILURES, "signup", "", "load_error") == 1


async def test_widgets_that_are_put_in_later_are_watched_too(tmp_path: Path) -> None:
    async with site(tmp_path) as (made, intake):
        url = made.page()
        async with visiting(url, tmp_path / "p", intake, 3) as page:
            await page.value(
                "for (const [name, file] of"
                " [['donate', 'donate'], ['donate', 'gone'], ['signup', 'never']]) {"
                "const one = document.createElement('script'); one.dataset.widget = name;"
                "one.dataset.timeout = name === 'signup' ? '0.2' : '60'; one.src = `/${file}.js`;"
                "document.body.append(one) }"
            )
            await page.until("window.donated === 1")
            await page.value("new Promise((done) => setTimeout(done, 400))")
    assert widgets(intake, LOADED, "donate", "") == 2
    assert widgets(intake, FAILURES, "donate", "", "load_error") == 1
    assert widgets(intake, FAILURES, "signup", "", "timeout") == 1


@pytest.mark.parametrize(
    ("script", "error"), [("boom.js", "TypeError boom.js:1:25"), ("promise.js", "RangeError")]
)
async def test_errors_of_a_widgets_own_script_are_reported_without_their_message(
    tmp_path: Path, script: str, error: str
) -> None:
    widget = f'src="/{script}?v=1" data-widget="donate"'
    async with site(tmp_path) as (made, intake):
        url = made.page(widget, 'src="/own.js"')
        async with visiting(url, tmp_path / "p", intake, 2) as page:
            await page.until("document.readyState === 'complete'")
        page_of_widgets = stored(intake)
    assert [(one["outcome"], one.get("error")) for one in page_of_widgets if one["outcome"] != "loaded"] == [
        ("script_error", error)
    ]
    assert widgets(intake, FAILURES, "donate", "", "script_error") == 1
    assert "ann" not in str(page_of_widgets)
    assert {one["route"] for one in page_of_widgets} == {"/page*"}


def stored(made: Desk) -> list[dict[str, object]]:
    page = made.database.read(lambda connection: events.query(connection, "widget"))
    return [dict(one.fields) for one in page.rows]


async def test_a_widget_that_is_not_ready_in_time_is_a_timeout(tmp_path: Path) -> None:
    slow = 'src="/donate.js" data-widget="donate" data-manual data-timeout="0.2"'
    async with (
        site(tmp_path) as (made, intake),
        visiting(made.page(slow, options='data-views data-send="beacon"'), tmp_path / "p", intake, 2) as page,
    ):
        await page.value("new Promise((done) => setTimeout(done, 400))")
        await page.value("appw.push(['loaded', 'donate'])")
    assert widgets(intake, FAILURES, "donate", "", "timeout") == 1
    assert widgets(intake, LOADED, "donate", "") == 1, "what comes after that is the same attempt"


async def test_a_page_may_say_itself_how_a_widget_does(tmp_path: Path) -> None:
    async with site(tmp_path) as (made, intake):
        url = made.page('src="/says.js"', options="async")
        async with visiting(url, tmp_path / "p", intake, 3) as page:
            await page.until("window.appw.on === 1")
    assert widgets(intake, LOADED, "donate", "1.4") == 1
    assert widgets(intake, LOADED, "signup", "") == 1, "what could not be rendered was loaded"
    assert widgets(intake, FAILURES, "signup", "", "render_failure") == 1


async def test_an_error_that_comes_again_and_again_counts_once_for_an_attempt(tmp_path: Path) -> None:
    async with site(tmp_path) as (made, intake), visiting(made.page(), tmp_path / "p", intake, 1) as page:
        await page.value("for (let n = 0; n < 99; n++) appw.push(['failed', 'signup', 'script_error'])")
    assert widgets(intake, FAILURES, "signup", "", "script_error") == 1


async def test_page_views_are_counted_where_the_page_wants_it(tmp_path: Path) -> None:
    async with site(tmp_path) as (made, intake):
        url = made.page(options="data-views")
        async with visiting(url, tmp_path / "p", intake, 2) as page:
            await page.value("appw.push(['view', '/orders/4711?mail=ann'])")
    counted = {
        (route, client): widgets(intake, VIEWS, route, client)
        for route in ("/page*", "/orders/{id}", OTHER)
        for client in ("human", "bot")
    }
    assert sum(counted.values()) == 2
    assert sum(counted["/page*", client] for client in ("human", "bot")) == 1
    assert sum(counted["/orders/{id}", client] for client in ("human", "bot")) == 1


@pytest.mark.parametrize("policy", ["no-referrer", "same-origin"])
@pytest.mark.parametrize("how", ['src="/deaf.js"', ""])
async def test_fetch_sends_where_beacons_are_not_sent(tmp_path: Path, how: str, policy: str) -> None:
    async with site(tmp_path) as (made, intake):
        made.headers = {"Referrer-Policy": policy}
        url = made.page(DONATE, how or 'src="/donate.js"', options="" if how else 'data-send="fetch"')
        async with visiting(url, tmp_path / "p", intake, 1) as page:
            await page.until("window.donated === 1")
    assert widgets(intake, LOADED, "donate", "1.4") == 1


@pytest.mark.parametrize(("sample", "number"), [("0.4", 0), ("0.6", 4)])
async def test_a_page_view_reports_everything_or_nothing(tmp_path: Path, sample: str, number: int) -> None:
    async with site(tmp_path) as (made, intake):
        url = made.page(DONATE, GONE, 'src="/says.js"', options=f'defer data-sample="{sample}"')
        made.pages["/page0"] = made.pages["/page0"].replace(
            "<script", '<script src="/half.js"></script><script', 1
        )
        async with visiting(url, tmp_path / "p", intake, number) as page:
            await page.until("window.appw.on === 1")
        async with visiting(made.page(options="data-views"), tmp_path / "q", intake, 1 + number):
            pass  # what comes after it shows that nothing else is under way
    assert (intake.value(EVENTS, "widget") or 0) == number


async def test_it_never_throws_into_a_page_that_lacks_everything(tmp_path: Path) -> None:
    async with site(tmp_path) as (made, intake):
        url = made.page(DONATE, options="defer")
        made.pages["/page0"] = made.pages["/page0"].replace(
            "<script", '<script src="/poor.js"></script><script', 1
        )
        async with visiting(url, tmp_path / "p", intake) as page:
            await page.until("window.donated === 1")
        assert [one for one in page.complaints if "exception" in one.lower()] == []
    assert not intake.value(EVENTS, "widget")


async def test_a_page_of_another_origin_reports_nothing_and_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path, allowed=False) as (made, intake):
        url = made.page(DONATE)
        async with visiting(url, tmp_path / "p", intake) as page:
            await page.until("window.donated === 1")
            await page.tell("Page.navigate", url="about:blank")
            await until(lambda: intake.value(REJECTED, "", "unknown_page"))
    assert not intake.value(EVENTS, "widget")
