"""Whatever anybody asks of any route, made from the description of the API: no 500, and answers that fit it.

The suite tries the same few requests each time; API_FUZZ=300 tries so many new ones of each route.
"""

import io
import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.core import NotSet

from exporter.server.openapi import document
from tests.server.running import RunningExporter
from tests.server.test_openapi import fits

FUZZ = int(os.environ.get("API_FUZZ", "0"))


def profile(examples: int) -> settings:
    """Return how many requests of each route are made: the same ones each time, or new ones by API_FUZZ."""
    return settings(
        max_examples=FUZZ or examples,
        derandomize=not FUZZ,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


DOCUMENT = document()
SCHEMA = openapi.from_dict(DOCUMENT)
LEFT_OUT = {
    ("GET", "/api/v1/stream"),  # it has no end
    ("POST", "/-/reload"),  # it takes nothing
    ("PUT", "/-/reload"),
}
PLACES = [
    (method.upper(), path)
    for path, place in DOCUMENT["paths"].items()
    for method in place
    if (method.upper(), path) not in LEFT_OUT
]
NAMES = [f"{method} {path}" for method, path in PLACES]


def cases(method: str, path: str) -> st.SearchStrategy[Case[Any]]:
    """Return requests as the document has them, and others that it excludes."""
    operation = SCHEMA[path][method]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("method", "path"), PLACES, ids=NAMES)
@profile(examples=2)
@given(data=st.data())
async def test_no_request_is_a_mistake_of_ours_and_each_answer_is_as_described(
    exporter: RunningExporter, method: str, path: str, data: st.DataObject
) -> None:
    await try_one(exporter, method, path, data)


async def try_one(exporter: RunningExporter, method: str, path: str, data: st.DataObject) -> None:
    """Send one request of those that `data` draws, and judge what is answered."""
    case = data.draw(cases(method, path))
    status, headers, body = await ask(exporter, method, case)
    assert status != 500, body
    assert fits(method, path, status, headers, body) == [], body[:500]


async def ask(
    exporter: RunningExporter, method: str, case: Case[Any]
) -> tuple[int, Mapping[str, str], bytes]:
    """Send a request as it was made, by an administrator."""
    query = [(name, text_of(value)) for name, value in given_of(case.query).items()]
    more: dict[str, Any] = {"params": query}
    headers = {"X-Integration-Exporter": "1"}
    if not isinstance(case.body, NotSet):
        kind = case.media_type or "application/json"
        headers["Content-Type"] = kind if kind.isascii() and kind.isprintable() else "application/json"
        more["data"] = io.BytesIO(body_of(case.body))
    return await exporter.ask(method, place_of(case), headers=headers, **more)


def place_of(case: Case[Any]) -> str:
    """Return the path, with what is filled in quoted."""
    parts = given_of(case.path_parameters)
    return PLACE.sub(lambda found: quote(text_of(parts.get(found[1], "none")), safe=""), case.path)


def given_of(values: Any) -> dict[str, Any]:
    return values if isinstance(values, dict) else {}


def text_of(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    # What no URL can hold, a client has replaced before it asks.
    return text.encode("utf-8", "replace").decode()


def body_of(value: Any) -> bytes:
    """Return a body; addresses in it lead nowhere but to this machine."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return ADDRESS.sub(r"\1127.0.0.1:9/", text).encode("utf-8", "replace")


PLACE = re.compile(r"\{(\w+)\}")
ADDRESS = re.compile(r"(https?://)[^\"/]*/?")
