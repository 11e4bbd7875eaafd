"""The exporter's own health, counted by prometheus_client."""

import sys
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter import __version__
from exporter.net.shortages import RESOURCES

LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class SelfMetrics:
    """Metrics of the process; `registry` is its own, so that tests and reloads never meet a global one."""

    def __init__(self) -> None:
        """Register every metric; the ones set from outside start at 0."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        build = Gauge(
            "integration_exporter_build_info",
            "Version of the exporter and of Python; always 1.",
            ("version", "pythonversion"),
            registry=self.registry,
        )
        build.labels(__version__, ".".join(map(str, sys.version_info[:3]))).set(1)
        self.reload_successful = self._gauge(
            "config_last_reload_successful",
            "Whether the last load of the configuration succeeded (1) or not (0).",
        )
        self.reload_time = self._gauge(
            "config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded without a mistake.",
        )
        self.store_shared = self._gauge(
            "store_shared", "Whether another exporter writes to the same SQLite file (1) or not (0)."
        )
        self.lag = Histogram(
            "integration_exporter_probe_lag_seconds",
            "How much later than due a probe started.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        # prometheus_client itself adds `_total` to the names of counters.
        self.log_messages = Counter(
            "integration_exporter_log_messages",
            "Lines written to the log, by level.",
            ("level",),
            registry=self.registry,
        )
        self.task_failures = Counter(
            "integration_exporter_task_failures",
            "Deaths of tasks that must run for ever, by name; each is begun again.",
            ("task",),
            registry=self.registry,
        )
        self.shortages = Counter(
            "integration_exporter_shortages",
            "Probes and token refreshes put off because the exporter had none left of a resource.",
            ("resource",),
            registry=self.registry,
        )
        # Each label is at 0 from the start: `rate` and `increase` do not see a series that begins at 1.
        for resource in RESOURCES:
            self.shortages.labels(resource)
        for level in ("debug", "info", "warning", "error"):
            self.log_messages.labels(level)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Export `integration_exporter_<name>`, read from `value` at each scrape."""
        self._gauge(name, help_text).set_function(value)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"integration_exporter_{name}", help_text, registry=self.registry)
