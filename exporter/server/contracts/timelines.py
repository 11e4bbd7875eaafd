"""The course of an integration or a target."""

from exporter.server.contracts._contract import (
    INTEGRATION,
    TENANT,
    AnswerPart,
    CallExample,
    Contract,
    DurationSeconds,
    Natural,
    Ratio,
    Reasons,
    Time,
    choice,
)
from exporter.server.handlers.timeline import STEPS


class TimelineRow(AnswerPart, kw_only=True):
    """An hour or a day, by its beginning in UTC."""

    at: Time
    runs: Natural
    failed: Natural
    uptime: Ratio | None
    p50_seconds: DurationSeconds | None
    p95_seconds: DurationSeconds | None
    reasons: Reasons


class TimelineAnswer(AnswerPart, kw_only=True):
    """Hours or days in which there was a check, the oldest first."""

    step: str
    since: Time
    until: Time
    step_seconds: Natural
    timeline: list[TimelineRow]


CONTRACTS = {
    ("GET", "/api/v1/timeline"): Contract(
        {200: TimelineAnswer},
        (INTEGRATION, TENANT, choice("step", STEPS, "Hours of three days, or 90 days.", "day")),
        errors=(404,),
        examples=(
            CallExample("Three days of an integration", query={"integration": "payments", "step": "hour"}),
            CallExample("No integration", 400),
        ),
    ),
}
