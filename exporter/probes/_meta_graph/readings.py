"""Readings of the Graph API: some on a period of their own, some that the integration can do without."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection

from exporter.core.errors import ProbeError
from exporter.core.metric import Sample
from exporter.core.reason import Reason
from exporter.probes._meta_graph.graph import Graph
from exporter.probes._readings import DECISIVE, StoredAnswer


async def collect(graph: Graph, samples: AsyncIterator[Sample]) -> list[Sample]:
    """Return all samples and what the calls reported beside them; after a failure keep the dated ones.

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
            # A dated fact stays true after a failed run; measured values of that run do not.
            if sample.metric.dated:
                graph.kit.fact(sample)
        raise
    graph.kit.trace.http_status = status or graph.kit.trace.http_status
    return [*found, *graph.samples()]


async def read_optional(
    graph: Graph,
    name: str,
    period: float,
    fetch: Callable[[], Awaitable[StoredAnswer]],
    decisive: Collection[Reason] = DECISIVE,
) -> StoredAnswer | None:
    """Return the last answer of a reading, made again every `period` seconds; None where there is none."""
    return await graph.further.read(f"{name}/1", period, fetch, decisive=decisive) or None
