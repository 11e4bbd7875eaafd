"""Tokens of targets: what is reported of them, when they are renewed, and what a refusal means."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exporter.core.errors import ProbeError
from exporter.core.probe import Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import NEVER, AccessToken, MetaExchange, TokenSettings
from exporter.net.network import LoopNetwork
from exporter.probes.facebook_ads import PROBE as ADS
from exporter.probes.facebook_ads import FacebookAdsOptions
from exporter.probes.whatsapp import PROBE as WHATSAPP
from exporter.probes.whatsapp import WhatsappOptions
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.tokens.endpoints import ask_token, changed, configured, made
from tests.waiting import PATIENCE

DAY = 86_400.0


@pytest.fixture
async def server() -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer()) as started:
        yield started


def shown(manager: TokenManager, target: Target) -> dict[str, float]:
    """Return the series of a target as `name{label values}`."""
    found = {}
    for metric, labels, value in manager.series(target.key):
        assert isinstance(value, float)
        inside = ",".join(text for _, text in labels)
        found[f"{metric.name.removeprefix('integration_token_')}{{{inside}}}"] = value
    return found


async def rest(manager: TokenManager) -> None:
    """Wait until no refresh is under way."""
    while manager._running:
        await asyncio.wait(set(manager._running))
        await asyncio.sleep(0)


def refreshing(server: OAuthServer, name: str = "calendar", tenant: str = "acme") -> Target:
    return made(server, name, tenant, refresh_token=Secret(server.connect(f"{name}-{tenant}")))


async def test_a_token_is_fetched_when_a_probe_needs_it_and_then_renewed_in_time_without_any_probe(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = refreshing(server)
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    assert first.fresh and server.takes(first.value.reveal())
    assert (await ask_token(manager, target)) == AccessToken(first.value, first.expiry)
    await clock.advance(3600 - 400)
    await rest(manager)
    assert server.seen["refresh_token"] == 1
    await clock.advance(100)
    await rest(manager)
    assert server.seen["refresh_token"] == 2
    second = await ask_token(manager, target)
    assert second.value != first.value and not second.fresh
    assert server.seen["refresh_token"] == 2


async def test_access_and_refresh_token_have_ends_and_states_of_their_own(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    server.refresh_life = 604_799
    target = refreshing(server)
    manager.apply(configured(target))
    assert shown(manager, target)["state{access,unknown}"] == 1
    await ask_token(manager, target)
    found = shown(manager, target)
    assert found["expiry_timestamp_seconds{access}"] == pytest.approx(clock.now() + 3600)
    assert found["expiry_timestamp_seconds{refresh}"] == pytest.approx(clock.now() + 604_799)
    assert {"state{access,valid}", "state{refresh,valid}"} <= found.keys()
    assert (found["refreshable{access}"], found["refreshable{refresh}"]) == (1, 0)
    assert found["refresh_failures{access}"] == 0
    assert found["refresh_last_success_timestamp_seconds{access}"] == clock.now()
    assert not any(name.startswith("refresh_failure_info") for name in found)


async def test_a_refresh_token_that_rotates_is_one_that_is_renewed(
    server: OAuthServer, manager: TokenManager
) -> None:
    server.rotation, server.refresh_life = "strict", 30 * DAY
    target = refreshing(server)
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    second = await ask_token(manager, target, refused=first)
    assert second.value != first.value
    assert shown(manager, target)["refreshable{refresh}"] == 1


@pytest.mark.parametrize(
    ("life", "state"), [(None, "unknown"), (10**11, "implausible"), ("soon", "implausible")]
)
async def test_a_life_that_is_not_reported_and_one_that_cannot_be_are_states_of_their_own(
    server: OAuthServer, manager: TokenManager, life: object, state: str
) -> None:
    server.life = life
    target = refreshing(server)
    manager.apply(configured(target))
    await ask_token(manager, target)
    found = shown(manager, target)
    assert found[f"state{{access,{state}}}"] == 1
    assert "expiry_timestamp_seconds{access}" not in found


async def test_a_token_that_ended_while_the_endpoint_fails_is_expired_and_its_failures_are_counted(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = refreshing(server)
    manager.apply(configured(target))
    await ask_token(manager, target)
    server.fail = lambda: web.json_response({}, status=503)
    for _ in range(40):
        await clock.advance(120)
        await rest(manager)
    found = shown(manager, target)
    assert found["state{access,expired}"] == 1
    assert 4 <= found["refresh_failures{access}"] <= 9, "each wait is twice as long as the one before"
    assert found["refresh_failure_info{access,vendor_error}"] == 1
    with pytest.raises(ProbeError, match="HTTP 503"):
        await ask_token(manager, target)
    server.fail = lambda: None
    await clock.advance(3600)
    await rest(manager)
    assert shown(manager, target)["refresh_failures{access}"] == 0
    assert (await ask_token(manager, target)).value


async def test_a_refused_grant_is_final_until_a_person_acts(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = refreshing(server)
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    server.revoke("calendar-acme")
    await clock.advance(3300)
    await rest(manager)
    asked = server.seen["refresh_token"]
    found = shown(manager, target)
    assert found["state{refresh,refused}"] == found["refresh_failure_info{access,invalid_grant}"] == 1
    assert found["refreshable{access}"] == 0
    assert (await ask_token(manager, target)).value == first.value, "it may still be good until its end"
    await clock.advance(DAY)
    await rest(manager)
    with pytest.raises(ProbeError, match="invalid_grant") as caught:
        await ask_token(manager, target)
    assert caught.value.reason is Reason.AUTH
    assert server.seen["refresh_token"] == asked, "nobody asks again by himself"
    assert (await manager.refresh(target.key, "user:ann")).reason == "invalid_grant"
    assert server.seen["refresh_token"] == asked + 1, "who asks for it gets another try"
    again = changed(target, refresh_token=Secret(server.connect("calendar-acme")))
    manager.apply(configured(again))
    assert (await ask_token(manager, again)).fresh
    assert shown(manager, again)["state{refresh,unknown}"] == 1


async def test_another_client_secret_is_a_person_who_acted(
    server: OAuthServer, manager: TokenManager
) -> None:
    target = changed(refreshing(server), client_secret=Secret("wrong"))
    manager.apply(configured(target))
    with pytest.raises(ProbeError, match="invalid_client"):
        await ask_token(manager, target)
    manager.apply(configured(repaired := changed(target, client_secret=Secret("sandbox-client-secret"))))
    assert (await ask_token(manager, repaired)).fresh


async def test_many_who_need_one_token_cost_one_refresh_and_a_cut_probe_loses_nothing(
    server: OAuthServer, manager: TokenManager
) -> None:
    server.rotation, server.hold = "strict", 0.1
    target = refreshing(server)
    twin = changed(Target("other", "", target.probe, target.options, 60.0, 10.0))
    manager.apply(configured(target, twin))
    cut = asyncio.create_task(ask_token(manager, target))
    await asyncio.sleep(0.03)
    cut.cancel()
    tokens = await asyncio.gather(*(ask_token(manager, one) for one in (target, twin) for _ in range(10)))
    assert len({token.value for token in tokens}) == 1
    assert server.connections["calendar-acme"].refreshes == 1
    assert not (await manager.refresh(target.key, "user:ann")).reason
    assert not server.connections["calendar-acme"].dead


async def test_what_falls_due_at_once_is_refreshed_a_few_at_a_time(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    targets = [refreshing(server, "calendar", f"t{number}") for number in range(60)]
    manager.apply(configured(*targets))
    for target in targets:
        await ask_token(manager, target)
    server.hold = 0.01
    most = 0
    await clock.advance(3590)
    while manager._running:
        most = max(most, len(manager._running))
        await asyncio.sleep(0.002)
    assert server.seen["refresh_token"] == 120
    assert 1 < most <= 8


async def test_renewals_of_tokens_with_one_end_are_spread(server: OAuthServer, manager: TokenManager) -> None:
    targets = [refreshing(server, "calendar", f"t{number}") for number in range(12)]
    manager.apply(configured(*targets))
    for target in targets:
        await ask_token(manager, target)
    moments = [account.renew_at for _, account in manager.accounts()]
    assert len(set(moments)) > 6


async def test_a_meta_token_is_exchanged_when_an_inspection_reported_its_end_and_never_by_a_probe(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    server.life = 60 * DAY
    target = made(server, "ads", kind="meta", access_token=Secret(server.grant_long("acme")))
    manager.apply(configured(target, settings=TokenSettings(refresh_before=2 * DAY)))
    first = await ask_token(manager, target)
    assert server.seen["fb_exchange_token"] == 0
    manager.for_target(target).observe(first.value.reveal(), clock.now() + 10 * DAY, frozenset({"ads_read"}))
    assert shown(manager, target)["state{access,valid}"] == 1
    await clock.advance(7 * DAY)
    await rest(manager)
    assert server.seen["fb_exchange_token"] == 0
    await clock.advance(DAY + 100)
    await rest(manager)
    assert server.seen["fb_exchange_token"] == 1
    second = await ask_token(manager, target)
    assert second.value != first.value
    assert second.expiry == pytest.approx(clock.now() + 60 * DAY, abs=DAY)


async def test_a_token_that_never_expires_is_left_alone(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = made(server, "ads", kind="meta", access_token=Secret(server.grant_long("acme")))
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    manager.for_target(target).observe(first.value.reveal(), NEVER, None)
    await clock.advance(400 * DAY)
    await rest(manager)
    found = shown(manager, target)
    assert found["state{access,never_expires}"] == 1
    assert "expiry_timestamp_seconds{access}" not in found
    assert (await ask_token(manager, target)).value == first.value
    assert server.seen["fb_exchange_token"] == 0


async def test_a_dead_meta_token_is_refused_for_good(server: OAuthServer, manager: TokenManager) -> None:
    target = made(server, "ads", kind="meta", access_token=Secret(server.grant_long("acme")))
    manager.apply(configured(target))
    await ask_token(manager, target)
    server.revoke("acme")
    assert (await manager.refresh(target.key, "user:ann")).reason == "invalid_grant"
    assert shown(manager, target)["state{access,refused}"] == 1


async def test_tokens_of_clients_are_watched_too(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    target = made(server, "api", kind="client")
    manager.apply(configured(target))
    await ask_token(manager, target)
    assert shown(manager, target)["state{access,valid}"] == 1
    await clock.advance(3500)
    await rest(manager)
    assert server.seen["client_credentials"] == 2
    server.fail = lambda: web.json_response({"error": "invalid_client"}, status=401)
    assert (await manager.refresh(target.key, "user:ann")).reason == "auth"
    assert shown(manager, target)["refresh_failures{access}"] == 1


async def test_scopes_that_were_granted_are_known(server: OAuthServer, manager: TokenManager) -> None:
    server.scope = "calendar.readonly email"
    target = refreshing(server)
    manager.apply(configured(target))
    assert (await ask_token(manager, target)).scopes == frozenset({"calendar.readonly", "email"})


async def test_a_service_account_signs_for_its_tokens(server: OAuthServer, manager: TokenManager) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server.public_key = key.public_key()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    target = made(server, "calendar", kind="service", access_token=Secret(pem))
    moment = HandClock(time.time())
    network = LoopNetwork()
    own = TokenManager(network, moment)
    own.apply(configured(target))
    assert server.takes((await ask_token(own, target)).value.reveal())
    assert shown(own, target)["state{access,valid}"] == 1
    wrong = changed(target, access_token=Secret("planted, and no key"))
    own.apply(configured(wrong))
    with pytest.raises(ProbeError, match="no RSA key in PEM") as caught:
        await ask_token(own, wrong)
    assert "planted" not in str(caught.value)
    await own.stop(PATIENCE)
    await network.close()


def test_meta_tokens_are_exchanged_at_the_version_that_is_asked_for_where_the_app_is_known() -> None:
    given: dict[str, Any] = {
        "access_token": Secret("EAA"),
        "app_id": "12",
        "app_secret": Secret("s"),
        "api_version": "v26.0",
    }
    for probe, options in ((WHATSAPP, WhatsappOptions), (ADS, FacebookAdsOptions)):
        assert probe.grant is not None and probe.token_option == "access_token"
        grant = probe.grant(options(**given))
        assert isinstance(grant, MetaExchange)
        assert grant.token_url == "https://graph.facebook.com/v26.0/oauth/access_token"
        for missing in ("access_token", "app_id", "app_secret"):
            assert probe.grant(options(**{k: v for k, v in given.items() if k != missing})) is None
