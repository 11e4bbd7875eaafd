"""What all tabs have in common: texts in one file, actions that are routes, lists as the API narrows them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from exporter.core.common_metrics import COST_MONTH, COST_TODAY, PREPAID_BALANCE, QUOTA_LIMIT, QUOTA_USED
from exporter.core.delivery import Attempt, Delivery, DeliveryState
from exporter.core.metric import Sample
from exporter.core.probe import Result
from exporter.engine import hourly_summaries
from exporter.ingest import event_tallies
from exporter.server.access import Effect
from exporter.server.change_kinds import every_kind
from exporter.server.contracts import contracts
from exporter.server.contracts._contract import FORMAT
from exporter.server.pages import Tab, tabs
from exporter.server.pages import _frame as frame
from exporter.server.pages._actions import ACTIONS
from exporter.server.pages._texts import TEXTS
from exporter.server.pages._words import FILTERS, change
from exporter.server.routes import ROUTES
from exporter.store.database import Database
from exporter.store.subjects import attempts, deliveries
from tests.server.house import NOW, House, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

PAGES = Path(frame.__file__).parent
TEMPLATES = sorted(PAGES.glob("*.html"))
CODE = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
MARKUP = re.compile(r"<[^>]*>")
OWN_NAMES = {"Grafana", "integration-exporter"}
"""Names of products, which no language changes."""


OF_ALL_TENANTS = {"review", "test"}
"""Actions that concern all tenants at once: who is bound to some is not offered them."""


def paths(section: Any, before: str = "") -> Iterator[str]:
    for name, value in section.items():
        if isinstance(value, dict):
            yield from paths(value, f"{before}{name}.")
        else:
            yield before + name


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_text_of_its_own(template: Path) -> None:
    text = template.read_text("utf-8")
    left = MARKUP.sub(" ", CODE.sub(" ", text))
    assert set(re.findall(r"[A-Za-z][\w-]+", left)) <= OWN_NAMES
    for attribute in re.findall(r'(?:aria-label|placeholder|title|alt)="([^"{]+)"', text):
        raise AssertionError(f"{attribute!r} belongs into texts.toml")


def test_every_text_that_is_asked_for_is_there() -> None:
    known = set(paths(TEXTS))
    for path in TEMPLATES:
        for name in re.findall(r"\bt\.([a-z_]+\.[a-z_0-9]+)\b(?!\[)", path.read_text("utf-8")):
            assert name in known or name.split(".")[0] in ("actions",), f"{path.name}: {name}"
        for columns in re.findall(r'\("([a-z_0-9]+)", "(?:[a-z_]+)"\)', path.read_text("utf-8")):
            assert f"columns.{columns}" in known or columns in TEXTS["frame"], f"{path.name}: {columns}"


def test_no_text_is_left_that_nothing_asks_for() -> None:
    sources = "".join(path.read_text("utf-8") for path in (*PAGES.glob("*.html"), *PAGES.glob("*.py")))
    words = set(re.findall(r"\w+", sources))
    tables = {"actions", "results", "status", "symbol", "verdict"} | {
        name for name in TEXTS if f'kind="{name}"' in sources
    }
    left = {name for name in paths(TEXTS) if name.rpartition(".")[2] not in words}
    assert {name for name in left if name.split(".")[0] not in tables | {"mode"}} == set()


def values(section: Any) -> Iterator[str]:
    for value in section.values():
        yield from values(value) if isinstance(value, dict) else (value,)


def test_texts_say_plainly_who_does_what_and_where() -> None:
    vague = re.compile(
        r"\b(?:whoever|nobody|somebody|whom|below|meanwhile|anew|told|tells|at it)\b", re.IGNORECASE
    )
    assert [text for text in values(TEXTS) if vague.search(text)] == []


def test_texts_say_how_late_figures_are_as_late_as_they_are() -> None:
    """What is counted in memory is missing until it is handed over, and written within a second of that."""
    checks, calls = (f"{seconds / 60:g}" for seconds in (hourly_summaries.HAND_OVER, event_tallies.HAND_OVER))
    late = {text for text in values(TEXTS) if re.search(r"may be missing|is stored within", text)}
    assert calls == "1" and late == {
        TEXTS["frame"]["lag"],
        TEXTS["statistics"]["lag"],
        TEXTS["statistics"]["empty"],
        TEXTS["integration"]["windows_empty"],
    }
    assert TEXTS["frame"]["lag"] == "Calls of the last minute may be missing."
    for section, name in (("statistics", "lag"), ("statistics", "empty"), ("integration", "windows_empty")):
        assert f" {checks} minutes" in TEXTS[section][name], (section, name)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_headings_begin_with_a_capital(template: Path) -> None:
    for section, name in re.findall(r"<h[12][^>]*>{{ t\.(\w+)\.(\w+) }}", template.read_text("utf-8")):
        assert TEXTS[section][name][0].isupper(), (section, name)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_an_action_is_a_route_that_changes_something_and_has_its_words(action: Any) -> None:
    (route,) = (one for one in ROUTES if one.path == action.path and action.method in one.methods)
    assert route.rule.effect is Effect.CHANGE
    words = TEXTS["actions"][action.name]
    assert {*words} == {"label", "title", "ask", "doing", "done", "failed"}
    assert all(words.values()) and {field.name for field in action.fields} <= set(TEXTS["fields"])


@pytest.mark.parametrize("name", ["acknowledge", "assign", "pause", "activate", "disable", "retry"])
def test_a_button_that_changes_the_state_of_one_thing_says_which_it_showed(name: str) -> None:
    buttons = [
        found
        for path in TEMPLATES
        for found in re.findall(rf'act\("{name}".*?\) ?}}}}', path.read_text("utf-8"))
    ]
    assert buttons and all('"expected": {' in one for one in buttons), buttons


def test_every_tab_names_actions_that_there_are_and_every_action_is_on_a_tab() -> None:
    named = {name for tab in tabs() for name in tab.actions}
    assert named == {action.name for action in ACTIONS}
    for tab in tabs():
        template = (PAGES / tab.template).read_text("utf-8")
        assert set(re.findall(r'\bact\("(\w+)"', template)) == set(tab.actions), tab.path


def test_every_tab_is_renewed_by_changes_of_a_kind_that_there_is() -> None:
    known = {kind.name for kind in every_kind()}
    assert {kind for tab in tabs() for kind in tab.kinds} <= known
    assert all(tab.kinds for tab in tabs())


@pytest.mark.parametrize("tab", tabs(), ids=lambda tab: tab.template)
def test_every_list_of_a_tab_that_can_be_exported_is_offered_as_a_file(tab: Tab) -> None:
    source = (PAGES / tab.template).with_suffix(".py").read_text("utf-8")
    asked = set(re.findall(r'"(/api/v1/[^"{]+)"', source))
    can = {path for (method, path), one in contracts().items() if method == "GET" and FORMAT in one.query}
    offered = set(re.findall(r'\bexport\("([^"]+)"', (PAGES / tab.template).read_text("utf-8")))
    assert offered >= asked & can


@pytest.mark.parametrize("who", ["viewer", "admin", "bound_viewer", "bound_admin"])
async def test_a_tab_opens_for_whom_the_bar_offers_it_also_without_a_store(tmp_path: Path, who: str) -> None:
    room = Room([state("calendar", "acme"), state("calendar", "globex")], path=web_config(tmp_path))
    async with house(room) as made:
        for tab in tabs():
            reply = await made.ask(tab.path, headers=bearer(TOKENS[who]))
            admin = "admin" in who
            assert reply.status == (200 if admin or str(tab.rule.role) == "viewer" else 403), tab.path
            if reply.status != 200:
                continue
            offered = f'<a href="{tab.path}" aria-current="page">' in reply.text
            assert offered == tab.listed
            wanted = set(tab.actions) - (OF_ALL_TENANTS if "bound" in who else set()) if admin else set()
            assert set(re.findall(r'<template id="act-(\w+)"', reply.text)) == wanted, tab.path
            assert not ("bound" in who and "globex" in reply.text), tab.path


async def test_a_part_that_cannot_be_read_says_so_and_leaves_the_rest(tmp_path: Path) -> None:
    async with house(Room([state("calendar", "acme")])) as made:
        page = (await made.ask("/errors")).text
        assert "This part cannot be read: the store does not answer" in page
        page = (await made.ask("/")).text
        assert "Alerts cannot be read: alerts are not read yet" in page and "calendar" in page


async def test_what_is_wrong_in_the_query_is_said_on_the_page() -> None:
    async with house(Room([state("calendar", "acme")])) as made:
        reply = await made.ask("/integrations?status=odd")
        assert reply.status == 200 and "status must be one of" in reply.text
        reply = await made.ask("/errors?integration=calender")
        assert "did you mean calendar?" in reply.text


@pytest.mark.parametrize("query", ["integration=calender", "integration=calendar&tenant=amce"])
async def test_of_an_integration_that_there_is_not_the_page_says_so_once_and_offers_nothing(
    query: str,
) -> None:
    async with house(Room([state("calendar", "acme")])) as made:
        text = (await made.ask(f"/integration?{query}")).text
        shown = (await made.ask("/integration?integration=calendar&tenant=acme")).text
    assert text.count("did you mean") == 1 and 'class="empty"' in text
    for part in ('id="targets"', 'data-act="check"', "5 minutes"):
        assert part in shown and part not in text


async def test_links_and_requests_have_the_prefix_of_a_proxy() -> None:
    from exporter.server.paths import Paths

    room = Room([state("calendar", "acme")], paths=Paths("", "/exporter", "https://host.example"))
    async with house(room) as made:
        page = (await made.ask("/integrations")).text
    assert 'data-root="/exporter"' in page
    assert all(
        link.startswith(("/exporter/", "#")) for link in re.findall(r'(?:href|action|src)="([^"]+)"', page)
    )


async def test_what_somebody_looks_into_goes_from_tab_to_tab() -> None:
    about = "integration=calendar&amp;tenant=acme"
    async with house(Room([state("calendar", "acme"), state("mail", "acme")])) as made:
        pages = {
            tab.path: (await made.ask(f"{tab.path}?integration=calendar&tenant=acme")).text for tab in tabs()
        }
    for path, page in pages.items():
        for tab in tabs():
            assert not tab.listed or f'<a href="{tab.path}?{about}"' in page, (path, tab.path)
        # A form that has no field of its own for it sends it along.
        for form in re.findall(r'<form method="get".*?</form>', page, re.DOTALL):
            assert [len(re.findall(f'name="{name}"', form)) for name in ("integration", "tenant")] == [1, 1]
    assert "Integration <b>calendar</b> (not on this tab), Tenant <b>acme</b>." in pages["/"]
    assert "Integration <b>calendar</b>, Tenant <b>acme</b>." in pages["/errors"]
    assert (
        '<a href="/errors">Show all</a>' in pages["/errors"]
        and "<b>calendar</b>" not in pages["/integration"]
    )


async def test_what_one_form_of_a_tab_has_chosen_goes_along_with_the_others_and_no_place_does() -> None:
    async with house(Room([state("calendar", "acme")])) as made:
        for tab in tabs():
            names = set(re.findall(r'<(?:input type="search"|select) name="(\w+)"', await text_of(made, tab)))
            page = await text_of(made, tab, **dict.fromkeys([*names, "offset", "after"], "1"))
            for form in re.findall(r'<form method="get".*?</form>', page, re.DOTALL):
                kept = re.findall(r'<(?:input|select)[^>]* name="(\w+)"', form)
                assert sorted(kept) == sorted(names), tab.path


async def text_of(made: House, tab: Tab, **query: str) -> str:
    return (await made.ask(str(URL(tab.path).with_query(query)))).text


async def test_a_delivery_has_a_page_with_its_attempts_and_what_it_carries_for_admins(tmp_path: Path) -> None:
    store = Database(f"sqlite:///{tmp_path}/state.db")
    store.open()
    made_delivery = Delivery(
        "deliver/fixed/evt_1", "deliver", "fixed", b'{"a": "<b>"}', 100.0, 9000.0, tenant="acme"
    )
    made_delivery = replace(
        made_delivery, state=DeliveryState.DEAD, attempts=2, reason="connect", type="orders.exported.all"
    )
    tried = [
        Attempt(made_delivery.id, n, 100.0 + n, 0.25, 503, "server", f"answer {n}", url="https://a.example/h")
        for n in (1, 2)
    ]
    with store.writing() as connection:
        deliveries.insert_all(connection, [deliveries.delivery_row(made_delivery)])
        attempts.insert_all(connection, [attempts.attempt_row(one, made_delivery) for one in tried])
    path = f"/delivery?id={made_delivery.id}"
    try:
        async with house(Room([state("calendar", "acme")], path=web_config(tmp_path), store=store)) as made:
            listed = (await made.ask("/webhooks", headers=bearer(TOKENS["viewer"]))).text
            pages = {who: (await made.ask(path, headers=bearer(TOKENS[who]))).text for who in TOKENS}
            gone = (await made.ask("/delivery?id=none", headers=bearer(TOKENS["admin"]))).text
    finally:
        store.close()
    assert 'href="/delivery?id=deliver/fixed/evt_1"' in listed
    for who in ("viewer", "admin", "bound_viewer", "bound_admin"):
        assert pages[who].index("answer 2") < pages[who].index("answer 1"), "the newest first"
        assert ("{&#34;a&#34;: &#34;&lt;b&gt;&#34;}" in pages[who]) == ("admin" in who)
        assert ('data-act="retry"' in pages[who]) == ("admin" in who)
        # A narrow column breaks such a word, and no other.
        assert pages[who].count('class="long"') == 1 and 'class="long">orders.exported.all' in pages[who]
    assert "there is no such delivery, or its retention is over" in gone


async def test_costs_are_what_vendors_charge_and_what_is_left_with_them() -> None:
    samples = (
        *(Sample(COST_MONTH, 12.5), Sample(COST_TODAY, 0.75)),
        *(Sample(PREPAID_BALANCE, 4.25, ("usd",)), Sample(QUOTA_USED, 90.0, ("mails",))),
        Sample(QUOTA_LIMIT, 100.0, ("mails",)),
    )
    paid = state("images", "acme", result=Result(NOW, 0.1, samples=samples))
    async with house(Room([paid, state("mail", "globex")])) as made:
        page = re.sub(r"\s+", " ", (await made.ask("/costs")).text)
    for text in ("$12.50", "$0.7500", ">4.25 </td>", "usd", "mails", "90.00 %"):
        assert text in page, text
    assert "globex" not in page


@pytest.mark.parametrize(
    ("write", "value", "words"),
    [
        ("share", 1.0, "100 %"),
        ("share", 0.999999, "99.99 %"),
        ("share", 0.0000001, "0.01 %"),
        ("share", 0.0, "0 %"),
        ("share", 1.25, "125.00 %"),
        ("money", 0.0123, "$0.0123"),
        ("money", 1234.5, "$1,234.50"),
        ("money", 0.0, "$0.00"),
        ("number", 1234567, "1,234,567"),
        ("number", 20.0, "20"),
        ("number", 0.25, "0.25"),
        ("humps", "IntegrationDown<b>", "Integration<wbr>Down&lt;b&gt;"),
        ("span", 0.0002, "<1 ms"),
        ("span", 1.5, "1.50 s"),
        ("utc", "2026-11-21T08:00:00Z", "2026-11-21 08:00:00 UTC"),
        ("has_long_word", "no complete answer came in time", False),
        ("has_long_word", ["mail", "sign_in.credential_stuffing"], True),
        ("has_long_word", None, False),
    ],
)
def test_a_value_is_written_as_a_person_reads_it(write: str, value: Any, words: str) -> None:
    assert FILTERS[write](value) == words


@pytest.mark.parametrize(
    ("kind", "difference", "words"),
    [
        ("share", 0.0051, "+0.51"),
        ("share", -0.2, "\N{MINUS SIGN}20.00"),
        ("span", -0.25, "\N{MINUS SIGN}250 ms"),
        ("money", 12.5, "+$12.50"),
        ("number", 0.0, "\N{PLUS-MINUS SIGN}0"),
    ],
)
def test_a_change_says_whether_it_rose_or_fell(kind: str, difference: float, words: str) -> None:
    assert change(difference, kind) == words


@pytest.mark.parametrize(
    ("who", "tab", "heading", "there"),
    [
        ("viewer", "/", "Firing alerts", False),
        ("admin", "/", "Firing alerts", True),
        ("viewer", "/rate-limits", "Blocked identifiers", False),
        ("admin", "/rate-limits", "Blocked identifiers", True),
        ("viewer", "/webhooks", "Sources", True),
        ("bound_admin", "/webhooks", "Sources", False),
        ("bound_admin", "/security", "Report for auditors", False),
        ("admin", "/security", "Report for auditors", True),
    ],
)
async def test_a_part_that_the_api_refuses_is_left_out(
    tmp_path: Path, who: str, tab: str, heading: str, there: bool
) -> None:
    room = Room([state("calendar", "acme")], path=web_config(tmp_path))
    async with house(room) as made:
        reply = await made.ask(tab, headers=bearer(TOKENS[who]))
    assert (heading in reply.text) == there and "needs the role" not in reply.text


async def test_an_integration_of_many_targets_leaves_long_windows_to_statistics() -> None:
    room = Room([state("calendar", f"t{n}") for n in range(101)])
    async with house(room) as made:
        page = (await made.ask("/integration?integration=calendar")).text
        one = (await made.ask("/integration?integration=calendar&tenant=t1")).text
    assert "It has many targets" in page and "It has many targets" not in one
    assert "calendar of t1" in one and "Show all 101." in page
