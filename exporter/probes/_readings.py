"""Dearer readings, each on a period of its own: what a check does with them, whichever vendor answers."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.probe import MONTH, Kit
from exporter.core.reason import Reason

Kept = dict[str, Any]
"""What is kept of an answer until the period is over; JSON can hold it."""


async def last_answer(
    kit: Kit,
    key: str,
    period: float,
    fetch: Callable[[], Awaitable[Kept]],
    *,
    lacking: Collection[Reason],
    absent: Collection[Reason] = (),
) -> Kept | None:
    """Return the last answer of `fetch`, made anew when it is older than `period` seconds.

    None stands for a credential that may not ask: a refusal with a reason of `lacking`. {} stands for a call
    that the vendor does not have: one of `absent`. Every other refusal is raised. The name in `key` ends with
    a number that goes up when the shape of what is kept changes, so that older answers are not misread.
    """

    async def tolerant() -> Kept | None:
        try:
            return await fetch()
        except ProbeError as error:
            if error.reason not in (*lacking, *absent):
                raise
            # Kept like an answer: asking more often would bring neither the permission nor the call.
            kit.log(error.detail)
            return None if error.reason in lacking else {}

    kept: Kept | None = await kit.every(key, period, tolerant)
    return kept


def keep_dated(samples: Iterable[Sample], kit: Kit) -> list[Sample]:
    """Hand dated samples to the kit, so that a later reading's failure keeps them; return the rest."""
    rest = []
    for sample in samples:
        if sample.metric.dated:
            kit.fact(sample)
        else:
            rest.append(sample)
    return rest


def calls_a_month(interval: float, dearer: Iterable[tuple[int, float]]) -> float:
    """Return the reads in 30 days: one in each run, and those of the `dearer` readings.

    Each of these is (calls, period): made at most once in its period and once in a run. `interval` and
    periods are seconds.
    """
    return MONTH / interval + sum(calls * MONTH / max(interval, period) for calls, period in dearer)
