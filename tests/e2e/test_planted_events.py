"""Personal data in every field of every kind of event: it shows in the list of that kind alone."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter import registry
from exporter.core.event import EventKind
from exporter.core.event_fields import FieldType, own_fields
from tests.e2e.asking import admin_headers, read, until
from tests.e2e.test_process import Process, Start, start
from tests.events.test_contract import whole

__all__ = ["start"]

KINDS = list(registry.events().values())
CONFIGURATION = """\
integrations: []
events: {{metrics: [{{name: jobs_waiting, help: Jobs that wait., labels: {{queue: 20}}}}]}}
store: {{url: "sqlite:///{folder}/state.db"}}
"""
PATHS = (
    *("/", "/config", "/api/v1/targets", "/api/v1/status", "/api/v1/stats", "/api/v1/api-health"),
    *(f"/api/v1/{name}-summary" for name in ("cost", "payment", "traffic", "widget", "sign-in")),
)


def planted(kind: EventKind) -> dict[str, str]:
    """Return what is said of a person in events of a kind, which no event of another kind says."""
    number = 10 + KINDS.index(kind)
    return {
        "name": f"Maria Gonz{kind.name} Doe",
        "mail": f"maria.{kind.name}@example.com",
        "phone": f"+49 170 12345{number}",
        "local phone": f"0170-12345{number}",
        "card": f"4242 4242 4242 42{number}",
        "card with dots": f"4242.4242.4242.42{number}",
        "plain card": f"42424242424242{number}",
        "account": f"DE893704004405320130{number}",
        "key": f"sk_live_51Habcdefgh{number}",
        "access key": f"AKIAIOSFODNN7EXAM{number}",
        "token": f"eyJhbGciOi{number}.eyJzdWIiOiIx.c2lnbmF0dXJl",
        "address": f"203.0.113.{number}",
        "address of version 6": f"2001:db8::{number}",
        "birthday": f"1984-05-{number}",
    }


def events(kind: EventKind) -> Iterator[dict[str, Any]]:
    """Yield an event for each field and each text; some of them are refused, which quotes nothing either."""
    every = whole(kind)  # durations too, whose histograms lead to single events
    yield every
    for text in planted(kind).values():
        # Not the tenant: whatever a platform calls its customers by is what their series are found by.
        for name in ("id", "integration", "at", "kind"):
            yield {**every, name: text}
        yield {**every, text: 1}
        for field in own_fields(kind.fields):
            if field.type is FieldType.TEXT:
                # Alone, and where a path or a sentence has it inside.
                yield from (
                    {**every, field.name: value} for value in (text, f"/users/{text}/x", f"of {text}")
                )
            elif field.type in (FieldType.TEXTS, FieldType.VALUES):
                yield {**every, field.name: {text: text}}
                first = next(iter(kind.example.get(field.name, {"name": ""})))
                yield {**every, field.name: {first: text}}
            else:
                yield {**every, field.name: text}


def shown(text: str, kinds: list[EventKind]) -> list[str]:
    """Return what `text` shows of what was planted in events of `kinds`."""
    return [value for kind in kinds for value in planted(kind).values() if value.lower() in text.lower()]


async def report(process: Process, kind: EventKind) -> str:
    """Send the events of a kind; return every answer in one text."""
    answers, sent = [], list(events(kind))
    async with aiohttp.ClientSession(headers=admin_headers(os.environ)) as session:
        for begin in range(0, len(sent), 500):
            async with session.post(
                f"{process.base}/api/v1/events", json=sent[begin : begin + 500]
            ) as answer:
                assert answer.status == 207, await answer.text()
                answers.append(await answer.text())
    return "\n".join(answers)


async def taken(process: Process) -> int:
    text = await process.metrics()
    lines = [line for line in text.splitlines() if line.startswith("integration_exporter_events_total{")]
    return int(sum(float(line.rpartition(" ")[2]) for line in lines))


async def test_nobody_is_named_in_a_label_a_log_line_an_answer_or_a_list_of_something_else(
    start: Start, tmp_path: Path
) -> None:
    config = tmp_path / "config.yml"
    config.write_text(CONFIGURATION.format(folder=tmp_path))
    process = await start(f"--config.file={config}", "--log.level=debug")
    accepted = 0
    for kind in KINDS:
        answers = await report(process, kind)
        assert shown(answers, KINDS) == [], kind.name
        accepted += sum(json.loads(line)["accepted"] for line in answers.splitlines())

    async def counted() -> bool:
        return await taken(process) == accepted

    await until("all is counted", counted)
    metrics = await process.metrics(Accept="application/openmetrics-text; version=1.0.0")
    assert "# {" in metrics, "exemplars, which lead to single events, are there"
    lines = [line for line in metrics.splitlines() if shown(line, KINDS)]
    assert lines == []
    for path in PATHS:
        assert shown(await read(f"{process.base}{path}"), KINDS) == [], path
    lists = {listing.path: listing for listing in registry.lists().values()}
    for path in lists:
        text = await read(f"{process.base}{path}?format=ndjson")
        others = [kind for kind in KINDS if (kind.path or f"/api/v1/{kind.name}") != path]
        assert shown(text, others) == [], path
        if own := [kind for kind in KINDS if kind not in others]:
            assert shown(text, own), f"{path} has nothing of what was planted, so it proves nothing"
    await process.service.stop()
    assert shown(process.log, KINDS) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_field_is_planted(kind: EventKind) -> None:
    said = list(events(kind))
    for field in own_fields(kind.fields):
        assert any("maria" in str(event[field.name]).lower() for event in said if field.name in event)
