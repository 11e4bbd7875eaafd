"""A month of an endpoint that may say anything: how often a credential is renewed is up to us alone."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from exporter.core.credential import REPLACED_EVERY
from exporter.core.errors import ProbeError
from exporter.core.network import Answer, Request, Trace
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import FLOOR
from exporter.sandbox.oauth import OAuthServer
from exporter.tokens.manager import TokenManager
from tests.clock import HandClock
from tests.tokens.endpoints import configured, grant_of, made
from tests.waiting import PATIENCE

MONTH = 30 * 86_400.0
ENOUGH = 1_000
"""Calls after which a simulation stops: an endpoint of short lives is called at the floor all month."""
STEP = 1_800.0
BUSY = 60.0
"""Real seconds after which a month has kept the loop busy at one moment of the simulated clock."""

LIVES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        0,
        "0",
        -1,
        0.5,
        1,
        5,
        29,
        30,
        31,
        40,
        90,
        300,
        3_600,
        86_400,
        10**11,
        1_800_000_000,
        "soon",
        True,
        [],
    ]
)
ERRORS = st.sampled_from(
    [
        (400, {"error": "server_error"}),
        (400, {"error": "one_of_its_own"}),
        (401, {"error": "invalid_client"}),
        (200, {"ok": False, "error": "internal_error"}),
        (403, None),
        (429, {}),
        (500, {"error": "invalid_grant"}),
        (302, {}),
        (200, []),
    ]
)


@dataclass(frozen=True)
class Reply:
    """What the endpoint does once: `again` hands out the token before, `slow` are seconds to the answer."""

    life: Any = 3_600
    error: tuple[int, Any] | None = None
    again: bool = False
    rotate: bool = False
    slow: float = 0.0
    retry_after: int | None = None


REPLIES = st.builds(
    Reply,
    life=LIVES,
    error=st.none() | ERRORS,
    again=st.booleans(),
    rotate=st.booleans(),
    slow=st.sampled_from([0.0, 0.0, 3.0, 19.0]),
    retry_after=st.none() | st.sampled_from([0, 1, 120]),
)


@dataclass
class HostileNetwork:
    """Answers each call by the next of `replies`, in its own time, and notes when it was called."""

    clock: HandClock
    replies: Iterator[Reply]
    calls: list[float] = field(default_factory=list)
    number: int = 0

    async def call(self, request: Request, trace: Trace) -> Answer:
        self.calls.append(self.clock.now())
        reply = next(self.replies)
        if reply.slow:
            over = asyncio.Event()
            self.clock.later(reply.slow, over.set)
            await over.wait()
        headers = {} if reply.retry_after is None else {"retry-after": str(reply.retry_after)}
        if reply.error is not None:
            status, body = reply.error
            return Answer(status, headers, json.dumps(body).encode(), request.url)
        self.number += not reply.again
        body = {"access_token": f"at-{self.number}", "token_type": "Bearer", "expires_in": reply.life}
        if reply.rotate:
            body["refresh_token"] = f"rt-{len(self.calls)}"
        return Answer(200, headers, json.dumps(body).encode(), request.url)


async def live_through(kind: str, replies: list[Reply], probes: list[tuple[float, bool]]) -> list[float]:
    """Return when the endpoint was called in a month; `probes` are waits, and whether the vendor refuses."""
    clock = HandClock()
    network = HostileNetwork(clock, itertools.cycle(replies))
    manager = TokenManager(network, clock)  # type: ignore[arg-type]  # it only calls
    credential: dict[str, dict[str, Any]] = {
        "refresh": {"refresh_token": Secret("rt-0")},
        "meta": {"access_token": Secret("at-0")},
    }
    target = made(OAuthServer(port=1), "api", kind=kind, **credential.get(kind, {}))
    manager.apply(configured(target))
    grant = grant_of(target.options)
    assert grant is not None

    async def probe(refuses: bool) -> None:
        try:
            token = await manager.get(target, grant, Trace())
            if refuses:
                await manager.get(target, grant, Trace(), refused=token)
            manager.for_target(target).observe(
                token.value.reveal(), clock.now() + 5, None
            ) if refuses else None
        except ProbeError as error:
            assert error.reason is not Reason.NOT_CONFIGURED, "there is a credential to begin with"

    running: set[asyncio.Task[None]] = set()
    for wait, refuses in itertools.cycle(probes):
        if clock.monotonic() >= MONTH or len(network.calls) >= ENOUGH:
            break
        # A minute of probes every half hour or so, as close to one another as the endpoint could wish for.
        for _ in range(6):
            task = asyncio.create_task(probe(refuses))
            running.add(task)
            task.add_done_callback(running.discard)
            await clock.advance(10)
        await clock.advance(wait)
    await clock.advance(60)
    await asyncio.gather(*running)
    await manager.stop(PATIENCE)
    return network.calls


# Without shrinking, which would repeat a failing month for minutes.
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@example(kind="client", replies=[Reply(86_400, again=True, slow=3.0), Reply(5)], probes=[(STEP, True)])
@given(
    kind=st.sampled_from(["refresh", "client", "meta"]),
    replies=st.lists(REPLIES, min_size=1, max_size=8),
    probes=st.lists(
        st.tuples(st.sampled_from([STEP, 12 * STEP, 86_400.0]), st.booleans()), min_size=1, max_size=4
    ),
)
def test_whatever_the_endpoint_says_in_a_month_calls_are_no_closer_than_the_floor(
    kind: str, replies: list[Reply], probes: list[tuple[float, bool]]
) -> None:
    calls = asyncio.run(asyncio.wait_for(live_through(kind, replies, probes), BUSY))
    closer = _moments(calls)
    # Only what the probed server refuses before its time is replaced at once, and that every five minutes.
    assert all(later - first >= REPLACED_EVERY for first, later in itertools.pairwise(closer)), calls
    span = calls[-1] - calls[0] if calls else 0.0
    assert len(calls) - len(closer) <= 1 + span / FLOOR


def _moments(calls: list[float]) -> list[float]:
    """Return the calls that came closer to the one before than the floor."""
    return [later for first, later in itertools.pairwise(calls) if later - first < FLOOR]
