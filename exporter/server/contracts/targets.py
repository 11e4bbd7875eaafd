"""Targets: their states, figures and checks."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from exporter.core.defaults import STATS_SUBJECTS, STATS_WINDOW, STATS_WINDOWS
from exporter.core.reason import Reason
from exporter.server.contracts._contract import (
    FORMAT,
    INTEGRATION,
    LIMIT,
    MONTH,
    OFFSET,
    SINCE,
    STATUS,
    TABULAR,
    TENANT,
    WORDS,
    AnswerPart,
    CallExample,
    Contract,
    DurationSeconds,
    Natural,
    Ratio,
    Reasons,
    Time,
    choice,
    number,
)
from exporter.server.contracts._events import RequestFigures
from exporter.server.contracts._webhooks import BothWays
from exporter.server.query import MOST_EXPORTED

TargetStatus = Literal["connected", "error", "not_configured", "unknown"]


class TargetCounts(AnswerPart, kw_only=True):
    """How many targets have each status."""

    total: Natural
    error: Natural
    unknown: Natural
    not_configured: Natural
    connected: Natural


class BriefTarget(AnswerPart, kw_only=True):
    """A target that is not connected, in short."""

    tenant: str
    status: TargetStatus
    reason: Reason | None
    meaning: str | None
    detail: str
    since: Time | None
    last_success: Time | None
    consecutive_failures: Natural


class IntegrationDetails(AnswerPart, kw_only=True):
    """The targets of an integration in figures, and the worst twenty."""

    provider: str
    critical: bool
    targets: TargetCounts
    reasons: Reasons
    worst: list[BriefTarget]
    vendor_details: list[dict[str, str]]


class IntegrationStatus(AnswerPart, kw_only=True):
    """One integration, in a word and a sentence."""

    status: TargetStatus
    message: str
    healthy: bool
    details: IntegrationDetails


class ShardPlace(AnswerPart, kw_only=True):
    """Which part of the targets this process serves."""

    index: Natural
    count: Natural


class StatusAnswer(AnswerPart, kw_only=True):
    """Every integration, and all of them in one word."""

    integrations: dict[str, IntegrationStatus]
    overall_status: Literal["healthy", "degraded", "partial", "critical"]
    last_checked: Time | None
    shard: ShardPlace | UnsetType = UNSET


class TargetRow(AnswerPart, kw_only=True):
    """One target, as the last probe found it."""

    integration: str
    tenant: str
    provider: str
    critical: bool
    labels: dict[str, str]
    status: TargetStatus
    reason: Reason | None
    meaning: str | None
    detail: str
    vendor_details: dict[str, str]
    since: Time | None
    last_run: Time | None
    last_success: Time | None
    next_run: Time | None
    consecutive_failures: Natural
    duration_seconds: DurationSeconds | None
    interval_seconds: DurationSeconds


class TargetsAnswer(AnswerPart, kw_only=True):
    """A page of targets, failing ones first."""

    counts: TargetCounts
    offset: Natural
    targets: list[TargetRow]


class LogLine(AnswerPart, kw_only=True):
    """What a probe did, and when."""

    after_seconds: DurationSeconds
    text: str


class FailureRow(AnswerPart, kw_only=True):
    """A failed check with its log."""

    at: Time
    integration: str
    tenant: str
    provider: str
    reason: Reason
    meaning: str
    detail: str
    duration_seconds: DurationSeconds
    http_status: int | None
    log: list[LogLine]
    trace_id: str
    replica: str


class ChangeRow(AnswerPart, kw_only=True):
    """A target that changed its state."""

    at: Time
    integration: str
    tenant: str
    provider: str
    before: TargetStatus
    status: TargetStatus
    reason: Reason | None
    detail: str
    trace_id: str
    replica: str


class HistoryAnswer(AnswerPart, kw_only=True):
    """The newest state changes and failures, out of memory."""

    changes: list[ChangeRow]
    failures: list[FailureRow]


class TenantSummary(AnswerPart, kw_only=True):
    """A tenant with the worst of its states."""

    tenant: str
    status: TargetStatus
    since: Time | None
    failing: Natural
    targets: Natural
    statuses: dict[str, TargetStatus]


class TenantsAnswer(AnswerPart, kw_only=True):
    """A page of tenants; `warnings` are about their sources, for callers that see all of them."""

    tenants: list[TenantSummary]
    total: Natural
    next_offset: Natural | None
    warnings: list[str] | UnsetType = UNSET


class StatFigures(AnswerPart, kw_only=True):
    """What checks of a window resulted in."""

    runs: Natural
    failed: Natural
    uptime: Ratio | None
    error_ratio: Ratio | None
    p50_seconds: DurationSeconds | None
    p95_seconds: DurationSeconds | None
    quota_ratio: float | None
    rate_limit_ratio: float | None
    rate_limited: Natural
    cost_usd: float


class StatTrend(AnswerPart, kw_only=True):
    """By how much figures rose against the window before."""

    uptime: float | None
    error_ratio: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    quota_ratio: float | None
    rate_limit_ratio: float | None
    cost_usd: float | None


class AllowanceRow(AnswerPart, kw_only=True):
    """A quota or a bucket of calls, on average over the window; of several targets, the fullest."""

    kind: Literal["quota", "rate_limit"]
    name: str
    used: float
    limit: float | None
    ratio: float | None


class StatRow(StatFigures, kw_only=True):
    """A target, integration or tenant, beside the window before."""

    integration: str | UnsetType = UNSET
    tenant: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    reasons: Reasons
    allowances: list[AllowanceRow]
    before: StatFigures | None
    trend: StatTrend | None


class StatsAnswer(AnswerPart, kw_only=True):
    """Figures of a window beside those of the window before."""

    window: str
    since: Time
    until: Time
    before_since: Time
    before_until: Time
    stats: list[StatRow]
    next_offset: Natural | None


class AlertCounts(AnswerPart, kw_only=True):
    """Alerts by state and severity, and the most urgent ones."""

    states: dict[str, Natural]
    severities: dict[str, Natural]
    newest: list[dict[str, Any]]


class DashboardAnswer(AnswerPart, kw_only=True):
    """The overview; a part that cannot be read is null, and `warnings` say why.

    What is beside a time before is of `since` to `until`.
    """

    at: Time
    since: Time
    until: Time
    before_since: Time
    before_until: Time
    status: StatusAnswer
    targets: TargetCounts
    failing: list[TargetRow]
    failures: list[FailureRow]
    alerts: AlertCounts | None
    integrations: list[StatRow] | None
    webhooks: BothWays | None
    requests: RequestFigures | None
    calls: RequestFigures | None
    warnings: list[str]


class CheckRow(AnswerPart, kw_only=True):
    """What a check on demand found."""

    integration: str
    tenant: str
    provider: str
    status: Literal["connected", "error", "not_configured", "deferred"]
    reason: Reason | None
    meaning: str | None
    detail: str
    at: Time | None
    duration_seconds: DurationSeconds | None
    http_status: int | None
    trace_id: str
    retry_after_seconds: DurationSeconds | UnsetType = UNSET


class ChecksAnswer(AnswerPart, kw_only=True):
    """The results of a few checks."""

    checks: list[CheckRow]
    summary: dict[str, Natural]


class CheckJob(ChecksAnswer, kw_only=True):
    """How far a job of many checks is, with the results so far."""

    id: str
    state: Literal["running", "done"]
    total: Natural
    done: Natural
    started: Time
    finished: Time | None


class CheckBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is checked: all, unless one of these narrows it."""

    integration: str = ""
    tenant: str = ""


