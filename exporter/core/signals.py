"""What one source of series brings with it to Prometheus and Grafana."""

from dataclasses import dataclass

from exporter.core.alert import Alert
from exporter.core.metric import Metric
from exporter.core.panel import Panel
from exporter.core.threshold import ThresholdFamily


@dataclass(frozen=True)
class Signals:
    """The metrics, alerts and panels of one source: a provider, or what several targets have in common.

    `title` heads its panels and its part of the reference pages.
    """

    title: str
    metrics: tuple[Metric, ...] = ()
    alerts: tuple[Alert, ...] = ()
    panels: tuple[Panel, ...] = ()

    @property
    def families(self) -> dict[str, ThresholdFamily]:
        """The families of thresholds that its alerts compare with, by name."""
        return {alert.family.name: alert.family for alert in self.alerts if alert.family}
