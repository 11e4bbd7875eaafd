"""Every stored list, whatever it holds: it is whole, narrowed and the same wherever it is shown."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert

from exporter.config import layout
from exporter.core.listing import Listing
from exporter.registry import events, lists
from exporter.server.routes import ROUTES
from exporter.server.stream import PORTION
from exporter.server.web_config.settings import Role
from exporter.store.database import Database
from exporter.store.retention import TableRetention
from exporter.store.schema import subjects
from exporter.store.subjects import events as stored_events
from tests.server.house import NOW, House, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

COUNT = 10 * PORTION + 7
"""Rows of each list, more than any page, portion or bound of an export holds."""

LISTS = [
    (listing, retention)
    for module in subjects()
    for listing, retention in zip(getattr(module, "LISTINGS", ()), module.RETENTION, strict=False)
]
OF_KIND = {
    listing.name: kind
    for kind in events().values()
    for listing in lists().values()
    if kind.path == listing.path
}
LISTS += [
    (lists()[name], next(rule for rule in stored_events.RETENTION if rule.key == kind.retention))
    for name, kind in OF_KIND.items()
]
EVERY = pytest.mark.parametrize(("listing", "retention"), LISTS, ids=[listing.name for listing, _ in LISTS])


PLAIN: dict[type, Any] = {str: "x", bytes: b"x"}


def values(listing: Listing[Any], table: Table, number: int) -> dict[str, Any]:
    """Return a row that any table takes: times fall, and every tenth row is of the tenant acme."""
    known = {
        "at": NOW - number,
        "integration": "payments",
        "tenant": "acme" if number % 10 == 0 else "globex",
        "reason": "auth",
        "log": "[]",
        "details": "{}",
        "delivery": f"d{number}",
        "message": f"m{number}",
        "action": "resolve",
        # Deliveries and text messages have no word for it in common.
        "state": "failed" if listing.name == "sms" else "dead",
        "once": None,
        "fields": "{}",
        "labels": "{}",
        "annotations": "{}",
    }
    if kind := OF_KIND.get(listing.name):
        known |= {"kind": kind.name, "retention": kind.retention}
    return {
        column.name: known.get(column.name, PLAIN.get(column.type.python_type, 1))
        for column in table.columns
        if column.name != "id"
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db")
    made.open()
    for listing, retention in LISTS:
        rows = [values(listing, retention.table, number) for number in range(COUNT)]
        with made.writing() as connection:
            connection.execute(insert(retention.table), rows)
    yield made
    made.close()


@pytest.fixture
async def served(tmp_path: Path, store: Database) -> AsyncIterator[House]:
    states = [state("payments", "acme"), state("payments", "globex")]
    async with house(Room(states, path=web_config(tmp_path), store=store)) as made:
        yield made


async def text(served: House, path: str, token: str = "admin") -> str:
    reply = await served.ask(path, headers=bearer(TOKENS[token]))
    assert reply.status == 200, reply.text
    return reply.text


@EVERY
async def test_an_export_holds_every_row_that_is_stored(
    served: House, listing: Listing[Any], retention: TableRetention
) -> None:
    reply = await served.ask(f"{listing.path}?format=csv", headers=bearer(TOKENS["admin"]))
    assert reply.headers["content-disposition"] == f'attachment; filename="{listing.key}.csv"'
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert len(rows) == COUNT and tuple(rows[0]) == listing.columns
    lines = (await text(served, f"{listing.path}?format=ndjson")).splitlines()
    assert len(lines) == COUNT
    times = [json.loads(line)["at"] for line in lines]
    assert times == sorted(times, reverse=True), "newest first"
    assert tuple(json.loads(lines[0])) and set(listing.columns) <= set(json.loads(lines[0]))


@EVERY
async def test_pages_join_without_a_gap(
    served: House, listing: Listing[Any], retention: TableRetention
) -> None:
    seen = 0
    query: str | None = ""
    while query is not None:
        page = json.loads(await text(served, f"{listing.path}?limit={PORTION}{query}"))
        seen += len(page[listing.key])
        query = f"&after={page['next']}" if page["next"] else None
    assert seen == COUNT


@EVERY
async def test_callers_bound_to_a_tenant_get_its_rows_alone(
    served: House, listing: Listing[Any], retention: TableRetention
) -> None:
    if not listing.narrow:
        reply = await served.ask(listing.path, headers=bearer(TOKENS["bound_admin"]))
        assert reply.status == 403
        return
    lines = (await text(served, f"{listing.path}?format=ndjson", "bound_admin")).splitlines()
    assert len(lines) == (COUNT + 9) // 10
    assert {json.loads(line)["tenant"] for line in lines} == {"acme"}


@EVERY
def test_what_is_said_of_a_list_is_so(listing: Listing[Any], retention: TableRetention) -> None:
    assert listing.retention == retention.key, "the list names another retention than its table has"
    assert listing.retention in layout.Retention.__struct_fields__
    assert {column.key for column in listing.table} <= set(listing.columns)
    assert listing.role in set(Role)
    assert not listing.narrow or "tenant" in retention.table.c
    reads = [route for route in ROUTES if route.path == listing.path and "GET" in route.methods]
    assert [route.rule.narrow for route in reads] == [listing.narrow]


def test_no_two_lists_have_one_name_or_path() -> None:
    every = [listing for module in subjects() for listing in getattr(module, "LISTINGS", ())]
    every += [lists()[name] for name in OF_KIND]
    assert len({listing.name for listing in every}) == len(every) == len(lists())
    assert len({listing.path for listing in every}) == len(every)


async def test_pages_by_offset_go_on_for_programs_that_ask_so(served: House) -> None:
    def moments(page: str) -> list[str]:
        return [row["at"] for row in json.loads(page)["log"]]

    everything = moments(await text(served, "/api/v1/tokens/log?limit=20"))
    later = await text(served, "/api/v1/tokens/log?limit=5&offset=7")
    assert moments(later) == everything[7:12] and json.loads(later)["offset"] == 7
    assert moments(await text(served, f"/api/v1/tokens/log?offset={COUNT}")) == []
    assert len((await text(served, f"/api/v1/tokens/log?format=csv&offset={COUNT - 2}")).splitlines()) == 3


OPEN = {
    **dict.fromkeys(("actor", "action", "address", "resource"), "who, what and where are words of apps"),
    **dict.fromkeys(("alert", "endpoint", "account"), "names of the configuration, and those it had before"),
    **dict.fromkeys(("fingerprint", "notice", "type"), "numbers and names that others give"),
    "kind": "each file of actions/ brings one, and the store knows none of them",
    "q": "any text",
    "reason": "the reasons of checks are refused for all lists in one place",
}
"""Filters that may have any value, and why; all others have a closed choice, or words that are usual."""


@pytest.mark.parametrize("listing", lists().values(), ids=lists())
async def test_a_filter_of_known_words_refuses_a_typo(served: House, listing: Listing[Any]) -> None:
    for name in listing.filters:
        words = listing.choices.get(name) or listing.usual.get(name)
        assert words or name in OPEN, f"{name} of {listing.name}: give it choices, or say why it has none"
        if words:
            word = sorted(words)[0]
            typo = await served.ask(f"{listing.path}?{name}={word}x", headers=bearer(TOKENS["admin"]))
            assert typo.status == (400 if name in listing.choices else 404), name
            assert f"did you mean {word}" in typo.json["error"]
            right = await served.ask(f"{listing.path}?{name}={word}", headers=bearer(TOKENS["admin"]))
            assert right.status == 200


async def test_a_word_of_an_app_that_is_stored_is_found_where_it_is_not_usual(served: House) -> None:
    reply = await served.ask("/api/v1/audit?outcome=x&limit=1", headers=bearer(TOKENS["admin"]))
    assert len(reply.json["audit"]) == 1
