"""What the app of the demo reports is valid, has something for every dashboard, and begins with all well."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from exporter import registry
from exporter.client.kinds import Kinds
from exporter.core.event import EventError
from exporter.demo.app_events import ATTACK_AT, report_round
from exporter.ingest.event_parser import EventParser

Event = Mapping[str, Any]


class Recorder(Kinds):
    """Takes events, and sends none."""

    def __init__(self) -> None:
        """Start without an event."""
        self.events: list[dict[str, Any]] = []

    def event(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Remember an event."""
        self.events.append(
            {"kind": kind, **{key: value for key, value in fields.items() if value is not None}}
        )


@pytest.fixture(scope="module")
def rounds() -> list[list[dict[str, Any]]]:
    """The events of each second, until somebody attacks, and of that one."""
    recorder, chance, found = Recorder(), random.Random(1), []
    for number in range(ATTACK_AT + 1):
        recorder.events = []
        report_round(recorder, chance, number)
        found.append(recorder.events)
    return found


def test_every_event_is_valid(rounds: list[list[dict[str, Any]]]) -> None:
    parser = EventParser(registry.events().values())
    for events in (rounds[0], rounds[-1]):
        found = parser.parse(json.dumps(events).encode(), "application/json")
        assert [one for one in found if isinstance(one, EventError)] == []
        assert all(isinstance(one, msgspec.Struct) for one in found)


def test_every_kind_is_reported_but_those_that_need_more_than_a_client(
    rounds: list[list[dict[str, Any]]],
) -> None:
    kinds = {event["kind"] for events in rounds for event in events}
    # Webhooks arrive and go out through the exporter; a metric is one that the configuration declares.
    assert kinds == registry.events().keys() - {"webhook", "metric"}


# What is counted, what of it went wrong, events from which on an alert looks, and the share that it allows.
SHARES: dict[str, tuple[Callable[[Event], tuple[Any, ...] | None], Callable[[Event], bool], int, float]] = {
    "endpoints": (
        lambda e: (
            (e["tenant"], e["route"]) if e["kind"] == "api_request" and "integration" not in e else None
        ),
        lambda e: e["status"] >= 500,
        50,
        0.05,
    ),
    "calls": (
        lambda e: (e["tenant"],) if e["kind"] == "api_request" and "integration" in e else None,
        lambda e: e["status"] >= 400,
        50,
        0.05,
    ),
    "AI": (
        lambda e: (e["tenant"], e["endpoint"]) if e["kind"] == "ai_usage" else None,
        lambda e: e["status"] != "ok",
        50,
        0.05,
    ),
    "payments": (
        lambda e: (e["tenant"],) if e["kind"] == "payment" else None,
        lambda e: e["outcome"] in ("failed", "declined", "timeout"),
        20,
        0.02,
    ),
    "widgets": (
        lambda e: (e["tenant"], e["widget"], e["release"]) if e["kind"] == "widget" else None,
        lambda e: e["outcome"] != "loaded",
        50,
        0.05,
    ),
    "bots": (
        lambda e: (e["tenant"],) if e["kind"] == "traffic" else None,
        lambda e: e["client"] != "human",
        200,
        0.5,
    ),
    "limits": (
        lambda e: (e["tenant"], e["policy"]) if e["kind"] == "rate_limit" else None,
        lambda e: e["outcome"] == "blocked",
        100,
        0.2,
    ),
}


@pytest.mark.parametrize("name", SHARES)
def test_something_fails_but_never_enough_for_an_alert(name: str, rounds: list[list[dict[str, Any]]]) -> None:
    place_of, failed, least, most = SHARES[name]
    counts: dict[tuple[Any, ...], list[int]] = {}
    for events in rounds:
        for event in events:
            if (place := place_of(event)) is not None:
                count = counts.setdefault(place, [0, 0])
                count[0] += 1
                count[1] += failed(event)
        assert all(bad / all_ < most for all_, bad in counts.values() if all_ >= least), counts
    assert any(bad for _, bad in counts.values())


def test_somebody_tries_passwords_once_the_story_of_the_demo_is_over(
    rounds: list[list[dict[str, Any]]],
) -> None:
    def failures(events: list[dict[str, Any]]) -> list[Event]:
        return [event for event in events if event["kind"] == "auth" and event["outcome"] == "failure"]

    assert max(len(failures(events)) for events in rounds[:-1]) <= 1
    tried = [event for event in failures(rounds[-1]) if event.get("address")]
    assert len({event["actor"] for event in tried}) >= 10
    assert len({event["address"] for event in tried}) == 1
