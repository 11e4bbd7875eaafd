"""What the parts of the exporter know of themselves, as series of its own."""

import asyncio

from exporter.engine.engine import Engine
from exporter.engine.selfmetrics import SelfMetrics
from exporter.store.writer import Writer


def export_own_metrics(metrics: SelfMetrics, engine: Engine, writer: Writer) -> None:
    """Export what the parts know of themselves."""
    metrics.watch("targets", "Targets in the schedule or not configured.", lambda: len(engine.board))
    metrics.watch("probes_running", "Probes under way.", lambda: engine.scheduler.running)
    metrics.watch("tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks()))
    metrics.watch(
        "probe_queue_length", "Probes that are due and wait for their lane.", engine.scheduler.waiting
    )
    metrics.watch(
        "series", "Series of targets and integrations.", lambda: sum(engine.exposition.counts().values())
    )
    metrics.watch(
        "series_duplicates",
        "Series left out because another target had them.",
        lambda: engine.exposition.duplicates,
    )
    metrics.watch(
        "store_healthy",
        "Whether the last write to the store and the reads of five minutes succeeded (1) or not (0).",
        lambda: float(writer.healthy),
    )
    metrics.store_shared.set_function(lambda: float(writer.shared))
    metrics.watch("store_failed_writes", "Writes to the store that failed.", lambda: writer.failed_writes)
    metrics.watch("store_failed_reads", "Reads of the store that failed.", lambda: writer.failed_reads)
    metrics.watch("store_dropped", "Rows dropped because the store failed for long.", lambda: writer.dropped)
    metrics.watch("store_waiting", "Records that wait to be written to the store.", lambda: writer.waiting)
    metrics.watch(
        "store_lag_seconds", "Age of the oldest record that is not in the store yet.", lambda: writer.lag
    )
    metrics.watch(
        "store_size_bytes", "Size of the database of the store, seen once a minute.", lambda: writer.size
    )
