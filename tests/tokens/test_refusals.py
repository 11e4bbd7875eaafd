"""What a refusal by a token endpoint comes to: its state, its words, and how often it is asked for again."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import FLOOR, TokenSettings
from exporter.net import tokens as rules
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.store.subjects.tokens import LEASE
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.tokens.endpoints import configured, made
from tests.tokens.replicas import Start, ask, platform, rest

DAY = 86_400.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock(time.time())


@pytest.fixture
async def server(clock: HandClock) -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer(now=clock.now)) as started:
        yield started


def answer(server: OAuthServer, status: int, body: Any) -> None:
    server.fail = lambda: web.json_response(body, status=status)


async def live_through(manager: TokenManager, clock: HandClock, seconds: float, every: float) -> None:
    for _ in range(int(seconds / every)):
        await clock.advance(every)
        await rest(manager)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, {"error": "bad_refresh_token"}, "bad_refresh_token"),
        (200, {"ok": False, "error": "invalid_refresh_token"}, "invalid_refresh_token"),
        (400, {"error": "interaction_required"}, "interaction_required"),
    ],
)
async def test_a_final_code_of_a_vendors_own_ends_all_calls_and_the_log_has_it(
    server: OAuthServer, manager: TokenManager, clock: HandClock, status: int, body: Any, code: str
) -> None:
    answer(server, status, body)
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    manager.apply(configured(target))
    with structlog.testing.capture_logs() as lines, pytest.raises(ProbeError, match=code) as caught:
        await ask(manager, target)
    assert caught.value.reason is Reason.AUTH
    assert [line["reason"] for line in lines] == ["invalid_grant"] and code in lines[0]["detail"]
    account = manager.account(target.key)
    assert account is not None
    assert account.states(clock.now())["refresh"] == "refused" and not account.refreshable("access")
    await live_through(manager, clock, DAY, 600.0)
    with pytest.raises(ProbeError, match=code):
        await ask(manager, target)
    assert server.seen["refresh_token"] == 1


@pytest.mark.parametrize("kind", ["refresh", "client"])
async def test_a_code_that_nobody_knows_is_the_credentials_fault_and_is_asked_for_again_ever_more_seldom(
    server: OAuthServer, manager: TokenManager, clock: HandClock, kind: str
) -> None:
    answer(server, 400, {"error": "some_new_code"})
    target = made(server, "calendar", kind=kind, refresh_token=Secret(server.connect("acme")))
    manager.apply(configured(target))
    for _ in range(int(DAY / 300)):
        with pytest.raises(ProbeError, match="some_new_code") as caught:
            await ask(manager, target)
        await clock.advance(300)
        await rest(manager)
    assert caught.value.reason is Reason.AUTH
    account = manager.account(target.key)
    assert account is not None and account.reason == "auth" and not account.refused
    assert 20 <= server.seen.total() <= 24 + 8


@pytest.mark.parametrize("kind", ["refresh", "client"])
async def test_an_endpoint_that_never_answers_is_left_after_a_while_and_blocks_nobody(
    server: OAuthServer, manager: TokenManager, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert rules.LIMIT == 20.0 < LEASE, "an owner of a lease must be done before it is over"
    monkeypatch.setattr(rules, "LIMIT", 0.2)
    server.hold = 60.0
    target = made(server, "calendar", kind=kind, refresh_token=Secret(server.connect("acme")))
    manager.apply(configured(target))
    assert (await manager.refresh(target.key, "user:ann")).reason == "timeout"
    with pytest.raises(ProbeError, match=r"no answer within 0\.2 s"):
        await ask(manager, target)
    server.hold = 0.0
    monkeypatch.undo()
    assert (await manager.refresh(target.key, "user:ann")).result == "ok"


def robot(server: OAuthServer) -> str:
    """Return the key of a service account that `server` knows."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server.public_key = key.public_key()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(("off", "words"), [(400, "400 s ahead of"), (-400, "400 s behind"), (0, None)])
async def test_an_assertion_that_is_refused_points_at_the_clock_and_is_tried_again(
    server: OAuthServer, manager: TokenManager, clock: HandClock, off: float, words: str | None
) -> None:
    pem = robot(server)
    if words is None:
        answer(server, 400, {"error": "invalid_grant"})
    clock.set_wall(off)
    target = made(server, "calendar", kind="service", access_token=Secret(pem))
    manager.apply(configured(target))
    with pytest.raises(ProbeError, match="this machine's clock") as caught:
        await ask(manager, target)
    said = re.sub(r"\b(39|40)\d s", "400 s", caught.value.detail)
    assert (f"clock is {words}" in said) if words else ("clock is" not in said)
    account = manager.account(target.key)
    assert account is not None and not account.refused
    assert 30 <= account.retry_at - clock.now() <= 36, "it is tried again by itself"
    clock.set_wall(-off)
    server.fail = lambda: None
    assert (await manager.refresh(target.key, "user:ann")).result == "ok"


async def test_a_service_account_whose_tokens_have_no_life_costs_a_call_an_hour(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    """The hands stand nearly still: the endpoint judges the time in assertions by its own clock."""
    pem, server.life = robot(server), 0
    manager.apply(configured(target := made(server, "calendar", kind="service", access_token=Secret(pem))))
    for _ in range(30):
        assert server.takes(await ask(manager, target))
        await clock.advance(1)
        await rest(manager)
    assert server.seen.total() == 1


@pytest.mark.parametrize("source", ["options", "store", "sql"])
@pytest.mark.parametrize("life", [0, 1])
async def test_wherever_tokens_are_kept_lives_of_nothing_do_not_lift_the_floor(
    server: OAuthServer, start: Start, tmp_path: Path, clock: HandClock, source: str, life: int
) -> None:
    server.rotation, server.life = "strict", life
    refresh = server.connect("acme")
    settings = platform(tmp_path, refresh) if source == "sql" else TokenSettings(source=source)
    target = made(server, "calendar", refresh_token=Secret("" if source == "sql" else refresh))
    manager = start(target, settings)
    for _ in range(24):
        assert server.takes(await ask(manager, target))
        await clock.advance(10)
        await rest(manager)
    assert 1 <= server.connections["acme"].refreshes <= 240 / FLOOR
    again = start(target, settings)
    for _ in range(2):
        assert server.takes(await ask(again, target)), "the next process has a token too"
    assert not server.connections["acme"].dead


async def test_replicas_with_one_store_keep_one_floor(
    server: OAuthServer, start: Start, clock: HandClock
) -> None:
    server.rotation, server.life = "strict", 1
    target = made(server, "calendar", refresh_token=Secret(server.connect("acme")))
    both = [start(target), start(target)]
    for number in range(48):  # by turns, so that what one got is over when the other one needs it
        await ask(both[number % 2], target)
        await clock.advance(5)
    assert server.connections["acme"].refreshes <= 5, "two floors of their own would make it 8"
