"""Every link of every tab leads to what its words say, and to nothing that its reader may not see."""

import re
import time
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
import pytest_asyncio
from yarl import URL

from exporter.core.hours import DAY, hour_of
from exporter.core.manual_alert import MANUAL_ALERT
from exporter.core.notice import Notice
from exporter.core.probe import TargetKey
from exporter.core.summary import Summary
from exporter.core.usage import QUOTA, RATE_LIMIT, UsageKey, UsageSum
from exporter.server.pages import tabs
from exporter.store.subjects import notices, summaries
from tests.server.house import bearer
from tests.server.incident_room import Incident, incident
from tests.server.page_desk import QUERIES
from tests.server.test_access import TOKENS, web_config

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINK = re.compile(r'<a\b[^>]*? href="([^"]+)"')
PAGE = {"Accept": "text/html"}
NARROWED = "?integration=payments&tenant=acme"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Incident]:
    folder: Path = tmp_path_factory.mktemp("links")
    async with incident(folder, web_config(folder)) as found:
        fired = Notice(
            time.time(), "firing", MANUAL_ALERT, "low", "newsletter", "", "", "e" * 16, time.time()
        )
        with found.stage.database.writing() as connection:
            notices.add_new(connection, [[fired]])
            summaries.add(connection, dict(map(_allowances, (0, 9))))
        yield found


def _allowances(days: int) -> tuple[tuple[TargetKey, int], Summary]:
    """Return a check of so many days ago that found a quota and a bucket of calls."""
    hour = hour_of(time.time() - days * DAY)
    one = Summary(hour, "stripe")
    one.add_usages({UsageKey(kind, "calls"): UsageSum(1, 10.0 + days, 100.0) for kind in (QUOTA, RATE_LIMIT)})
    return (("payments", "acme"), hour), one


@pytest.mark.parametrize("about", ["", "acme"])
async def test_a_number_of_the_overview_leads_to_as_many_rows(made: Incident, about: str) -> None:
    headers = PAGE | bearer(TOKENS["admin"])
    overview = (await made.house.ask(f"/?tenant={about}", headers=headers)).text
    (numbers,) = re.findall(r'<ul class="numbers".*?</ul>', overview, re.DOTALL)
    found = re.findall(r'<a href="([^"]+)"><strong>(\d+)</strong>', numbers)
    assert len(found) == 5
    for link, number in found:
        page = (await made.house.ask(unescape(link), headers=headers)).text
        (rows,) = re.findall(r'<div id="(?:rows|active)".*?</div>', page, re.DOTALL)
        assert rows.count('<th role="rowheader"') == int(number), link


async def test_what_no_integration_is_called_has_no_link_to_one(made: Incident) -> None:
    page = (await made.house.ask("/alerts", headers=PAGE | bearer(TOKENS["admin"]))).text
    (history,) = re.findall(r'<div id="history".*?</div>', page, re.DOTALL)
    assert ">payments</a>" in history and '<span class="name">newsletter</span>' in history


async def test_every_figure_of_statistics_stands_beside_the_one_before(made: Incident) -> None:
    page = (await made.house.ask("/statistics?window=7d", headers=PAGE | bearer(TOKENS["admin"]))).text
    (row,) = re.findall(r'<tr role="row"[^>]*>\s*<th role="rowheader".*?</tr>', page, re.DOTALL)
    cells = re.findall(r'<td[^>]* data-name="([^"]+)"[^>]*>(.*?)</td>', row, re.DOTALL)
    compared = {name for name, cell in cells if "<small>before" in cell}
    assert compared == {name for name, _ in cells} - {"Reasons"}
    uptime = " ".join(re.sub("<[^>]*>", " ", dict(cells)["Uptime"]).split())
    assert re.fullmatch(r"[\d.]+ % before [\d.]+ % [+\N{MINUS SIGN}\N{PLUS-MINUS SIGN}][\d.]+", uptime), (
        uptime
    )
    # Both times are said: two of the window, two of the one before.
    (period,) = re.findall(r'<p class="note">[^<]*<time .*?</p>', page)
    assert period.count("<time ") == 4


def _kind(link: str) -> tuple[str, frozenset[str]]:
    """Return what is alike of links whose questions differ in their values alone: one of them is followed."""
    url = URL(link)
    return url.path, frozenset(url.query)


@pytest.mark.parametrize("who", ["admin", "bound_viewer"])
async def test_every_link_of_every_tab_opens_for_whoever_sees_it(made: Incident, who: str) -> None:
    headers = PAGE | bearer(TOKENS[who])
    todo = [path for tab in tabs() for path in (tab.path + QUERIES.get(tab.path, ""), tab.path + NARROWED)]
    pages, kinds = dict.fromkeys(todo, "a tab"), set(map(_kind, todo))
    while todo:
        path = todo.pop()
        reply = await made.house.ask(path, headers=headers)
        if reply.status == 403 and pages[path] == "a tab":
            continue
        assert reply.status == 200, f"{path}, linked by {pages[path]}"
        # Whatever is wrong with a query stands on the page in place of the part that it chooses.
        assert 'class="problem"' not in reply.text, f"{path}, linked by {pages[path]}"
        if "html" not in reply.headers["content-type"]:
            continue
        for link in map(unescape, LINK.findall(reply.text)):
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in reply.text, f"{link} of {path}"
            elif not URL(link).absolute and (kind := _kind(link)) not in kinds:
                kinds.add(kind)
                pages[link] = path
                todo.append(link)
    assert len(pages) > 40
