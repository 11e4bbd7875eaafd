"""How long a token is kept, when it is renewed, and what a failure means for those who share it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from exporter.core import credential as rules
from exporter.core.errors import ProbeError
from exporter.core.network import Network, Trace
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import AccessToken, ClientCredentials
from exporter.net import tokens as store
from exporter.net.tokens import Tokens
from tests.clock import HandClock
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, Issuer, issuing, refusal
from tests.waiting import PATIENCE, rest, until


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing(Issuer()) as made:
        yield made


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tokens(network: Network, clock: HandClock) -> Tokens:
    return Tokens(network, clock)


def grant(issuer: Issuer) -> ClientCredentials:
    return ClientCredentials(issuer.url("/token"), CLIENT_ID, Secret(CLIENT_SECRET))


async def ask(tokens: Tokens, issuer: Issuer, refused: AccessToken | None = None) -> AccessToken:
    return await tokens.get(grant(issuer), Trace(), refused)


@pytest.mark.parametrize(("lifetime", "kept"), [(3600, 3300), (86_400, 86_100), (100, 90), (None, 3600)])
async def test_a_token_is_renewed_before_it_ends(
    tokens: Tokens, issuer: Issuer, clock: HandClock, lifetime: float | None, kept: float
) -> None:
    issuer.lifetime = lifetime
    first = await ask(tokens, issuer)
    assert first.fresh
    assert first.expiry == (None if lifetime is None else clock.now() + lifetime)
    await clock.advance(kept - 1)
    same = await ask(tokens, issuer)
    assert same == replace(first, fresh=False)
    await clock.advance(2)
    assert (await ask(tokens, issuer)).value != first.value
    assert issuer.seen["token"] == 2


@pytest.mark.parametrize("lifetime", [0, "0", -1, 1, 5])
async def test_lives_that_are_none_or_too_short_cost_a_call_seldom_and_the_token_is_used(
    tokens: Tokens, issuer: Issuer, clock: HandClock, lifetime: object
) -> None:
    issuer.lifetime = lifetime
    for _ in range(24 * 12):
        assert (await ask(tokens, issuer)).value.reveal() in issuer.good
        await clock.advance(300)
    assert issuer.seen["token"] <= 24 + 8


async def test_a_token_that_expires_in_seconds_is_replaced_once_it_is_refused_and_the_floor_is_over(
    tokens: Tokens, issuer: Issuer, clock: HandClock
) -> None:
    issuer.lifetime = 5
    first = await ask(tokens, issuer)
    await clock.advance(20)
    assert (await ask(tokens, issuer)).value == first.value, "the floor is not over"
    await clock.advance(40)
    second = await ask(tokens, issuer)
    assert second.fresh
    await clock.advance(31)
    assert (await ask(tokens, issuer)).value == second.value, "the second short life in a row waits longer"
    assert (await ask(tokens, issuer, refused=second)).fresh


async def test_while_the_old_token_holds_a_failed_renewal_hurts_nobody(
    tokens: Tokens, issuer: Issuer, clock: HandClock
) -> None:
    first = await ask(tokens, issuer)
    issuer.instead = refusal(500)
    await clock.advance(3400)
    trace = Trace()
    old = await tokens.get(grant(issuer), trace)
    assert (old.value, old.fresh) == (first.value, False)
    assert "the old one still holds" in trace.log[-1][1]
    await clock.advance(201)
    with pytest.raises(ProbeError) as caught:
        await ask(tokens, issuer)
    assert caught.value.reason is Reason.VENDOR_ERROR
    issuer.instead = None
    await clock.advance(2 * rules.FIRST_RETRY)
    assert (await ask(tokens, issuer)).fresh


async def test_a_failure_is_that_of_everybody_for_a_while_and_costs_one_call(
    tokens: Tokens, issuer: Issuer, clock: HandClock
) -> None:
    issuer.instead = refusal(401, {"error": "invalid_client"})
    for _ in range(10):
        trace = Trace()
        with pytest.raises(ProbeError, match="invalid_client"):
            await tokens.get(grant(issuer), trace)
        await clock.advance(2)
    assert issuer.seen["token"] == 1
    assert trace.calls == 0
    await clock.advance(rules.FIRST_RETRY)
    issuer.instead = None
    assert (await ask(tokens, issuer)).fresh


async def test_refused_tokens_are_replaced_at_once_and_then_every_five_minutes(
    tokens: Tokens, issuer: Issuer, clock: HandClock
) -> None:
    first = await ask(tokens, issuer)
    second = await ask(tokens, issuer, refused=first)
    assert second.fresh and second.value != first.value
    late = await ask(tokens, issuer, refused=first)  # another probe had used the first one too
    assert (late.value, late.fresh) == (second.value, False)
    await clock.advance(rules.REPLACED_EVERY - 1)
    assert (await ask(tokens, issuer, refused=second)).value == second.value
    await clock.advance(1)
    assert (await ask(tokens, issuer, refused=second)).value != second.value
    assert issuer.seen["token"] == 3


async def test_who_is_cut_while_it_fetches_leaves_the_turn_to_the_next(
    tokens: Tokens, issuer: Issuer
) -> None:
    issuer.hold = 3600.0
    first = asyncio.create_task(ask(tokens, issuer))
    await until(lambda: issuer.seen["token"] == 1)
    issuer.hold = 0.0
    second = asyncio.create_task(ask(tokens, issuer))
    await rest()
    assert issuer.seen["token"] == 1
    first.cancel()
    assert (await asyncio.wait_for(second, PATIENCE)).fresh
    with pytest.raises(asyncio.CancelledError):
        await first
    assert issuer.seen["token"] == 2


async def test_grants_that_nobody_uses_any_more_are_forgotten(
    tokens: Tokens, issuer: Issuer, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_MOST_GRANTS", 3)
    for number in range(12):
        await tokens.get(replace(grant(issuer), scopes=("read",) * (number + 1)), Trace())
        await clock.advance(4000)
    assert len(tokens._grants) <= 3
    assert issuer.seen["token"] == 12
