"""Values that never end, in every field of every kind: series are bounded, and the rest is counted."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exporter import registry
from exporter.core.event import EventKind
from exporter.core.event_fields import FieldType, own_fields
from exporter.core.event_settings import EventSettings
from exporter.core.webhook_metrics import SERIES_DROPPED
from tests.ingest.reporting import JOBS, configuration, desk

KINDS = list(registry.events().values())
LIMIT, NUMBER = 100, 600
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def name(number: int) -> str:
    """Return a word that looks as if code gave it: without digits, of which too many look like a person's."""
    return LETTERS[number // 676 % 26] + LETTERS[number // 26 % 26] + LETTERS[number % 26]


def event(kind: EventKind, number: int, tenant: str) -> dict[str, Any]:
    """Return an event whose texts nobody has sent before."""
    word = name(number)
    texts = {
        field.name: f"/{word}" if field.name == "route" else word
        for field in own_fields(kind.fields)
        if field.type is FieldType.TEXT and not field.choices and not field.bounds.startswith("`")
    }
    # A metric that is declared, with a value that is not listed.
    names = {"name": "jobs_waiting", "labels": {"queue": word}} if kind.name == "metric" else {}
    return {"kind": kind.name, **kind.example, **texts, **names, "tenant": tenant}


def series_of(body: str) -> Counter[str]:
    """Count the series by metric; a histogram has one count for each."""
    lines = (line.partition("{")[0] for line in body.splitlines() if not line.startswith("#"))
    return Counter(line for line in lines if not line.endswith(("_bucket", "_sum")))


def values_of(body: str) -> dict[str, set[str]]:
    """Return the values that each label has in any series, but for bounds of buckets."""
    found: dict[str, set[str]] = {}
    for name, value in re.findall(r'(\w+)="([^"]*)"', body):
        if name not in ("le", "metric"):
            found.setdefault(name, set()).add(value)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_the_labels_of_a_kind_have_so_many_values_and_no_more(kind: EventKind, tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        settings = EventSettings(metrics={"jobs_waiting": JOBS}, labels={"jobs_waiting.queue": 20})
        made.intake.apply(configuration(settings))
        result = await made.send(*(event(kind, number, "") for number in range(NUMBER)))
        assert result.accepted == NUMBER
        most = max((20, *kind.labels.values()))
        for label, values in values_of(made.body()).items():
            # One more than there is room for: `other`.
            assert len(values) <= most + 1, label


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_tenants_without_end_stop_at_the_limit_and_are_counted(kind: EventKind, tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        settings = EventSettings(
            series_limit=LIMIT, metrics={"jobs_waiting": JOBS}, labels={"jobs_waiting.queue": 20}
        )
        made.intake.apply(configuration(settings))
        await made.send(*(event(kind, number, f"t{number}") for number in range(NUMBER)))
        body = made.body()
        assert max(series_of(body).values()) <= LIMIT
        by_tenant = [metric for metric in (*kind.metrics, JOBS) if "tenant" in metric.label_names]
        dropped = {metric.name: made.value(SERIES_DROPPED, metric.name) for metric in by_tenant}
        seen = {name: number for name, number in dropped.items() if number is not None}
        assert seen, "no series of the kind has a tenant"
        assert all(number >= 0 for number in seen.values()) and max(seen.values()) >= NUMBER - LIMIT
