"""A refresh that found no descriptor asked nobody: it is no failure, and soon tried again."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from exporter.core.errors import SHORTAGE_RETRY as AGAIN
from exporter.core.errors import ProbeError, Shortage
from exporter.core.probe import Target
from exporter.core.secret import Secret
from exporter.net.network import LoopNetwork
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.scarcity import no_descriptors
from tests.tokens.endpoints import ask_token, configured, made
from tests.tokens.replicas import Start, ask, rest
from tests.waiting import PATIENCE


@pytest.fixture
async def server(clock: HandClock) -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer(now=clock.now)) as started:
        yield started


def failures_of(manager: TokenManager, target: Target) -> tuple[int, str, float]:
    account = manager.account(target.key)
    assert account is not None
    return account.failures, account.reason, account.retry_at


def options(server: OAuthServer, kind: str) -> dict[str, Any]:
    if kind == "refresh":
        return {"refresh_token": Secret(server.connect("acme"))}
    return {"kind": kind}


@pytest.mark.parametrize("kind", ["refresh", "client"])
async def test_a_token_that_nobody_could_be_asked_for_is_no_failure_and_had_at_the_next_run(
    server: OAuthServer, manager: TokenManager, kind: str
) -> None:
    target = made(server, "calendar", **options(server, kind))
    manager.apply(configured(target))
    for _ in range(3):
        with no_descriptors(), pytest.raises(Shortage, match="LimitNOFILE"):
            await ask(manager, target)
    assert failures_of(manager, target) == (0, "", 0.0)
    assert sum(server.seen.values()) == 0
    assert await ask(manager, target)


async def test_a_token_still_good_is_used_while_nobody_can_be_asked_for_the_next(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = made(server, "calendar", **options(server, "refresh"))
    manager.apply(configured(target))
    first = await ask(manager, target)
    account = manager.account(target.key)
    assert account is not None and account.tokens is not None and account.tokens.expiry is not None
    await clock.advance(account.tokens.expiry - clock.now() - 400)
    with no_descriptors():
        await clock.advance(350)
        assert await ask(manager, target) == first
        await clock.advance(60)
        with pytest.raises(Shortage):  # an expired one would only be refused
            await ask(manager, target)
    assert failures_of(manager, target) == (0, "", 0.0)
    assert await ask(manager, target) != first


async def test_a_renewal_that_is_due_is_tried_again_soon_and_not_in_a_circle(
    server: OAuthServer, clock: HandClock
) -> None:
    network, short = LoopNetwork(), list[Shortage]()
    manager = TokenManager(network, clock, on_shortage=short.append)
    target = made(server, "calendar", **options(server, "refresh"))
    manager.apply(configured(target))
    await ask(manager, target)
    account = manager.account(target.key)
    assert account is not None and account.tokens is not None and account.tokens.expiry is not None
    with no_descriptors():
        for _ in range(int(account.tokens.expiry - clock.now())):
            await clock.advance(1)
            await rest(manager)
    assert 2 < len(short) <= 400 / AGAIN and {one.resource for one in short} == {"descriptors"}
    assert failures_of(manager, target) == (0, "", 0.0)
    for _ in range(int(AGAIN) + 1):
        await clock.advance(1)
        await rest(manager)
    assert account.renewals == 2 and account.shortage is None
    await manager.stop(PATIENCE)
    await network.close()


async def test_a_token_that_the_server_refused_is_replaced_as_soon_as_somebody_can_be_asked(
    server: OAuthServer, manager: TokenManager
) -> None:
    target = made(server, "calendar", **options(server, "client"))
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    with no_descriptors(), pytest.raises(Shortage):
        await ask_token(manager, target, refused=first)
    assert (await ask_token(manager, target, refused=first)).value != first.value


async def test_a_failure_of_the_vendor_stays_known_where_a_later_turn_could_ask_nobody(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = made(server, "calendar", **options(server, "client"))
    manager.apply(configured(target))
    server.fail = lambda: web.json_response({}, status=503)
    with pytest.raises(ProbeError):
        await ask(manager, target)
    count, reason, _ = failures_of(manager, target)
    assert (count, reason) == (1, "vendor_error")
    await clock.advance(60)
    with no_descriptors(), pytest.raises(Shortage):
        await ask(manager, target)
    assert failures_of(manager, target)[:2] == (1, "vendor_error")


async def test_a_caller_of_a_refresh_learns_what_is_lacking_and_the_log_of_tokens_has_no_failure(
    server: OAuthServer, start: Start
) -> None:
    target = made(server, "calendar", **options(server, "refresh"))
    manager = start(target)
    await ask(manager, target)
    with no_descriptors(), pytest.raises(Shortage, match="LimitNOFILE"):
        await manager.refresh(target.key, "ann")
    assert failures_of(manager, target) == (0, "", 0.0)
    assert (await manager.refresh(target.key, "ann")).result == "ok"


async def test_a_store_of_tokens_that_cannot_be_opened_for_want_of_a_descriptor_is_no_failure(
    server: OAuthServer, start: Start
) -> None:
    target = made(server, "calendar", **options(server, "refresh"))
    manager = start(target)
    with no_descriptors(), pytest.raises(Shortage):
        await ask(manager, target)
    assert failures_of(manager, target) == (0, "", 0.0)
    assert await ask(manager, target)
