"""The course of an integration, by the hour and by the day, out of a real store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exporter.core.hours import DAY, hour_of
from exporter.core.summary import HOUR, Summary
from exporter.store.database import Database
from exporter.store.subjects.summaries import add, fold
from tests.server.house import NOW, House, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

PATH = "/api/v1/timeline?integration=payments"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[House]:
    store = Database(f"sqlite:///{tmp_path}/state.db")
    store.open()
    states = [state("payments", "acme"), state("payments", "globex"), state("mail")]
    async with house(Room(states, path=web_config(tmp_path), store=store)) as made:
        yield made
    store.close()


def put(place: House, tenant: str, ago: float, failed: int = 0, reason: str = "auth") -> None:
    """Store an hour of ten checks that took 0.1 s, of which some failed, each for five minutes."""
    summary = Summary(hour_of(NOW - ago), "stripe")
    for _ in range(10 - failed):
        summary.add_success(0.1)
    for _ in range(failed):
        summary.add_failure(reason)
    summary.add_watch(HOUR - failed * 300, failing=False)
    summary.add_watch(failed * 300, failing=True)
    assert place.room.store is not None
    with place.room.store.writing() as connection:
        add(connection, {(("payments", tenant), summary.hour): summary})


async def rows(place: House, query: str, token: str = "admin") -> list[dict[str, Any]]:
    reply = await place.ask(PATH + query, headers=bearer(TOKENS[token]))
    assert reply.status == 200, reply.text
    return list(reply.json["timeline"])


async def test_hours_and_days_add_up_to_the_same_also_once_hours_are_folded(place: House) -> None:
    for ago in (0, HOUR, 30 * HOUR, 10 * DAY, 10 * DAY - HOUR):
        put(place, "acme", ago, failed=2)
    by_hour, by_day = await rows(place, "&step=hour"), await rows(place, "&step=day")
    assert [row["runs"] for row in by_hour] == [10, 10, 10]
    assert sum(row["runs"] for row in by_day) == 50 and sum(row["failed"] for row in by_day) == 10
    assert place.room.store is not None
    with place.room.store.writing() as connection:
        while fold(connection, NOW):
            pass
    assert await rows(place, "&step=day") == by_day and await rows(place, "&step=hour") == by_hour
    assert by_hour[-1]["uptime"] == pytest.approx(1 - 600 / 3600, abs=1e-6)
    assert by_hour[-1]["p95_seconds"] == pytest.approx(0.1, rel=0.101)
    assert by_hour[-1]["reasons"] == {"auth": 2}


async def test_a_tenant_narrows_it_and_a_bound_caller_has_its_own_alone(place: House) -> None:
    put(place, "acme", 0)
    put(place, "globex", 0, failed=10, reason="dns")
    (both,) = await rows(place, "&step=hour")
    assert (both["runs"], both["reasons"]) == (20, {"dns": 10})
    (mine,) = await rows(place, "&step=hour", "bound_viewer")
    assert (mine["runs"], mine["reasons"]) == (10, {})
    (other,) = await rows(place, "&step=hour&tenant=globex")
    assert (other["runs"], other["p50_seconds"]) == (10, None)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("/api/v1/timeline", 400, "name an integration"),
        (PATH + "&step=week", 400, "step must be one of hour, day"),
        (PATH + "x", 404, "did you mean payments?"),
    ],
)
async def test_a_wrong_question_is_one_sentence(place: House, query: str, status: int, words: str) -> None:
    reply = await place.ask(query, headers=bearer(TOKENS["viewer"]))
    assert reply.status == status and words in reply.json["error"]
