"""What a reload, a restart and the runs of a probe leave of the tokens that an account holds."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from exporter.core.errors import ProbeError
from exporter.core.network import Trace
from exporter.core.probe import Target
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import TokenSettings
from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.net.network import LoopNetwork
from exporter.sandbox.oauth import OAuthServer, serving
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock, settle
from tests.engine.stage import body
from tests.tokens.endpoints import ask_token, configured, grant_of, made
from tests.tokens.replicas import Start, ask, rest
from tests.waiting import PATIENCE

HOUR = 3_600.0


@pytest.fixture
async def server() -> AsyncIterator[OAuthServer]:
    async with serving(OAuthServer()) as started:
        yield started


def refreshing(server: OAuthServer, name: str = "calendar") -> Target:
    return made(server, name, refresh_token=Secret(server.connect(name)))


@pytest.mark.parametrize("kind", ["refresh", "client"])
async def test_a_reload_costs_no_token_that_serves(
    server: OAuthServer, manager: TokenManager, kind: str
) -> None:
    target = refreshing(server) if kind == "refresh" else made(server, "api", kind=kind)
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    manager.apply(configured(target, refreshing(server, "another")))
    again = await ask_token(manager, target)
    assert (again.value, again.fresh) == (first.value, False)
    assert server.seen.total() == 1


async def test_another_lead_counts_from_the_reload_that_brings_it_and_costs_no_token(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    """A rotated refresh token is in memory alone: who dropped it would send the used one and be refused."""
    server.rotation = "strict"
    target = refreshing(server)
    manager.apply(configured(target))
    first = await ask_token(manager, target)
    manager.apply(configured(target, settings=TokenSettings(refresh_before=60.0)))
    assert (await ask_token(manager, target)).value == first.value
    await clock.advance(HOUR - 100)
    await rest(manager)
    assert server.seen["refresh_token"] == 1
    await clock.advance(50)
    await rest(manager)
    assert server.seen["refresh_token"] == 2
    manager.apply(configured(target, settings=TokenSettings(refresh_before=600.0)))
    await clock.advance(HOUR - 300)
    await rest(manager)
    assert server.seen["refresh_token"] == 3
    assert not server.connections["calendar"].dead


async def test_a_target_that_is_taken_out_has_no_token_and_is_renewed_no_more(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    stays, goes = refreshing(server), refreshing(server, "mail")
    manager.apply(configured(stays, goes))
    await ask_token(manager, stays)
    await ask_token(manager, goes)
    manager.apply(configured(stays))
    assert manager.account(goes.key) is None and manager.series(goes.key) == []
    assert [target.key for target, _ in manager.accounts()] == [stays.key]
    await clock.advance(HOUR)
    await rest(manager)
    assert (server.connections["calendar"].refreshes, server.connections["mail"].refreshes) == (2, 1)
    with pytest.raises(KeyError):
        await manager.refresh(goes.key, "user:ann")


async def test_tokens_that_the_configuration_tells_are_shown_before_anybody_needs_them(
    server: OAuthServer, manager: TokenManager
) -> None:
    target = refreshing(server)
    manager.apply(configured(target))
    states = {labels for metric, labels, _ in manager.series(target.key) if metric.name.endswith("_state")}
    assert states == {(("token", token), ("state", "unknown")) for token in ("access", "refresh")}
    assert server.seen.total() == 0


async def test_a_credential_that_was_refused_is_not_sent_again_by_the_next_process(
    server: OAuthServer, start: Start
) -> None:
    target = refreshing(server)
    server.revoke("calendar")
    first = start(target)
    with pytest.raises(ProbeError, match="invalid_grant"):
        await ask(first, target)
    await first.stop(PATIENCE)
    second = start(target)
    with pytest.raises(ProbeError, match="its owner must connect again") as caught:
        await ask(second, target)
    assert caught.value.reason is Reason.AUTH
    assert server.seen["refresh_token"] == 1


async def test_a_grant_that_the_account_does_not_hold_is_asked_for_by_itself(
    server: OAuthServer, manager: TokenManager
) -> None:
    """A run that began before a reload still has the options of then."""
    old = made(server, "api", kind="client")
    manager.apply(configured(refreshing(server, "api")))
    grant = grant_of(old.options)
    assert grant is not None
    assert (await manager.get(old, grant, Trace())).value
    assert (server.seen["client_credentials"], server.seen["refresh_token"]) == (1, 0)


async def test_what_a_run_says_of_a_token_yields_to_what_its_account_knows(
    server: OAuthServer, clock: HandClock
) -> None:
    network = LoopNetwork()
    engine = Engine(network, clock, lambda _batch: None, SelfMetrics())
    target = refreshing(server)
    engine.apply(configured(target))
    asked = asyncio.ensure_future(engine.check(target.key))
    await settle()
    await clock.advance(0)
    assert [sample.metric.name for sample in (await asyncio.wait_for(asked, PATIENCE)).facts] == [
        "integration_token_refreshable",
        "integration_token_expiry_timestamp_seconds",
    ]
    server.life = 7_200
    assert (await engine.tokens.refresh(target.key, "user:ann")).result == "ok"
    ends = [line for line in await body(engine) if line.startswith("integration_token_expiry")]
    assert [float(line.rpartition(" ")[2]) for line in ends] == [pytest.approx(clock.now() + 7_200)]
    renewed = [line for line in await body(engine) if line.startswith("integration_token_refreshable")]
    assert len(renewed) == 2, "the access token and the refresh token, once each"
    await engine.stop(PATIENCE)
    await network.close()


async def test_a_reload_that_says_what_differs_leaves_the_accounts_of_one_that_does_not(
    server: OAuthServer, manager: TokenManager, clock: HandClock
) -> None:
    network = LoopNetwork()
    quick = TokenManager(network, clock)
    one, two, three = refreshing(server), refreshing(server, "mail"), refreshing(server, "files")
    shared = [made(server, name, kind="client") for name in ("api", "also-api")]
    before: dict[tuple[str, str], Target] = {}
    for targets in ([one, two, *shared], [one, *shared, three], [three, shared[1]], [], [two, *shared]):
        after = {target.key: target for target in targets}
        differing = [key for key in (*before, *after) if before.get(key) is not after.get(key)]
        manager.apply(configured(*targets))
        quick.apply(configured(*targets), differing)
        assert _accounts(quick) == _accounts(manager)
        before = after
    await quick.stop(PATIENCE)
    await network.close()


def _accounts(manager: TokenManager) -> dict[str, tuple[str, ...]]:
    """Return, by target, all targets of its account."""
    return {str(target): tuple(sorted(map(str, one.targets.values()))) for target, one in manager.accounts()}
