"""The series of the way in of events itself."""

from exporter.core.metric import Kind, Metric, Scope

EVENTS = Metric(
    "integration_exporter_events_total",
    "Events of apps that were accepted, by kind.",
    Kind.COUNTER,
    labels=("kind",),
    scope=Scope.EXPORTER,
)
REJECTED = Metric(
    "integration_exporter_events_rejected_total",
    "Events of apps that were refused, by kind (empty where it could not be read) and reason.",
    Kind.COUNTER,
    labels=("kind", "reason"),
    scope=Scope.EXPORTER,
)
DUPLICATES = Metric(
    "integration_exporter_events_duplicate_total",
    "Events of apps whose id was counted before, by kind.",
    Kind.COUNTER,
    labels=("kind",),
    scope=Scope.EXPORTER,
)

INTAKE_SERIES = (EVENTS, REJECTED, DUPLICATES)
