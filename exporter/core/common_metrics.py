"""The series that every target has, and those that providers share."""

from exporter.core.metric import Kind, Metric, Scope

SCHEDULE = " Scheduled."
"""Ends the HELP of what a probe finds: that of integration_info says once what it means."""

EXPLAINED = (
    " Probes run on the exporter's own schedule, not at the scrape; Scheduled marks what the last one found."
)


def _target(
    name: str, text: str, *, unit: str = "", labels: tuple[str, ...] = (), dated: bool = False
) -> Metric:
    return Metric(f"integration_{name}", text + SCHEDULE, unit=unit, labels=labels, dated=dated)


INFO = Metric("integration_info", "Labels of a target; always 1." + EXPLAINED)
CONFIGURED = _target("configured", "Whether the target has all it needs to be probed (1) or not (0).")
SUCCESS = _target("probe_success", "Whether the last probe found the integration connected (1) or not (0).")
FAILURE_INFO = _target(
    "probe_failure_info", "Why the last probe failed; 1 while failing, else absent.", labels=("reason",)
)
DURATION = _target("probe_duration_seconds", "How long the last probe took.", unit="seconds")
PHASE_DURATION = _target(
    "probe_phase_duration_seconds",
    "How long each phase of the last probe took: resolve, connect, tls, processing, transfer; of mail servers"
    " also banner, ehlo, starttls, auth, noop.",
    unit="seconds",
    labels=("phase",),
)
HTTP_STATUS = _target("probe_http_status_code", "HTTP status of the last answer of the last probe.")
CONSECUTIVE_FAILURES = _target("probe_consecutive_failures", "Failed probes since the last success.")
LAST_RUN = _target("probe_last_run_timestamp_seconds", "When the last probe started.", unit="seconds")
LAST_SUCCESS = _target("probe_last_success_timestamp_seconds", "When a probe last succeeded.", unit="seconds")
NEXT_RUN = _target("probe_next_run_timestamp_seconds", "When the next probe is due.", unit="seconds")

PROBES = Metric("integration_probes_total", "Probes run." + SCHEDULE, Kind.COUNTER, scope=Scope.INTEGRATION)
PROBE_FAILURES = Metric(
    "integration_probe_failures_total",
    "Probes failed, by reason." + SCHEDULE,
    Kind.COUNTER,
    labels=("reason",),
    scope=Scope.INTEGRATION,
)
SCHEMA_DRIFT = Metric(
    "integration_probe_schema_drift_total",
    "Fields of an answer that were missing or of another type than the vendor documents." + SCHEDULE,
    Kind.COUNTER,
    scope=Scope.INTEGRATION,
)
API_CALLS = Metric(
    "integration_exporter_api_calls_total",
    "Calls that probes made to the vendor; absent for generic providers, whose probes are their calls."
    + SCHEDULE,
    Kind.COUNTER,
    scope=Scope.INTEGRATION,
)
DEFERRED = Metric(
    "integration_exporter_probes_deferred_total",
    "Probes put off because the call budget of their credential was spent." + SCHEDULE,
    Kind.COUNTER,
    scope=Scope.INTEGRATION,
)
CRITICAL = Metric(
    "integration_critical",
    "Whether the integration is marked critical (1) or not (0).",
    scope=Scope.INTEGRATION,
)

SLO_OBJECTIVE = Metric(
    "integration_slo_objective_ratio",
    "Share of the time in which probes of the integration are meant to succeed; absent without an objective.",
    unit="ratio",
    scope=Scope.INTEGRATION,
)
SLO_WINDOW = Metric(
    "integration_slo_window_seconds",
    "Time over which the objective holds; absent without one, and where it is 30 days.",
    unit="seconds",
    scope=Scope.INTEGRATION,
)

