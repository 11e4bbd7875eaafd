"""The series of sign-ins."""

from exporter.core.metric import Kind, Metric

SIGN_INS = Metric("integration_sign_ins_total", "Attempts to sign in.", Kind.COUNTER, labels=("method",))

FAILURES = Metric(
    "integration_sign_in_failures_total", "Attempts to sign in that failed.", Kind.COUNTER, labels=("method",)
)
