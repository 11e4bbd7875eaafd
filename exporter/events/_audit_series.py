"""The series of the audit."""

from exporter.core.metric import Kind, Metric, Scope

EVENTS = Metric(
    "integration_audit_events_total",
    "Entries of the audit, of apps and of the exporter itself, by the class of the action.",
    Kind.COUNTER,
    labels=("action_class",),
    scope=Scope.TENANT,
)

FLAGS = Metric(
    "integration_audit_flags_total",
    "Entries of the audit that a person must review, by the pattern that they show, or `score`.",
    Kind.COUNTER,
    labels=("pattern",),
    scope=Scope.TENANT,
)

UNREVIEWED = Metric(
    "integration_audit_unreviewed",
    "Flagged entries of the audit that nobody has reviewed; every process shows what is in the store.",
    scope=Scope.TENANT,
)

HIGHEST_RISK = Metric(
    "integration_audit_unreviewed_risk",
    "The highest risk score of the flagged entries that nobody has reviewed; 0 where there are none.",
    scope=Scope.TENANT,
)

CHAIN_LENGTH = Metric(
    "integration_audit_chain_entries",
    "The number of the last entry in the chain of the audit: it never falls.",
    scope=Scope.EXPORTER,
)

TRAIL_SERIES = (FLAGS, UNREVIEWED, HIGHEST_RISK, CHAIN_LENGTH)
"""What comes of judging and storing entries, and not of an event alone."""
