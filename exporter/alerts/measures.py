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
    LAST_RUN,
    NEXT_RUN,
)
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily

DAY = 86_400.0

LATENCY = ThresholdFamily(
    "latency_seconds",
    "Median over 15 minutes of the duration of a target's probes above which it counts as slow.",
    {Severity.MEDIUM: 2, Severity.HIGH: 5},
    unit="seconds",
)

# A gauge shows each probe until the next one. With three probes in the window one is less than half of it; a
# target that is probed more seldom has to be slow all the time that rules look back: two probes at least.
_SELDOM = f"last_over_time({NEXT_RUN}[{STATE}]) - last_over_time({LAST_RUN}[{STATE}]) > 400"
_USUAL = (
    f"(\n    quantile_over_time(0.5, {DURATION}[15m])\n  unless\n    {_SELDOM}\n  )\n"
    f"or\n  (\n    min_over_time({DURATION}[$lookback])\n  and\n    {_SELDOM}\n  )"
)
# Failed probes have a duration too (a timeout has a long one), but other alerts report failures. They are
# left out replica by replica; of those that get through the quickest one is right about the vendor.
MEDIAN = f"min by ({BY}) (\n  (\n  {_USUAL}\n  )\nunless\n  max_over_time({CONSECUTIVE_FAILURES}[15m]) > 0\n)"

P95 = f"integration_provider:{DURATION}:p95"
"""For dashboards, which cannot read every target over hours: its last probe, the slowest of 20."""

LATENCY_HIGH = Alert(
    name="IntegrationLatencyHigh",
    summary="An integration answers slowly.",
    summaries={
        Severity.HIGH: "The integration answers very slowly.",
        Severity.MEDIUM: "The integration answers slowly.",
    },
    description=(
        "Half of the probes of {{ $labels.integration }} ({{ $labels.provider }}) over 15 minutes took "
        "{{ $value | humanizeDuration }} or more"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}."
    ),
    observed=MEDIAN,
    family=LATENCY,
    # Replicas do not shift a quantile.
    records={P95: f"quantile by (integration, provider) (0.95, {DURATION})"},
    record_every={P95: "2m"},
    subject="latency",
    every="1m",
    cause="probe",
    cases=cases.LATENCY_HIGH,
    runbook=Runbook(
        meaning=(
            "Half of the target's probes over 15 minutes took longer than the threshold `latency_seconds`; "
            "one slow probe alone is not reported. A replica counts if all its probes succeeded in that "
            "time, and of several replicas the quickest. A target that is probed less often than every 400 "
            "seconds has to be slow for 2.5 times the longest interval."
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

_LOOSEST = f"integration_provider:{CERTIFICATE.metric}:loosest"
SERVER = f"integration_provider_tenant:{CERTIFICATE_EXPIRY}:beyond"
CHAIN = f"integration_provider_tenant:{CHAIN_EXPIRY}:beyond"


def _life(metric: Metric) -> str:
    return f"max by ({BY}) (last_over_time({metric}[{STATE}])) - time()"


def _beyond(metric: Metric) -> str:
    # Most certificates are far from their end: what compares server and chain looks at the others alone.
    return f"{_life(metric)}\n< on (integration, provider) group_left ()\n  {_LOOSEST}"


def _certificate(expression: str, kind: str) -> str:
    """Return `expression` with the label that says whose certificate it is."""
    return f'label_replace({expression}, "certificate", "{kind}", "", "")'


def _kinds() -> tuple[str, ...]:
    # Of server and chain the one that expires first: behind it the other one breaks nothing new.
    return (
        _certificate(f"({CHAIN} unless {SERVER} <= {CHAIN})", "chain"),
        _certificate(f"({SERVER} unless {CHAIN} < {SERVER})", "server"),
        _certificate(f"({_life(CLIENT_CERTIFICATE_EXPIRY)})", "client"),
    )


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
    observed=f"min by ({BY}, certificate) ({' or '.join(_kinds())})",
    op="<",
    by=("integration", "provider", "tenant", "certificate"),
    family=CERTIFICATE,
    records={SERVER: _beyond(CERTIFICATE_EXPIRY), CHAIN: _beyond(CHAIN_EXPIRY)},
    subject="certificates",
    every="2m",
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
