"""An alert that a person fired, and what it is called wherever alerts have a name."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.core.alert_identity import MANUAL, SCOPE
from exporter.core.severity import Severity

MANUAL_ALERT = "IntegrationManualAlert"
"""The name of every alert that is fired by hand."""


@dataclass(frozen=True)
class ManualAlert:
    """Somebody (`actor`) fired it at `at` (Unix seconds); it fires until `ends`, None while nobody ended it.

    `fingerprint` is the one that Alertmanager gives to its labels.
    """

    at: float
    fingerprint: str
    actor: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    ends: float | None = None


def manual_labels(
    service: str, severity: Severity, tenant: str, provider: str, number: str
) -> dict[str, str]:
    """Return the labels of an alert by hand, as rules set them, so that routes and inhibitions know it.

    `number` distinguishes it from others of the same service and severity.
    """
    labels = {
        "alertname": MANUAL_ALERT,
        "severity": severity.value,
        "integration": service,
        "provider": provider,
        "tenant": tenant,
        SCOPE: "tenant" if tenant else "integration",
        MANUAL: number,
    }
    # Alertmanager takes a label without a value as none.
    return {name: value for name, value in labels.items() if value}
