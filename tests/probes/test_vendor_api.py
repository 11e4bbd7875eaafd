"""What vendors' APIs have in common: pace, pages, numbers written as text, refusals."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from exporter.core.document import Document
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Network, Request
from exporter.core.reason import Reason
from exporter.engine.kit import RunKit
from exporter.net.tokens import Tokens
from exporter.probes._vendor_api import (
    Pace,
    Page,
    Parameters,
    address,
    decimal,
    page_by_id,
    read_pages,
    refusal_of,
)
from exporter.sandbox.harness import Call, Endpoint, Reply, Vendor, serve
from tests.clock import HandClock

QUICK = 0.05


class Team:
    """A vendor that tells its limit by headers: `headers` are those of the next answers, in turn."""

    def __init__(self, *headers: dict[str, str]) -> None:
        self.headers = list(headers)
        self.times: list[float] = []
        self.vendor = Vendor("team", "Team", _options, {"GET /{any}": self._answer})

    def _answer(self, _call: Call) -> Reply:
        self.times.append(time.monotonic())
        return Reply(body={}, headers=self.headers.pop(0) if self.headers else {})


def _options(_endpoint: Endpoint) -> dict[str, Any]:
    return {}


@asynccontextmanager
async def paced(network: Network, team: Team) -> AsyncIterator[tuple[Pace, RunKit, str]]:
    clock = HandClock()
    async with serve([team.vendor], now=clock.now) as sandbox:
        kit = RunKit(network, clock, {}, Tokens(network, clock))
        yield Pace(kit), kit, sandbox.stands["team"].endpoint.url


def empty(reset: float) -> dict[str, str]:
    return {"ratelimit-remaining": "0", "ratelimit-reset": str(reset)}


async def test_a_call_waits_for_a_bucket_that_is_soon_full_again(network: Network) -> None:
    team = Team(empty(QUICK), {})
    async with paced(network, team) as (pace, _, url):
        for _ in range(3):
            await pace.call(Request(f"{url}/x"))
        first, second, third = team.times
        assert second - first >= QUICK
        assert third - second < second - first + 5, "the last answer asked for nothing"


async def test_a_bucket_with_something_in_it_asks_for_no_pause(network: Network) -> None:
    team = Team({"ratelimit-remaining": "1", "ratelimit-reset": "900"})
    async with paced(network, team) as (pace, _, url):
        await pace.call(Request(f"{url}/x"))
        await pace.call(Request(f"{url}/x"))
        assert len(team.times) == 2


@pytest.mark.parametrize("headers", [empty(900), {"retry-after": "3"}])
async def test_a_call_whose_time_is_far_off_is_not_made(network: Network, headers: dict[str, str]) -> None:
    team = Team(headers)
    async with paced(network, team) as (pace, kit, url):
        await pace.call(Request(f"{url}/x"))
        with pytest.raises(ProbeError, match=r"pause of (900|3) s first") as failure:
            await pace.call(Request(f"{url}/x"))
        assert failure.value.reason is Reason.RATE_LIMITED
        assert (len(team.times), kit.trace.calls) == (1, 1)


async def test_a_pause_that_would_take_the_time_of_the_run_is_not_made(network: Network) -> None:
    team = Team({"retry-after": "1"})
    async with paced(network, team) as (pace, kit, url):
        kit.trace.deadline = time.monotonic() + 1.9
        await pace.call(Request(f"{url}/x"))
        with pytest.raises(ProbeError, match="pause of 1 s"):
            await pace.call(Request(f"{url}/x"))


async def test_a_pause_of_one_host_is_none_of_another(network: Network) -> None:
    team = Team(empty(900), {})
    async with paced(network, team) as (pace, _, url):
        await pace.call(Request(f"{url}/x"))
        await pace.call(Request(f"{url.replace('127.0.0.1', 'localhost')}/x", family="4"))
        assert len(team.times) == 2


def answer(body: bytes) -> Answer:
    return Answer(400, {}, body, "http://127.0.0.1/")


@pytest.mark.parametrize(
    ("body", "found"),
    [(b'{"error": 1}', {"error": 1}), (b"[1]", {}), (b"<html>", {}), (b"", {}), (b'"text"', {})],
)
def test_a_refusal_is_the_object_that_came_with_it_or_nothing(body: bytes, found: object) -> None:
    assert refusal_of(answer(body)) == found


@pytest.mark.parametrize(
    ("text", "signed", "found"),
    [
        ("12.5", False, 12.5),
        ("0", False, 0.0),
        ("-0.05", True, -0.05),
        ("-0.05", False, None),
        ("nan", True, None),
        ("inf", False, None),
        ("-inf", True, None),
        ("much", True, None),
        (7, True, None),
        (None, True, None),
    ],
)
def test_a_number_written_as_text_is_read_or_drift(text: object, signed: bool, found: float | None) -> None:
    drift: list[str] = []
    assert decimal(Document({"x": text}, drift.append), "x", signed=signed) == found
    assert drift == ([] if found is not None else ["x"])


def test_a_number_written_as_text_is_below_zero_only_where_a_provider_says_so() -> None:
    assert decimal(Document({"x": "-1"}, lambda _path: None), "x") is None


def test_parameters_are_added_where_there_are_some() -> None:
    assert address("https://a.example/v1/", "/x", ()) == "https://a.example/v1/x"
    assert (
        address("https://a.example", "/x", (("a", "1 2"), ("b[]", "&")))
        == "https://a.example/x?a=1+2&b%5B%5D=%26"
    )


def page(*ids: object, more: object = True) -> Document:
    return Document({"data": [{"id": one} for one in ids], "has_more": more}, lambda _path: None)


def test_the_next_page_begins_after_the_last_id() -> None:
    items, after = page_by_id(page("a", "b"), "starting_after")
    assert [item.value["id"] for item in items] == ["a", "b"]
    assert after == (("starting_after", "b"),)


@pytest.mark.parametrize(
    "last", [page("a", more=False), page("a", more=None), page(), page(7), page("a", None)]
)
def test_a_page_without_more_or_without_an_id_is_the_last(last: Document) -> None:
    assert page_by_id(last, "after")[1] == ()


def test_a_page_without_its_list_is_no_answer() -> None:
    with pytest.raises(ProbeError):
        page_by_id(Document({"has_more": False}, lambda _path: None), "after")


@pytest.mark.parametrize(
    ("most", "count", "truncated"), [(1, 1, True), (2, 2, True), (3, 3, False), (9, 3, False)]
)
async def test_a_list_ends_with_its_last_page_or_with_the_pages_allowed(
    most: int, count: int, truncated: bool
) -> None:
    asked: list[Parameters] = []

    async def read(after: Parameters) -> Page:
        asked.append(after)
        number = len(asked)
        return (Document(number, lambda _path: None),), () if number == 3 else (("after", str(number)),)

    listing = await read_pages(read, most)
    assert [item.value for item in listing.items] == list(range(1, count + 1))
    assert listing.truncated is truncated
    assert asked == [(), (("after", "1"),), (("after", "2"),)][:count]
