"""What becomes of a delivery after an attempt: delivered, tried again later, or dead."""

import random
from typing import Any, NamedTuple

from exporter.core.breaker import AttemptReport
from exporter.core.delivery import (
    Attempt,
    AttemptError,
    Delivery,
    DeliveryState,
    EndpointLimits,
    GiveUp,
    Receipt,
    RetryLater,
)

FIRST_WAIT = 5.0
LONGEST_WAIT = 6 * 3600.0
GROWTH = 3.0
"""Seconds before the second attempt, three times as long before each later one: twelve take a day."""

JITTER = 0.2
"""Share by which a wait is longer or shorter: what failed together does not come back together."""

LONGEST_ASKED = 86_400.0
"""Seconds that a receiver may ask us to wait."""


class Trial(NamedTuple):
    """One attempt: the delivery as it was, when it began (Unix seconds), and how many seconds it took.

    `in_turn`: its endpoint lets one after another through.
    """

    delivery: Delivery
    limits: EndpointLimits
    at: float
    took: float
    replica: str = ""
    in_turn: bool = False

    @property
    def end(self) -> float:
        """When it was over."""
        return self.at + self.took

    def attempt(self, answer: Receipt | AttemptError) -> Attempt:
        """Return the record of it."""
        delivery = self.delivery
        failed = isinstance(answer, AttemptError)
        return Attempt(
            delivery=delivery.id,
            number=delivery.attempts + 1,
            at=self.at,
            duration_seconds=self.took,
            status=answer.status,
            reason=answer.reason if isinstance(answer, AttemptError) else "",
            detail=answer.detail[:500] if failed or answer.detail else "",
            actor=delivery.actor,
            url=answer.url,
            kind=delivery.kind,
            endpoint=delivery.endpoint,
            tenant=delivery.tenant,
            replica=self.replica,
        )


def judge(
    trial: Trial, answer: Receipt | AttemptError, dice: random.Random
) -> tuple[Delivery, AttemptReport]:
    """Return the delivery as it is after an attempt, and what that says of its endpoint."""
    ended, limits = trial.end, trial.limits
    tried: dict[str, Any] = {"attempts": trial.delivery.attempts + 1, "actor": ""}
    if isinstance(answer, Receipt):
        done = trial.delivery.with_changes(**tried, state=DeliveryState.DELIVERED, reason="", detail="")
        return done, AttemptReport(ended, works=True, in_turn=trial.in_turn)
    failed = trial.delivery.with_changes(**tried, reason=answer.reason, detail=answer.detail[:500])
    asked = _asked(answer)
    again = ended + max(wait(failed.attempts - failed.attempts_before, dice), asked)
    over = failed.attempts - failed.attempts_before >= limits.retry.attempts or again >= failed.expires
    dead = isinstance(answer, GiveUp) or over
    report = AttemptReport(
        ended,
        works=isinstance(answer, GiveUp),
        in_turn=trial.in_turn,
        # In an order the head keeps its place, and the endpoint waits in its stead.
        hold_until=again if limits.ordered and not dead else ended + asked if asked else 0.0,
    )
    if dead:
        return failed.with_changes(state=DeliveryState.DEAD), report
    return failed if limits.ordered else failed.with_changes(due=again), report


def wait(attempts: int, dice: random.Random) -> float:
    """Return the seconds before the next attempt, after so many."""
    usual = min(LONGEST_WAIT, FIRST_WAIT * GROWTH ** min(30, attempts - 1))
    return usual * dice.uniform(1.0 - JITTER, 1.0 + JITTER)


def _asked(answer: AttemptError) -> float:
    """Return the seconds that the receiver asked us to wait, such as by Retry-After."""
    if not isinstance(answer, RetryLater) or answer.after is None:
        return 0.0
    return max(0.0, min(LONGEST_ASKED, answer.after))
