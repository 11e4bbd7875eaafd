"""The part of the made-up platform about thresholds: every family has its usual steps."""

from collections.abc import Iterator

from exporter import registry
from tests.generate.dashboards_platform import INTEGRATIONS, Labels, Row

OWN = ("latency_seconds", "certificate_expiry_seconds")
"""Families of which the platform has series for each integration."""
SOME = ("ads", "payments")


def series(now: float, end: float) -> Iterator[Row]:
    """Yield the defaults of every family, those of a target for some integrations."""
    for family in registry.families().values():
        if family.name in OWN:
            continue
        of_target = "integration" in family.default_labels
        for integration in SOME if of_target else ("",):
            own: Labels = (
                (("integration", integration), ("provider", INTEGRATIONS[integration][0]))
                if of_target
                else ()
            )
            for severity, value in family.steps.items():
                yield str(family.metric), (*own, ("tenant", ""), ("severity", str(severity))), value
