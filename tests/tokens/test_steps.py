"""What becomes of a token when one step of a renewal succeeds and the next one fails, or is repeated."""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from exporter.core.credential import REPLACED_EVERY
from exporter.core.errors import ProbeError
from exporter.core.network import Trace
from exporter.core.probe import Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import TokenSet, TokenSettings
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.store.subjects import tokens as rules
from exporter.tokens.manager import TokenManager
from exporter.tokens.storage import mark_of
from tests.clock import HandClock
from tests.tokens.endpoints import ask_token, configured, grant_of, made
from tests.tokens.replicas import Start, ask, away, platform, rest, row
from tests.waiting import PATIENCE

NO_UPDATE = "CREATE TRIGGER no BEFORE UPDATE ON connection BEGIN SELECT RAISE(ABORT, 'no'); END"
JOURNAL = "sql:calendar/acme"


@pytest.fixture
async def server() -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer(rotation="strict")) as started:
        yield started


def refreshing(server: OAuthServer, tenant: str = "acme") -> Target:
    return made(server, "calendar", tenant, refresh_token=Secret(server.connect(tenant)))


def shown(manager: TokenManager, target: Target) -> dict[str, float]:
    """Return the series of a target as `name{label values}`."""
    return {
        f"{metric.name.removeprefix('integration_token_')}{{{','.join(text for _, text in labels)}}}": value
        for metric, labels, value in manager.series(target.key)
        if isinstance(value, float)
    }


def statement(folder: Path, text: str) -> None:
    with closing(sqlite3.connect(folder / "state.db", timeout=PATIENCE)) as connection:
        connection.execute(text)
        connection.commit()


