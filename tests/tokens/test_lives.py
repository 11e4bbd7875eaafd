"""Lives that no renewal keeps up with: no credential is renewed more often than the floor allows."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exporter.core.probe import Target
from exporter.core.secret import Secret
from exporter.core.token import FLOOR, AccessToken
from exporter.sandbox.oauth import JWT_BEARER, OAuthServer, serving
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.tokens.endpoints import ask_token, configured, made
from tests.tokens.replicas import rest

HOUR = 3_600.0
KINDS = {
    "refresh": "refresh_token",
    "client": "client_credentials",
    "service": JWT_BEARER,
    "meta": "fb_exchange_token",
}


@pytest.fixture
async def server(clock: HandClock) -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer(now=clock.now)) as started:
        yield started


def target_of(server: OAuthServer, kind: str) -> Target:
    if kind == "refresh":
        return made(server, "api", refresh_token=Secret(server.connect("acme")))
    if kind == "meta":
        return made(server, "api", kind=kind, access_token=Secret(server.grant_long("acme")))
    if kind == "client":
        return made(server, "api", kind=kind)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server.public_key = key.public_key()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return made(server, "api", kind=kind, access_token=Secret(pem))


async def probe(
    manager: TokenManager, target: Target, clock: HandClock, seconds: float, every: float = 60.0
) -> list[AccessToken]:
    """Ask for the token as probes do; return what each of them got."""
    found = []
    for _ in range(int(seconds / every)):
        found.append(await ask_token(manager, target))
        await clock.advance(every)
        await rest(manager)
    return found


def shown(manager: TokenManager, target: Target) -> dict[str, float]:
    return {
        f"{metric.name.removeprefix('integration_token_')}{{{','.join(text for _, text in labels)}}}": value
        for metric, labels, value in manager.series(target.key)
        if isinstance(value, float)
    }


def series(found: dict[str, float], start: str) -> list[str]:
    return [name for name in found if name.startswith(start)]


@pytest.mark.parametrize("kind", ["refresh", "client"])
@pytest.mark.parametrize("life", [0, "0", -1, 1, 5, 29, 0.5])
async def test_a_life_that_is_none_or_too_short_costs_a_call_seldom_and_the_target_has_its_token(
    server: OAuthServer, manager: TokenManager, clock: HandClock, kind: str, life: Any
) -> None:
    server.life = life
    manager.apply(configured(target := target_of(server, kind)))
    tokens = await probe(manager, target, clock, 24 * HOUR, every=300.0)
    assert all(token.value and token.expiry is None for token in tokens)
    assert server.seen[KINDS[kind]] <= 24 + 8, "one an hour, and some until the waits have grown to that"
    found = shown(manager, target)
    assert found["state{access,implausible}"] == 1
    assert found["refresh_failures{access}"] == 0 and found["refreshable{access}"] == 1
    assert not series(found, "expiry"), "no alert that the token expired an hour ago"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_life_of_nothing_makes_no_call_while_nobody_needs_a_token(
    server: OAuthServer, manager: TokenManager, clock: HandClock, kind: str
) -> None:
    server.life = 0
    manager.apply(configured(target := target_of(server, kind)))
    assert (await manager.refresh(target.key, "user:ann")).result == ("ok" if kind != "service" else "failed")
    asked = server.seen[KINDS[kind]]
    await clock.advance(24 * HOUR)
    await rest(manager)
    assert server.seen[KINDS[kind]] == asked


async def test_a_rotating_refresh_token_is_not_used_up_by_lives_of_nothing(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    server.life, server.rotation = 0, "strict"
    manager.apply(configured(target := target_of(server, "refresh")))
    await probe(manager, target, clock, 3 * HOUR)
    assert server.connections["acme"].refreshes == 3


@pytest.mark.parametrize("kind", ["refresh", "client"])
async def test_a_server_that_means_its_short_lives_costs_no_probe(
    server: OAuthServer, manager: TokenManager, clock: HandClock, kind: str
) -> None:
    server.life = 20
    manager.apply(configured(target := target_of(server, kind)))
    took: dict[Secret, float] = {}
    for _ in range(60):
        token = await ask_token(manager, target)
        if clock.now() - took.setdefault(token.value, clock.now()) >= 20:  # so the probed server answers 401
            token = await ask_token(manager, target, refused=token)
            assert took.setdefault(token.value, clock.now()) == clock.now()
        await clock.advance(60)
    assert server.seen[KINDS[kind]] == 60


async def test_a_server_that_refuses_whatever_it_gets_does_not_lift_the_floor(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    server.life = 5
    manager.apply(configured(target := target_of(server, "client")))
    for _ in range(360):
        token = await ask_token(manager, target)
        await ask_token(manager, target, refused=token)
        await clock.advance(10)
    assert server.seen["client_credentials"] <= HOUR / FLOOR + 1


@pytest.mark.parametrize("kind", ["refresh", "client"])
@pytest.mark.parametrize(("life", "most"), [(40, 92), (3_600, 6)])
async def test_a_token_that_is_handed_out_until_it_expires_is_renewed_right_after_that(
    server: OAuthServer, manager: TokenManager, clock: HandClock, kind: str, life: float, most: int
) -> None:
    """As WSO2 API Manager and Spring Security OAuth do; the last answers of a life say `expires_in: 0`."""
    server.life, server.repeat = life, True
    manager.apply(configured(target := target_of(server, kind)))
    await probe(manager, target, clock, 200.0, every=5.0)  # so that the way of the endpoint is known
    before, dead = server.seen[KINDS[kind]], 0
    for _ in range(3_600):
        await ask_token(manager, target)
        dead += clock.now() >= server.connections["client" if kind == "client" else "acme"].latest[1]
        await clock.advance(1)
        await rest(manager)
    assert server.seen[KINDS[kind]] - before <= most
    assert dead <= 3 * (3_600 / life + 1), "three seconds of each life"
    assert shown(manager, target)["state{access,valid}"] == 1


async def test_the_same_token_once_more_is_no_short_life_and_another_way_of_the_endpoint_is_seen(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    server.life, server.repeat = 600, True
    manager.apply(configured(target := target_of(server, "client")))
    with structlog.testing.capture_logs() as lines:
        first = await ask_token(manager, target)
        await clock.advance(545)
        await rest(manager)
        again = await ask_token(manager, target)
        assert again.value == first.value
        assert again.expiry == pytest.approx(first.expiry, abs=1)
        assert shown(manager, target)["state{access,valid}"] == 1
        await clock.advance(58)
        await rest(manager)
    assert (await ask_token(manager, target)).value != first.value
    assert server.seen["client_credentials"] == 3
    assert lines == []


async def test_an_exchange_of_metas_that_tells_no_life_is_repeated_less_and_less(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    """Each inspection tells that the token expires soon, and each exchange that its life is 0."""
    server.life = 0
    manager.apply(configured(target := target_of(server, "meta")))
    for _ in range(24 * 60):
        token = await ask_token(manager, target)
        manager.for_target(target).observe(token.value.reveal(), clock.now() + 60, None)
        await clock.advance(60)
        await rest(manager)
    assert 20 <= server.seen["fb_exchange_token"] <= 24 + 8


@pytest.mark.parametrize("life", [0, 5])
async def test_the_log_says_once_that_lives_are_too_short(
    server: OAuthServer, manager: TokenManager, clock: HandClock, life: int
) -> None:
    server.life = life
    manager.apply(configured(target := target_of(server, "refresh")))
    with structlog.testing.capture_logs() as lines:
        await probe(manager, target, clock, 6 * HOUR)
    assert server.seen["refresh_token"] > 5
    assert [(line["log_level"], line["integration"], line["tenant"]) for line in lines] == [
        ("warning", "api", "acme")
    ]
    assert lines[0]["event"] == (
        "the token endpoint grants a life that is none or too short: its token is used until the vendor"
        " refuses it, and renewed seldom"
    )
    assert lines[0]["floor_seconds"] == FLOOR


async def test_a_life_that_is_short_on_the_way_is_no_life_that_is_granted(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    """A token with a plain life is as plain after a refresh that came back with a short one."""
    manager.apply(configured(target := target_of(server, "refresh")))
    await ask_token(manager, target)
    server.life = 5
    await manager.refresh(target.key, "user:ann")
    assert shown(manager, target)["state{access,implausible}"] == 1
    server.life = 3_600
    await clock.advance(FLOOR + 1)
    await ask_token(manager, target)
    assert shown(manager, target)["state{access,valid}"] == 1
    await clock.advance(3_300)
    await rest(manager)
    assert server.seen["refresh_token"] == 4, "and is renewed in time again"


async def test_who_asks_for_a_refresh_gets_one_whatever_the_floor(
    server: OAuthServer, manager: TokenManager
) -> None:
    server.life = 0
    manager.apply(configured(target := target_of(server, "refresh")))
    for _ in range(3):
        assert (await manager.refresh(target.key, "user:ann")).result == "ok"
    assert server.seen["refresh_token"] == 3


async def test_a_clock_that_is_put_back_stops_no_renewal(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    manager.apply(configured(target := target_of(server, "client")))
    first = await ask_token(manager, target)
    clock.set_wall(-86_400.0)
    assert (await ask_token(manager, target, refused=first)).value != first.value


async def test_after_an_outage_a_token_is_back_within_five_minutes_and_after_a_refusal_within_an_hour(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = target_of(server, "client")
    manager.apply(configured(target))
    for status, longest in ((503, 300.0), (401, 3_600.0)):
        server.fail = lambda status=status: web.json_response({}, status=status)  # type: ignore[misc]  # a knob
        account = manager.account(target.key)
        assert account is not None
        waits = []
        for _ in range(9):
            await manager.refresh(target.key, "user:ann")
            waits.append((account.retry_at - clock.now()) / (1 + 0.2 * account.spread))
        assert waits == pytest.approx([min(longest, 30.0 * 2**n) for n in range(9)])
        account.reset_failures()
