"""How good is it? Latency of the probes and the life of certificates."""

from exporter.core.alert import Alert, Runbook
from exporter.core.severity import Severity
from exporter.core.threshold import Family
from exporter.core.vital_alerts.availability import STATE
from exporter.core.vital_cases import measures as cases
from exporter.core.vitals import CERTIFICATE_EXPIRY, CONSECUTIVE_FAILURES, DURATION

TARGET = "integration, provider, tenant"
DAY = 86_400.0

LATENCY = Family(
    "latency_seconds",
    "95th percentile over 15 minutes of the duration of a target's probes from which it counts as slow.",
    {Severity.MEDIUM: 2, Severity.HIGH: 5},
    unit="seconds",
)

P95 = f"integration_provider_tenant:{DURATION}:p95_15m"
FAILED = f"integration_provider_tenant:{CONSECUTIVE_FAILURES}:max_15m"

LATENCY_HIGH = Alert(
    name="IntegrationLatencyHigh",
    summary="An integration answers slowly.",
    description=(
        "95 % of the probes of {{ $labels.integration }} ({{ $labels.provider }}) over 15 minutes took up to "
        "{{ $value | humanizeDuration }}"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}."
    ),
    # Failed probes have a duration too (a timeout has a long one), but failing is told by other alerts.
    observed=f"{P95} unless on ({TARGET}) ({FAILED} > 0)",
    family=LATENCY,
    records={
        P95: f"max by ({TARGET}) (quantile_over_time(0.95, {DURATION}[15m]))",
        FAILED: f"min by ({TARGET}) (max_over_time({CONSECUTIVE_FAILURES}[15m]))",
    },
    cause="probe",
    cases=cases.LATENCY_HIGH,
    runbook=Runbook(
        meaning=(
            "The 95th percentile of the target's probe durations over 15 minutes is above the threshold "
            "`latency_seconds`. Only targets whose probes all succeeded in that time count. A target that "
            "is probed every five minutes has three probes in the window, so one slow probe is enough."
        ),
        impact="What customers do through the integration takes longer, and may soon run into timeouts.",
        diagnosis=(
            "1. Which phase? See `integration_probe_phase_duration_seconds`: `resolve` and `connect` are "
            "the way, `tls` the handshake, `processing` the vendor's work, `transfer` the size of "
            "the answer.\n"
            "2. One tenant or all? One region or all replicas?\n"
            "3. Compare with the same hour of last week on the dashboard."
        ),
        mitigation=(
            "Follow the vendor's status page for `processing`; look at resolver, route and proxy "
            "for the rest. "
            "If this is simply how the vendor is, raise `latency_seconds` for the integration or the tenant."
        ),
    ),
)

CERTIFICATE = Family(
    "certificate_expiry_seconds",
    "Remaining life of a server's certificate below which it counts as expiring; 0 is expired.",
    {Severity.MEDIUM: 21 * DAY, Severity.HIGH: 7 * DAY, Severity.CRITICAL: 0},
    rising=False,
    unit="seconds",
)

EXPIRY = f"integration_provider_tenant:{CERTIFICATE_EXPIRY}:max"

CERTIFICATE_EXPIRING = Alert(
    name="IntegrationCertificateExpiring",
    summary="A certificate expires soon or has expired.",
    description=(
        "The certificate shown by {{ $labels.integration }} ({{ $labels.provider }})"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} "
        "{{ if lt $value 0.0 }}has expired{{ else }}expires in {{ $value | humanizeDuration }}{{ end }}."
    ),
    observed=f"{EXPIRY} - time()",
    op="<",
    family=CERTIFICATE,
    records={EXPIRY: f"max by ({TARGET}) (last_over_time({CERTIFICATE_EXPIRY}[{STATE}]))"},
    cases=cases.CERTIFICATE_EXPIRING,
    runbook=Runbook(
        meaning=(
            "The certificate that the server showed at the last probe ends within the time that "
            "`certificate_expiry_seconds` says: medium and high before its end, critical after it."
        ),
        impact="From the end of the certificate on, every client that checks it refuses the connection.",
        diagnosis=(
            "1. Whose server is it? The vendor's, the tenant's or ours.\n"
            "2. `openssl s_client -connect HOST:443 -servername HOST` shows what is served; a renewed "
            "certificate that is not yet served is the usual cause.\n"
            "3. Behind a load balancer: does every node show the same certificate?"
        ),
        mitigation=(
            "Renew it, or find out why the automatic renewal failed, and reload the server. For a "
            "vendor's or "
            "tenant's server, tell them. The alert resolves with the next probe that sees the new one."
        ),
    ),
)

MEASURES = (LATENCY_HIGH, CERTIFICATE_EXPIRING)
