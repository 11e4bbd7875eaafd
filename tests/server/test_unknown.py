"""Names that nobody has: each thing that makes one known, alone, and who learns of it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from exporter.core.configuration import Integration, Shard
from exporter.core.reason import Reason
from exporter.core.store import Failure, StateChange
from exporter.core.summary import HOUR, Summary
from exporter.store.check_batch import CheckBatch
from exporter.store.database import Database
from tests.server.house import NOW, STRIPE, House, Room, bearer, house, state
from tests.server.test_access import TOKENS, web_config

HOURS = int(NOW // HOUR)


def summary(hours_ago: int) -> Summary:
    made = Summary((HOURS - hours_ago) * HOUR, "stripe")
    made.add_success(0.1)
    return made


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db")
    made.open()
    failed = Failure(NOW - 9e4, ("failed", "acme"), "stripe", Reason.AUTH, "", 0.1, 401, (), "")
    changed = StateChange(NOW - 9e4, ("changed", "acme"), "stripe", "connected", "error", Reason.AUTH, "")
    hours = {"now": summary(0), "counted": summary(48), "old": summary(99 * 24), "older": summary(101 * 24)}
    made.write(
        [
            CheckBatch(
                failures=[failed],
                changes=[changed],
                summaries={((name, "globex"), one.hour): one for name, one in hours.items()},
            )
        ]
    )
    yield made
    made.close()


@pytest.fixture
async def served(tmp_path: Path, store: Database) -> AsyncIterator[House]:
    room = Room(
        [state("payments", "acme"), state("payment", "globex"), state("web")],
        path=web_config(tmp_path),
        store=store,
        idle=(Integration("idle", STRIPE, False, 60.0),),
        shard=Shard(elsewhere=frozenset({("far", "initech")})),
    )
    async with house(room) as made:
        yield made


async def answer(made: House, query: str, path: str = "errors", token: str = "viewer") -> str:
    """Return what is reported of `query`, "" where its names are known."""
    reply = await made.ask(f"/api/v1/{path}?{query}", headers=bearer(TOKENS[token]))
    assert reply.status in (200, 404)
    return "" if reply.status == 200 else str(reply.json["error"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", ""),
        ("integration=&tenant=", ""),
        ("integration=web", ""),
        ("tenant=acme", ""),
        ("integration=payments&tenant=acme", ""),
        ("integration=payments&tenant=globex", "payments has no tenant 'globex'"),
        ("integration=web&tenant=acme", "web has no tenant 'acme'"),
        ("integration=idle", ""),
        ("integration=idle&tenant=acme", "idle has no tenant 'acme'"),
        ("integration=far", ""),
        ("tenant=initech", ""),
        ("integration=far&tenant=initech", ""),
        ("integration=payment_", "there is no integration 'payment_'; did you mean payment or payments?"),
        ("tenant=acm", "there is no tenant 'acm'; did you mean acme?"),
        ("tenant=quux", "there is no tenant 'quux'"),
    ],
)
async def test_what_is_configured_is_known_wherever_it_is_probed(
    served: House, query: str, message: str
) -> None:
    assert await answer(served, query, "targets") == message


@pytest.mark.parametrize("name", ["failed", "changed", "now", "counted", "old"])
async def test_a_target_that_is_gone_is_known_by_any_trace_of_it(served: House, name: str) -> None:
    assert await answer(served, f"integration={name}") == ""
    assert "there is no integration" in await answer(served, f"integration={name}", "targets")


async def test_what_is_gone_for_a_hundred_days_or_for_others_is_not_known(served: House) -> None:
    assert await answer(served, "integration=older") == "there is no integration 'older'"
    assert "there is no integration" in await answer(served, "integration=failed&tenant=globex")


async def test_who_is_bound_knows_of_the_own_tenants_alone(served: House) -> None:
    for query, known in (
        ("integration=payments", True),
        ("integration=failed", True),
        ("integration=counted", False),
        ("integration=idle", False),
        ("integration=far", False),
        ("tenant=initech", False),
        ("integration=web", False),
    ):
        message = await answer(served, query, token="bound_viewer")
        assert (message == "") is known, query
        assert "did you mean" not in message


async def test_a_store_that_does_not_answer_makes_nothing_known(tmp_path: Path) -> None:
    async with house(Room([state("web")], path=web_config(tmp_path))) as made:
        assert await answer(made, "integration=gone") == "there is no integration 'gone'"
