"""Figures of what apps report, as several answers have them."""

from msgspec import UNSET, UnsetType

from exporter.core.defaults import HEALTH_WINDOWS, STATS_WINDOW
from exporter.server.contracts._contract import (
    INTEGRATION,
    TENANT,
    AnswerPart,
    DurationSeconds,
    Natural,
    Ratio,
    Reasons,
    Time,
    choice,
    number,
)

WINDOW = choice("window", HEALTH_WINDOWS, "How long, up to now, rows are about.", STATS_WINDOW)
SUMMARY_QUERY = (WINDOW, INTEGRATION, TENANT, number("limit", "Rows of each part.", 100, 1000))


class Percentiles(AnswerPart, kw_only=True):
    """How long it took, within 10.1 % from 1 ms to 100 s."""

    p50_seconds: DurationSeconds | None
    p95_seconds: DurationSeconds | None
    p99_seconds: DurationSeconds | None


class RequestCounts(Percentiles, kw_only=True):
    """Requests, and those that failed."""

    requests: Natural
    errors: Natural
    error_ratio: Ratio | None
    reasons: Reasons


class RequestFigures(RequestCounts, kw_only=True):
    """Requests of a window beside those of the window before."""

    before: RequestCounts | None


class AiCounts(Percentiles, kw_only=True):
    """Calls to AI services, and their costs."""

    calls: Natural
    errors: Natural
    error_ratio: Ratio | None
    reasons: Reasons
    cost_usd: float
    cost_per_call_usd: float | None


class AiFigures(AiCounts, kw_only=True):
    """The same beside the window before."""

    before: AiCounts | None


class SummaryHead(AnswerPart, kw_only=True):
    """The window that rows are about."""

    window: str
    since: Time
    until: Time
    before_since: Time | UnsetType = UNSET
    before_until: Time | UnsetType = UNSET
