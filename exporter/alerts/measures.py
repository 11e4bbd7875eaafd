"""How good is it? Latency of the probes and the life of certificates."""

from exporter.alerts.availability import STATE
from exporter.alerts.cases import measures as cases
from exporter.core.alert import BY, Alert, Runbook
from exporter.core.common_metrics import (
    CERTIFICATE_EXPIRY,
    CHAIN_EXPIRY,
    CLIENT_CERTIFICATE_EXPIRY,
    CONSECUTIVE_FAILURES,
    DURATION,
)
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

DAY = 86_400.0

LATENCY = ThresholdFamily(
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
    summaries={
        Severity.HIGH: "The integration answers very slowly.",
        Severity.MEDIUM: "The integration answers slowly.",
    },
    description=(
        "95 % of the probes of {{ $labels.integration }} ({{ $labels.provider }}) over 15 minutes took up to "
        "{{ $value | humanizeDuration }}"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}."
    ),
    # Failed probes have a duration too (a timeout has a long one), but other alerts report failures.
    observed=f"{P95} unless on ({BY}) ({FAILED} > 0)",
    family=LATENCY,
    records={
        P95: f"max by ({BY}) (quantile_over_time(0.95, {DURATION}[15m]))",
        FAILED: f"min by ({BY}) (max_over_time({CONSECUTIVE_FAILURES}[15m]))",
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

CERTIFICATE = ThresholdFamily(
    "certificate_expiry_seconds",
    "Remaining life of a certificate (the server's, its chain's or our own) below which it counts as"
    " expiring; 0 is expired.",
    {Severity.MEDIUM: 21 * DAY, Severity.HIGH: 7 * DAY, Severity.CRITICAL: 0},
    rising=False,
    unit="seconds",
)

SERVER = f"integration_provider_tenant:{CERTIFICATE_EXPIRY}:max"
CHAIN = f"integration_provider_tenant:{CHAIN_EXPIRY}:max"
EXPIRY = f"integration_provider_tenant_certificate:{CERTIFICATE_EXPIRY}:min"


def _certificate(expression: str, kind: str) -> str:
    """Return `expression` with the label that says whose certificate it is."""
    return f'label_replace({expression}, "certificate", "{kind}", "", "")'


def _kinds() -> tuple[str, ...]:
    return (
        _certificate(f"{CHAIN} < {SERVER}", "chain"),
        _certificate(f"({SERVER} unless {CHAIN} < {SERVER})", "server"),
        _certificate(_newest(CLIENT_CERTIFICATE_EXPIRY), "client"),
    )


def _newest(metric: Metric) -> str:
    return f"max by ({BY}) (last_over_time({metric}[{STATE}]))"


CERTIFICATE_EXPIRING = Alert(
    name="IntegrationCertificateExpiring",
    summary="A certificate expires soon or has expired.",
    summaries={
        Severity.CRITICAL: "A certificate has expired.",
        Severity.HIGH: "A certificate expires soon.",
        Severity.MEDIUM: "A certificate expires before long.",
    },
    description=(
        '{{ if eq $labels.certificate "chain" }}A certificate of the chain, not the server\'s own, of '
        '{{ else if eq $labels.certificate "client" }}The certificate that we show to '
        "{{ else }}The certificate shown by {{ end }}"
        "{{ $labels.integration }} ({{ $labels.provider }})"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} "
        "{{ if lt $value 0.0 }}has expired{{ else }}expires in {{ $value | humanizeDuration }}{{ end }}."
    ),
    observed=f"{EXPIRY} - time()",
    op="<",
    by=("integration", "provider", "tenant", "certificate"),
    family=CERTIFICATE,
    records={
        SERVER: _newest(CERTIFICATE_EXPIRY),
        CHAIN: _newest(CHAIN_EXPIRY),
        # Of server and chain the one that expires first: behind it the other one breaks nothing new.
        EXPIRY: f"min by ({BY}, certificate) ({' or '.join(_kinds())})",
    },
    cases=cases.CERTIFICATE_EXPIRING,
    runbook=Runbook(
        meaning=(
            "A certificate seen at the last probe expires within the time that "
            "`certificate_expiry_seconds` says: medium and high before that, critical after it. The label "
            "`certificate` says which one: `server` is the server's own, `chain` another one of the chain by "
            "which it is trusted (an intermediate authority or the root), `client` the one that the exporter "
            "shows (`tls.cert_file`)."
        ),
        impact=(
            "From then on every client that checks the certificate refuses the connection. With `client` the "
            "server refuses ours; over TLS 1.3 the provider tls does not notice, because the server judges "
            "after the handshake."
        ),
        diagnosis=(
            "1. Whose server is it? The vendor's, the tenant's or ours.\n"
            "2. `openssl s_client -connect HOST:443 -servername HOST` shows what is served; a renewed "
            "certificate that is not yet served is the usual cause.\n"
            "3. With `chain`: add `-showcerts`, and look for the date of each certificate above the server's "
            "own; an old intermediate that is still sent is the usual cause.\n"
            "4. Behind a load balancer: does every node show the same certificate?"
        ),
        mitigation=(
            "Renew it, or find out why the automatic renewal failed, and reload the server. With `chain` "
            "install the issuer's present intermediate certificates; with `client` renew the file, which is "
            "read again by itself. For a vendor's or tenant's server, inform them. The alert resolves with "
            "the next probe that sees the new one."
        ),
    ),
)

MEASURES = (LATENCY_HIGH, CERTIFICATE_EXPIRING)
