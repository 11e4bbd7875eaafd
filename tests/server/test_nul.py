"""A NUL in an address or a body is a mistake of the caller: PostgreSQL takes none."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from exporter.server.routes import ROUTES
from tests.server.house import CHANGE, House, Room, house, state

PARTS = ("{id:.+}", "{id}", "{name}", "{source}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[House]:
    async with house(Room([state("payments")])) as made:
        yield made


def places(part: str) -> list[tuple[str, str]]:
    """Return method and path of each route, with `part` for what is filled in."""
    found = []
    for route in ROUTES:
        path = route.path
        for one in PARTS:
            path = path.replace(one, part)
        found += [(method, path) for method in route.methods]
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_a_nul_in_the_query_is_refused_on_every_route(here: House) -> None:
    for method, path in places("none"):
        answer = await here.ask(f"{path}?some=a%00b", method, CHANGE)
        # What browsers of visitors send is refused for its origin before anything else.
        assert answer.status == 400 or (path.startswith("/app/") and answer.status in (403, 404)), path
        if method != "HEAD" and answer.status == 400:
            assert "some has the character NUL" in answer.text, (method, path)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_nul_in_the_path_is_refused_on_every_route_that_has_a_part_to_fill_in(here: House) -> None:
    asked = [place for place in places("a%00b") if "%00" in place[1]]
    assert len(asked) > 10
    for method, path in asked:
        answer = await here.ask(path, method, CHANGE)
        assert answer.status == 400, (method, path)
        if method != "HEAD":
            assert "the address has the character NUL" in answer.text, (method, path)


BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/api/v1/audit/erase"): {"tenant": "a\0b"},
    ("POST", "/api/v1/deliveries/retry"): {"ids": ["a\0b"]},
    ("POST", "/api/v1/endpoints"): {"name": "a\0b"},
    ("POST", "/api/v1/checks"): {"tenant": "a\0b"},
    ("POST", "/api/v1/tokens/refresh"): {"tenant": "a\0b"},
    ("POST", "/api/v1/alerts"): {"labels": {"a\0b": "c"}},
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_a_nul_in_a_text_of_a_body_is_refused(here: House, method: str, path: str) -> None:
    answer = await here.ask(path, method, CHANGE, data=json.dumps(BODIES[method, path]))
    assert answer.status == 400
    assert "has the character NUL" in answer.json["error"]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_six_signs_of_the_escape_are_no_nul(here: House) -> None:
    answer = await here.ask("/api/v1/audit/erase", "POST", CHANGE, data=json.dumps({"x": "\\u0000"}))
    assert "NUL" not in answer.text
    assert (await here.ask("/api/v1/status?some=a%2500b")).status == 200