class TargetGroup(AnswerPart, kw_only=True):
    """One process, as Prometheus' HTTP service discovery wants it."""

    targets: list[str]
    labels: dict[str, str]


CONTRACTS = {
    ("GET", "/api/v1/status"): Contract(
        {200: StatusAnswer},
        (TENANT,),
        errors=(404,),
        examples=(CallExample("Everything"), CallExample("One tenant", query={"tenant": "acme"})),
    ),
    ("GET", "/api/v1/targets"): Contract(
        {200: TargetsAnswer},
        (
            *(INTEGRATION, TENANT, STATUS, WORDS, OFFSET, FORMAT),
            number("limit", "Rows of a page at most (10000), or of an export.", 500, MOST_EXPORTED),
        ),
        media=TABULAR,
        errors=(404,),
        examples=(
            CallExample("What fails", query={"status": "error"}),
            CallExample("All of them as CSV", query={"format": "csv"}),
            CallExample("A name that there is not", 404, query={"tenant": "acne"}),
        ),
    ),
    ("GET", "/api/v1/history"): Contract(
        {200: HistoryAnswer},
        (INTEGRATION, TENANT, STATUS, WORDS, number("limit", "Rows of each part.", 100, 1000)),
        errors=(404,),
        examples=(CallExample("The newest", query={"limit": "5"}),),
    ),
    ("GET", "/api/v1/tenants"): Contract(
        {200: TenantsAnswer},
        (INTEGRATION, TENANT, STATUS, WORDS, SINCE, LIMIT, OFFSET, FORMAT),
        media=TABULAR,
        errors=(404,),
        examples=(
            CallExample("Tenants that changed today", query={"since": "24h"}),
            CallExample("All of them as CSV", query={"format": "csv"}),
        ),
    ),
    ("GET", "/api/v1/dashboard"): Contract(
        {200: DashboardAnswer}, (TENANT,), errors=(404,), examples=(CallExample("The overview"),)
    ),
    ("GET", "/api/v1/stats"): Contract(
        {200: StatsAnswer},
        (
            choice("window", STATS_WINDOWS, "How long, up to now.", STATS_WINDOW),
            choice("by", STATS_SUBJECTS, "What a row is about.", "target"),
            *(INTEGRATION, TENANT, LIMIT, OFFSET, FORMAT),
        ),
        media=TABULAR,
        errors=(404,),
        examples=(
            CallExample("A month of every integration", query={"window": MONTH, "by": "integration"}),
            CallExample("A window that there is not", 400, query={"window": "2d"}),
        ),
    ),
    ("GET", "/api/v1/sd"): Contract(
        {200: list[TargetGroup]}, examples=(CallExample("Where each process is"),)
    ),
    ("POST", "/api/v1/checks"): Contract(
        {200: ChecksAnswer, 202: CheckJob},
        body=CheckBody,
        body_required=False,
        errors=(404,),
        examples=(
            CallExample("Check one target", body={"integration": "payments", "tenant": "acme"}),
            CallExample("A target that there is not", 404, body={"integration": "paiments"}),
            CallExample("A key that there is not", 400, body={"integrations": "payments"}),
        ),
    ),
    ("GET", "/api/v1/checks/{id}"): Contract(
        {200: CheckJob}, errors=(404,), examples=(CallExample("A job that is forgotten", 404, {"id": "0"}),)
    ),
}