async def test_a_token_whose_write_back_failed_is_in_the_journal_and_the_next_process_finds_it(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    old = server.connect("acme")
    settings = platform(tmp_path, old)
    target = made(server, "calendar")
    row(tmp_path, NO_UPDATE)
    manager = start(target, settings)
    token = await ask(manager, target)
    store = manager.store
    assert store is not None
    kept = store.read(JOURNAL)
    assert kept is not None and kept.held.access.reveal() == token
    assert (kept.pending, kept.before) == (True, mark_of(TokenSet(refresh=Secret(old))))
    row(tmp_path, "DROP TRIGGER no")
    again = start(target, settings)
    assert await ask(again, target) == token
    assert [row(tmp_path)] == server.connections["acme"].refresh
    assert store.read(JOURNAL) is None
    assert server.connections["acme"].refreshes == 1


@pytest.mark.parametrize("broken", ["DROP TABLE token", "ALTER TABLE token RENAME COLUMN sealed TO other"])
async def test_a_database_that_fails_stops_a_rotating_refresh_with_the_reason_store(
    server: OAuthServer, start: Start, tmp_path: Path, broken: str
) -> None:
    target = refreshing(server)
    manager = start(target)
    await ask(manager, target)
    statement(tmp_path, broken)
    assert (await manager.refresh(target.key, "user:ann")).reason == "store"
    assert server.connections["acme"].refreshes == 1


async def test_a_store_that_dies_while_the_endpoint_answers_costs_nobody_the_new_token(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LEASE", 0.2)  # nobody gives it back, so that the next turn waits for its end
    target = refreshing(server)
    manager = start(target)
    server.hold = 0.3
    asked = asyncio.create_task(manager.refresh(target.key, "user:ann"))
    while not server.together["acme"]:
        await asyncio.sleep(0.01)
    back = away(tmp_path)
    event = await asked
    assert (event.result, event.reason) == ("ok", "")
    token = await ask(manager, target)
    assert server.takes(token)
    back()
    await clock.advance(6)
    await rest(manager)
    store = manager.store
    assert store is not None
    kept = store.read(name_in_store(manager, target))
    assert kept is not None and kept.held.access.reveal() == token
    assert server.connections["acme"].refreshes == 1


def name_in_store(manager: TokenManager, target: Target) -> str:
    account = manager.account(target.key)
    assert account is not None
    return str(account.storage._name)  # type: ignore[attr-defined]  # one in the store has it


async def test_a_store_that_only_cannot_take_the_lease_back_makes_no_failure(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    target = refreshing(server)
    manager = start(target)
    statement(
        tmp_path,
        "CREATE TRIGGER stuck BEFORE UPDATE ON token WHEN NEW.lease_owner IS NULL"
        " BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    event = await manager.refresh(target.key, "user:ann")
    assert (event.result, event.reason) == ("ok", "")
    assert shown(manager, target)["refresh_failures{access}"] == 0


async def test_the_platforms_database_needs_no_journal(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    target = made(server, "calendar")
    first = start(target, settings, keys=False)
    token = await ask(first, target)
    assert [row(tmp_path)] == server.connections["acme"].refresh
    await first.stop(PATIENCE)
    second = start(target, settings, keys=False)
    assert await ask(second, target) == token
    assert (await second.refresh(target.key, "user:ann")).result == "ok"
    assert [row(tmp_path)] == server.connections["acme"].refresh
    assert server.connections["acme"].refreshes == 2


async def test_a_journal_that_fails_keeps_no_token_from_the_platforms_database(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    manager = start(target := made(server, "calendar"), settings)
    back = away(tmp_path)
    assert (await manager.refresh(target.key, "user:ann")).result == "ok"
    assert [row(tmp_path)] == server.connections["acme"].refresh
    back()


async def test_where_row_and_journal_fail_the_token_serves_from_memory_and_is_written_later(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    row(tmp_path, NO_UPDATE)
    manager = start(target := made(server, "calendar"), settings)
    back = away(tmp_path)
    assert server.takes(await ask(manager, target))
    assert [row(tmp_path)] != server.connections["acme"].refresh
    row(tmp_path, "DROP TRIGGER no")
    await clock.advance(6)
    await rest(manager)
    assert [row(tmp_path)] == server.connections["acme"].refresh
    assert server.connections["acme"].refreshes == 1
    back()


async def test_many_probes_that_need_tokens_at_once_ask_for_a_few_at_a_time(
    server: OAuthServer, manager: TokenManager
) -> None:
    targets = [refreshing(server, f"t{number}") for number in range(60)]
    manager.apply(configured(*targets))
    server.hold, most = 0.03, 0
    asked = asyncio.gather(*(ask(manager, target) for target in targets))
    while not asked.done():
        most = max(most, server.together.total())
        await asyncio.sleep(0.001)
    assert len(set(await asked)) == 60
    assert 1 < most <= 8


@pytest.mark.parametrize("where", ["sql", "store"])
async def test_a_refused_credential_that_stays_the_same_is_not_sent_again(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock, where: str
) -> None:
    settings = platform(tmp_path, server.connect("acme")) if where == "sql" else TokenSettings()
    target = made(server, "calendar") if where == "sql" else refreshing(server)
    server.revoke("acme")
    manager = start(target, settings)
    with pytest.raises(ProbeError, match="invalid_grant"):
        await ask(manager, target)
    assert server.seen["refresh_token"] == 1
    for _ in range(10):
        await clock.advance(301)
        await rest(manager)
        with pytest.raises(ProbeError):
            await ask(manager, target)
    assert server.seen["refresh_token"] == 1


async def test_a_token_whose_place_was_never_read_is_unknown_and_not_refused(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    target = refreshing(server)
    manager = start(target)
    back = away(tmp_path)
    with pytest.raises(ProbeError) as caught:
        await ask(manager, target)
    assert caught.value.reason is Reason.CONNECT
    found = shown(manager, target)
    assert {name for name in found if name.startswith("state")} == {"state{access,unknown}"}
    assert found["refreshable{access}"] == 0
    assert found["refresh_failure_info{access,store}"] == 1
    assert server.seen["refresh_token"] == 0
    back()


@pytest.mark.parametrize("kind", ["refresh", "client"])
async def test_a_token_that_is_refused_again_is_replaced_again_after_five_minutes(
    server: OAuthServer, manager: TokenManager, clock: HandClock, kind: str
) -> None:
    target = refreshing(server) if kind == "refresh" else made(server, "api", kind="client")
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    second = await ask_token(manager, target, refused=first)
    assert second.value != first.value
    await clock.advance(REPLACED_EVERY - 1)
    assert (await ask_token(manager, target, refused=second)).value == second.value
    await clock.advance(1)
    assert (await ask_token(manager, target, refused=second)).value != second.value
    assert server.seen.total() == 3


@pytest.mark.parametrize("kind", ["refresh", "client"])
async def test_a_call_for_a_token_is_one_of_the_probe_that_needed_it(
    server: OAuthServer, manager: TokenManager, kind: str
) -> None:
    target = refreshing(server) if kind == "refresh" else made(server, "api", kind="client")
    grant = grant_of(target.options)
    assert grant is not None
    manager.apply(configured(target))
    calls = []
    for _ in range(2):
        trace = Trace(calls=3)
        await manager.get(target, grant, trace)
        calls.append(trace.calls)
    assert calls == [4, 3]


async def test_each_retry_without_anybody_asking_waits_twice_as_long_up_to_five_minutes_in_an_outage(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    manager.apply(configured(target := refreshing(server)))
    await ask(manager, target)
    moments: list[float] = []

    def fail() -> web.Response:
        moments.append(clock.now())
        return web.json_response({}, status=503)

    server.fail = fail
    await clock.advance(3_200)
    for _ in range(260):
        await clock.advance(5)
        await rest(manager)
    account = manager.account(target.key)
    assert account is not None
    waits = [after - before for before, after in itertools.pairwise(moments)]
    spread = 1 + 0.2 * account.spread
    assert waits[:5] == [pytest.approx(wait * spread, abs=6) for wait in (30, 60, 120, 240, 300)]


async def test_the_log_has_the_token_and_how_long_a_refresh_took(
    server: OAuthServer, start: Start, clock: HandClock
) -> None:
    target = refreshing(server)
    manager = start(target)
    server.hold = 0.3
    asked = asyncio.create_task(manager.refresh(target.key, "user:ann"))
    while not server.together["acme"]:
        await asyncio.sleep(0.01)
    await clock.advance(7)
    answer = await asked
    (event,) = await start.log()
    assert (event.token, event.operation, event.actor, event.duration_seconds) == (
        "access",
        "refresh",
        "user:ann",
        7.0,
    )
    assert answer.duration_seconds == 7.0


async def test_the_log_has_how_long_a_late_write_back_took(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    row(tmp_path, NO_UPDATE)
    manager = start(target := made(server, "calendar"), settings)
    await ask(manager, target)
    row(tmp_path, "DROP TRIGGER no")
    await clock.advance(6)
    await rest(manager)
    events = [one for one in await start.log() if one.operation == "write_back"]
    assert [(one.token, one.result) for one in events] == [("access", "ok")]
    assert 0 < events[0].duration_seconds < 60
