"""Tokens outlive the process, are refreshed by one replica alone, and reach the platform's own database."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.errors import ProbeError, StoreError
from exporter.core.secret import Secret
from exporter.core.token import TokenSet, TokenSettings
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.tokens.storage import mark_of
from tests.clock import HandClock
from tests.tokens.endpoints import made
from tests.tokens.replicas import Start, ask, away, platform, rest, row
from tests.waiting import PATIENCE


@pytest.fixture
async def server() -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer(rotation="strict")) as started:
        yield started


async def test_a_restart_goes_on_with_the_newest_refresh_token(server: OAuthServer, start: Start) -> None:
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    first = start(target)
    token = await ask(first, target)
    await first.stop(PATIENCE)
    second = start(target)
    assert await ask(second, target) == token, "the access token still lasts"
    account = second.account(target.key)
    assert account is not None and account.last_success == 1_800_000_000.0
    assert (await second.refresh(target.key, "user:ann")).result == "ok"
    assert not server.connections["acme"].dead


async def test_without_keys_nothing_is_kept_and_tokens_serve_from_memory(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    manager = start(target, keys=False)
    await ask(manager, target)
    assert (await manager.refresh(target.key, "user:ann")).result == "ok"
    assert len(await start.log()) == 2
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        assert connection.execute("SELECT * FROM token").fetchall() == []
        assert len(connection.execute("SELECT * FROM token_log").fetchall()) == 2


async def test_two_replicas_with_one_store_refresh_once(server: OAuthServer, start: Start) -> None:
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    server.hold = 0.15
    replicas = [start(target), start(target)]
    tokens = await asyncio.gather(*(ask(manager, target) for manager in replicas))
    assert len(set(tokens)) == 1
    assert (server.connections["acme"].refreshes, server.most_together) == (1, 1)
    assert sorted(event.result for event in await start.log()) == ["adopted", "ok"]


async def test_two_replicas_with_the_platforms_database_refresh_once_and_write_back(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    target = made(server, "calendar")
    server.hold = 0.15
    replicas = [start(target, settings), start(target, settings)]
    tokens = await asyncio.gather(*(ask(manager, target) for manager in replicas))
    assert len(set(tokens)) == 1
    assert (server.connections["acme"].refreshes, server.most_together) == (1, 1)
    assert [row(tmp_path)] == server.connections["acme"].refresh


async def test_a_crash_between_journal_and_write_back_is_made_good_at_the_next_start(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    old = server.connect("acme")
    settings = platform(tmp_path, old)
    target = made(server, "calendar")
    # What a process leaves behind that dies when the journal is written and the row is not.
    server.connections["acme"].refresh = ["rt-new"]
    store = start(target, settings).store
    assert store is not None
    newest = TokenSet(Secret("at-new"), Secret("rt-new"), 1_800_003_000.0, obtained=1_800_000_000.0)
    labels = ("calendar", "acme", "made")
    store.keep("sql:calendar/acme", labels, newest, before=mark_of(TokenSet(refresh=Secret(old))))
    again = start(target, settings)
    assert await ask(again, target) == "at-new"
    assert row(tmp_path) == "rt-new"
    assert store.read("sql:calendar/acme") is None
    events = await start.log()
    assert [(event.operation, event.result) for event in events] == [("write_back", "ok")]


async def test_a_journal_older_than_what_the_platform_has_is_dropped(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    target = made(server, "calendar")
    store = start(target, settings).store
    assert store is not None
    stale = TokenSet(Secret("at-stale"), Secret("rt-stale"), 1_800_003_000.0, obtained=1.0)
    store.keep("sql:calendar/acme", ("calendar", "acme", "made"), stale, before="another one")
    manager = start(target, settings)
    assert await ask(manager, target) != "at-stale"
    assert row(tmp_path) != "rt-stale"


async def test_a_row_that_somebody_replaced_ends_a_refusal(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    target = made(server, "calendar")
    server.revoke("acme")
    manager = start(target, settings)
    with pytest.raises(ProbeError, match="invalid_grant"):
        await ask(manager, target)
    row(tmp_path, "UPDATE connection SET refresh_token = ?", server.connect("acme"))
    await clock.advance(301)
    await rest(manager)
    assert server.takes(await ask(manager, target))


async def test_a_probe_that_comes_while_tokens_are_being_read_gets_one(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    target = made(server, "calendar")
    for _ in range(4):
        row(tmp_path, "UPDATE connection SET access_token = NULL, expires_at = NULL")
        manager = start(target, settings)
        account = manager.account(target.key)
        assert account is not None
        with closing(sqlite3.connect(tmp_path / "platform.db")) as busy:
            busy.execute("BEGIN EXCLUSIVE")  # the reading waits, however quick its thread is
            await clock.advance(0)
            assert account.task is not None
        while account.tokens is None:  # then the turn is over, and no caller was answered yet
            await asyncio.sleep(0)
        assert server.takes(await ask(manager, target))


async def test_a_tenant_without_a_row_is_not_configured(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    manager = start(target := made(server, "calendar", "nobody"), settings)
    with pytest.raises(ProbeError) as caught:
        await ask(manager, target)
    assert caught.value.reason.value == "not_configured"


async def test_a_write_back_that_fails_is_made_good_and_the_new_token_serves_meanwhile(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock
) -> None:
    settings = platform(tmp_path, server.connect("acme"))
    assert settings.sql is not None
    row(tmp_path, "CREATE TRIGGER no BEFORE UPDATE ON connection BEGIN SELECT RAISE(ABORT, 'no'); END")
    target = made(server, "calendar")
    manager = start(target, settings)
    assert server.takes(await ask(manager, target))
    assert row(tmp_path) not in server.connections["acme"].refresh
    row(tmp_path, "DROP TRIGGER no")
    await clock.advance(60)
    await rest(manager)
    assert [row(tmp_path)] == server.connections["acme"].refresh


async def test_with_source_store_the_options_seed_once(server: OAuthServer, start: Start) -> None:
    settings = TokenSettings(source="store")
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    await ask(first := start(target, settings), target)
    await first.stop(PATIENCE)
    other = replace(
        target, options=type(target.options)(token_url=server.url(), refresh_token=Secret("stale"))
    )
    assert (await start(other, settings).refresh(target.key, "user:ann")).result == "ok"


async def test_a_store_that_fails_stops_no_refresh_that_needs_no_keeping(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    server.rotation = "none"
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    manager = start(target)
    await ask(manager, target)
    away(tmp_path)
    assert (await manager.refresh(target.key, "user:ann")).result == "ok"
    store = manager.store
    assert store is not None
    with pytest.raises(StoreError):
        store.read("x")


async def test_a_store_that_fails_stops_a_refresh_whose_token_would_be_lost(
    server: OAuthServer, start: Start, tmp_path: Path
) -> None:
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    manager = start(target)
    token = await ask(manager, target)
    back = away(tmp_path)
    assert (await manager.refresh(target.key, "user:ann")).reason == "store"
    assert server.connections["acme"].refreshes == 1
    assert await ask(manager, target) == token
    back()
    assert (await manager.refresh(target.key, "user:ann")).result == "ok"
