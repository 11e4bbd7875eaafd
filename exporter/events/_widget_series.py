"""The series of widgets."""

from exporter.core.metric import Kind, Metric, Scope

REASONS = ("load_error", "render_failure", "script_error", "timeout")

LOADED = Metric(
    "integration_widget_loads_total",
    "Attempts to load a widget.",
    Kind.COUNTER,
    labels=("widget", "release"),
)

FAILURES = Metric(
    "integration_widget_failures_total",
    "Widgets that could not be loaded or rendered, or whose script failed.",
    Kind.COUNTER,
    labels=("widget", "release", "reason"),
)

DURATION = Metric(
    "integration_widget_load_duration_seconds",
    "How long widgets took to load.",
    Kind.HISTOGRAM,
    "seconds",
    ("widget",),
    Scope.INTEGRATION,
    buckets=(0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0),
)
