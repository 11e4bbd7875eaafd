"""Readings of the Graph API: some on a period of their own, some that the integration can do without."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.reason import Reason
from exporter.probes._meta_graph.errors import GraphError
from exporter.probes._meta_graph.graph import Graph

OPTIONAL = frozenset({Reason.PERMISSION, Reason.NOT_FOUND, Reason.BAD_RESPONSE})
"""Refusals after which an optional reading is absent and the integration still connected."""

Kept = dict[str, Any]


async def collect(graph: Graph, samples: AsyncIterator[Sample]) -> list[Sample]:
    """Return all samples and what the calls told beside them; where they end in a failure, keep dated ones.

    The HTTP status is that of the first call: it speaks for the integration, a later refusal does not.
    """
    found: list[Sample] = []
    status: int | None = None
    try:
        async for sample in samples:
            status = status or graph.kit.trace.http_status
            found.append(sample)
    except ProbeError:
        for sample in (*found, *graph.samples()):
            if sample.metric.dated:
                graph.kit.fact(sample)
        raise
    graph.kit.trace.http_status = status or graph.kit.trace.http_status
    return [*found, *graph.samples()]


async def read_optional(
    graph: Graph,
    name: str,
    period: float,
    fetch: Callable[[], Awaitable[Kept]],
    tolerated: frozenset[Reason] = OPTIONAL,
) -> Kept | None:
    """Return the last answer of a reading, made anew every `period` seconds; None where Meta refuses it."""

    async def once() -> Kept | None:
        try:
            return await fetch()
        except GraphError as error:
            if error.reason not in tolerated:
                raise
            # Kept like an answer: asking more often would not bring the permission.
            graph.kit.log(error.detail)
            return None

    # The number goes up when the shape of what is kept changes, so that older answers are not misread.
    kept: Kept | None = await graph.kit.every(f"{name}/1", period, once)
    graph.refused[name] = kept is None
    return kept