CERTIFICATE_EXPIRY = _target(
    "certificate_expiry_timestamp_seconds",
    "When the certificate the server showed expires.",
    unit="seconds",
    dated=True,
)
CHAIN_EXPIRY = _target(
    "certificate_chain_expiry_timestamp_seconds",
    "When the first certificate expires of the chain by which the server is trusted; absent where that is the"
    " server's own.",
    unit="seconds",
    dated=True,
)
CLIENT_CERTIFICATE_EXPIRY = _target(
    "client_certificate_expiry_timestamp_seconds",
    "When the certificate expires that we show to the server (tls.cert_file).",
    unit="seconds",
    dated=True,
)
# In the order of the dates that engine/run.py pairs with them.
CERTIFICATE_SERIES = (CERTIFICATE_EXPIRY, CHAIN_EXPIRY, CLIENT_CERTIFICATE_EXPIRY)
TOKEN_EXPIRY = _target(
    "token_expiry_timestamp_seconds",
    "When the token expires; absent if it never does.",
    unit="seconds",
    labels=("token",),
    dated=True,
)
TOKEN_REFRESHABLE = _target(
    "token_refreshable",
    "Whether the exporter renews the token by itself (1) or somebody has to before it expires (0).",
    labels=("token",),
    dated=True,
)
TOKEN_STATE = _target(
    "token_state",
    "State of a token that the exporter renews: valid, expired, never_expires, unknown, implausible, refused;"
    " 1 for the state it has.",
    labels=("token", "state"),
)
TOKEN_REFRESH_FAILURES = _target(
    "token_refresh_failures",
    "Refreshes of the token that failed since the last one that succeeded.",
    labels=("token",),
)
TOKEN_REFRESH_LAST_SUCCESS = _target(
    "token_refresh_last_success_timestamp_seconds",
    "When the token was last refreshed.",
    unit="seconds",
    labels=("token",),
)
TOKEN_REFRESH_FAILURE_INFO = _target(
    "token_refresh_failure_info",
    "Why the last refresh of the token failed; 1 while it does, else absent.",
    labels=("token", "reason"),
)
# What the exporter says itself of a token that it renews.
RENEWAL_SERIES = (
    TOKEN_EXPIRY,
    TOKEN_REFRESHABLE,
    TOKEN_STATE,
    TOKEN_REFRESH_FAILURES,
    TOKEN_REFRESH_LAST_SUCCESS,
    TOKEN_REFRESH_FAILURE_INFO,
)
RATE_LIMIT_REMAINING = _target(
    "rate_limit_remaining",
    "Calls left in the rate-limit bucket; percent where the vendor gives only that.",
    labels=("bucket",),
)
RATE_LIMIT_LIMIT = _target(
    "rate_limit_limit",
    "Size of the rate-limit bucket in calls; 100 where the vendor gives percent.",
    labels=("bucket",),
)
RATE_LIMIT_RESET = _target(
    "rate_limit_reset_timestamp_seconds",
    "When the rate-limit bucket is full again.",
    unit="seconds",
    labels=("bucket",),
    dated=True,
)

QUOTA_USED = _target("quota_used", "What is used up of a quota of the vendor's.", labels=("quota",))
QUOTA_LIMIT = _target(
    "quota_limit", "Size of the quota in the same unit; absent where it has no limit.", labels=("quota",)
)
QUOTA_RESET = _target(
    "quota_reset_timestamp_seconds",
    "When the quota starts again.",
    unit="seconds",
    labels=("quota",),
    dated=True,
)
COST_TODAY = _target(
    "cost_today_usd", "What the vendor charges for today (UTC) so far, in US dollars.", unit="usd"
)
COST_MONTH = _target(
    "cost_month_to_date_usd",
    "What the vendor charges for this month (UTC) so far, in US dollars.",
    unit="usd",
)
PREPAID_BALANCE = _target(
    "prepaid_balance", "Prepaid money that is left, in units of its currency.", labels=("currency",)
)

TARGET_SERIES = (
    INFO,
    CONFIGURED,
    SUCCESS,
    FAILURE_INFO,
    DURATION,
    PHASE_DURATION,
    HTTP_STATUS,
    CONSECUTIVE_FAILURES,
    LAST_RUN,
    LAST_SUCCESS,
    NEXT_RUN,
)
INTEGRATION_SERIES = (
    PROBES,
    PROBE_FAILURES,
    SCHEMA_DRIFT,
    API_CALLS,
    DEFERRED,
    CRITICAL,
    SLO_OBJECTIVE,
    SLO_WINDOW,
)
SHARED_SERIES = (
    *CERTIFICATE_SERIES,
    *RENEWAL_SERIES,
    RATE_LIMIT_REMAINING,
    RATE_LIMIT_LIMIT,
    RATE_LIMIT_RESET,
    QUOTA_USED,
    QUOTA_LIMIT,
    QUOTA_RESET,
    COST_TODAY,
    COST_MONTH,
    PREPAID_BALANCE,
)
