"""For how long the collector of cycles holds the process can be read from its metrics."""

import gc

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.lifecycle.collection import BOUNDS, watch_pauses

NAME = "integration_exporter_gc_pause_seconds"


def values(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name.removeprefix(NAME), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_pass_of_the_collector_is_counted_with_its_seconds_by_generation() -> None:
    registry, callbacks = CollectorRegistry(), list(gc.callbacks)
    with watch_pauses(registry):
        before = values(registry)
        for asked in (1, 2, 2):
            gc.collect(asked)
        after = values(registry)
    grown = {key: value - before[key] for key, value in after.items()}
    # Other passes may come by themselves: those that were asked for are there at least.
    assert grown["_count", "1"] >= 1 and grown["_count", "2"] >= 2
    assert grown["_sum", "2"] > 0
    for generation in "012":
        counts = [grown["_bucket", generation, str(bound)] for bound in (*BOUNDS, "+Inf")]
        assert counts == sorted(counts) and counts[-1] == grown["_count", generation]
    assert gc.callbacks == callbacks, "it is watched no longer than the exporter runs"
