"""What is exported of a Google Calendar connection."""

from exporter.core.common_metrics import SCHEDULE, TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.metric import Metric
from exporter.probes._readings import refused_metric


def _gauge(name: str, text: str, *, labels: tuple[str, ...] = (), dated: bool = False) -> Metric:
    return Metric(f"integration_google_calendar_{name}", text + SCHEDULE, labels=labels, dated=dated)


CALL_INFO = _gauge(
    "call_info",
    "Which call the probe makes with the scopes granted: events, free_busy, calendar, calendar_list,"
    " settings, colors; always 1.",
    labels=("call",),
)
ACCESS_INFO = _gauge(
    "access_info",
    "Role of the user on the calendar: freeBusyReader, reader, writer, owner, none, other; always 1. Absent"
    " where the call does not tell it.",
    labels=("role",),
)
ACCESS_TOO_LOW = _gauge(
    "access_too_low",
    "Whether the user's role on the calendar is below the one that the platform needs (1), or not (0).",
)
SCOPE_MISSING = _gauge(
    "scope_missing",
    "Whether the token lacks a scope that the platform needs (1), or not (0).",
    labels=("scope",),
    dated=True,  # it explains the refusals that follow
)

READING_REFUSED = refused_metric("google_calendar")

METRICS = (
    CALL_INFO,
    ACCESS_INFO,
    ACCESS_TOO_LOW,
    SCOPE_MISSING,
    READING_REFUSED,
    TOKEN_EXPIRY,
    TOKEN_REFRESHABLE,
)
