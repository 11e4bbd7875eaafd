"""Whatever anybody sends as events: never an error of ours, and each refusal says where and why.

Events are made from the JSON Schema of every kind, whole, damaged and hostile, in every form of a body. The
suite tries the same ones each time; FUZZ=20000 tries so many new ones.
"""

import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter import registry
from exporter.ingest.event_parser import CLOUD, CLOUD_BATCH, CLOUD_PREFIX, JSON, NDJSON, BodyError
from exporter.server.handlers.events import status_of
from tests.events.schema_events import damaged, hostile, junk, whole
from tests.ingest.reporting import Desk, desk

KINDS = registry.events()
EXAMPLES = int(os.environ.get("FUZZ", "60"))
PROFILE = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
REASON = re.compile(r"[a-z]+(_[a-z]+)*\Z")
PATH = re.compile(r"(/[^\n]{0,200})?\Z")

Body = tuple[bytes, str, int | None]
"""Bytes, their Content-Type, and how many events are in them, where that is known."""


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


EVENTS = st.one_of(*(strategy for kind in KINDS.values() for strategy in (whole(kind), damaged(kind))))
TEXTS = st.one_of(EVENTS.map(json.dumps), hostile(KINDS.values()), junk())
"""Events as text, because some of them no JSON writer would write."""


def cloud(text: str) -> str:
    """Return a CloudEvent about what may be an event."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return f'{{"specversion": "1.0", "type": "integration.payment", "id": "x", "data": {text}}}'
    if not isinstance(event, dict):
        return text
    attributes = {"specversion": "1.0", "type": f"{CLOUD_PREFIX}{event.pop('kind', 'x')}", "source": "/app"}
    for attribute, field in (("id", "id"), ("time", "at"), ("subject", "tenant")):
        if field in event:
            attributes[attribute] = event.pop(field)
    return json.dumps({"id": "some", **attributes, "data": event})


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """Draw a body: one event, several, a line each, or as CloudEvents."""
    texts = draw(st.lists(TEXTS, max_size=6))
    form = draw(st.sampled_from(["one", "many", "lines", "cloud", "clouds"]))
    several = f"[{', '.join(texts)}]"
    made: dict[str, tuple[str, str, int | None]] = {
        "one": (texts[0] if texts else "", JSON, None),
        "many": (several, JSON, None),
        "lines": ("\n".join(text.replace("\n", " ") for text in texts), NDJSON[0], None),
        "cloud": (cloud(texts[0]) if texts else "", CLOUD, 1),
        "clouds": (f"[{', '.join(map(cloud, texts))}]", CLOUD_BATCH, None),
    }
    text, media_type, number = made[form]
    body = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        body, number = draw(spoiled(body)), None
    return body, media_type, number


def spoiled(body: bytes) -> st.SearchStrategy[bytes]:
    """Return bytes that are cut, or have others in between."""
    place = st.integers(0, len(body))
    return st.one_of(
        place.map(lambda end: body[:end]),
        st.tuples(place, st.binary(max_size=4)).map(lambda cut: body[: cut[0]] + cut[1] + body[cut[0] :]),
    )


async def send(made: Desk, body: bytes, media_type: str) -> tuple[int, str]:
    """Return what the handler would answer to a body that is unpacked."""
    try:
        result = await made.intake.receive(body, media_type)
    except BodyError as error:
        return error.status, json.dumps({"error": str(error)})
    return status_of(result), json.dumps(asdict(result))


def judge(status: int, text: str, number: int | None = None) -> None:
    """Hold that an answer is one of those that docs/events.md has, and says of each refusal where and why."""
    assert status in (202, 207, 400, 413, 415), (status, text)
    if status in (413, 415):
        assert text
        return
    answer: dict[str, Any] = json.loads(text)
    if "error" in answer:
        assert (status, bool(answer["error"])) == (400, True)
        return
    refused = answer["rejected"]
    good = answer["accepted"] + answer["duplicates"]
    assert status == (202 if not refused else 207 if good else 400)
    assert [one["index"] for one in refused] == sorted({one["index"] for one in refused})
    for one in refused:
        assert 0 <= one["index"] < good + len(refused)
        assert PATH.match(one["path"]) and REASON.match(one["reason"]) and one["detail"], one
    if number is not None:
        assert good + len(refused) == number


@PROFILE
@given(body=bodies())
async def test_every_body_is_taken_or_refused_with_index_path_and_reason(served: Desk, body: Body) -> None:
    data, media_type, number = body
    judge(*await send(served, data, media_type), number)


@PROFILE
@given(sent=st.lists(st.one_of(*map(whole, KINDS.values())), min_size=1, max_size=6))
async def test_what_fits_the_schema_is_taken_or_refused_for_what_no_schema_says(
    served: Desk, sent: list[dict[str, Any]]
) -> None:
    status, text = await send(served, json.dumps(sent).encode(), JSON)
    judge(status, text, len(sent))
    known = {"unknown_integration", "unknown_metric", "bad_labels", "bad_value", "bad_time", "too_deep"}
    assert {one["reason"] for one in json.loads(text)["rejected"]} <= known, text
    assert len(list(text_string_to_metric_families(served.body()))) > 1
