"""Does the watching itself work? The exporter down, late, blind or misconfigured, and the Watchdog."""

from exporter.alerts.cases import platform as cases
from exporter.core.alert import Alert, Runbook
from exporter.core.common_metrics import NEXT_RUN
from exporter.core.defaults import JOB
from exporter.core.severity import Severity

RELOAD_SUCCESSFUL = "integration_exporter_config_last_reload_successful"

TENANTS_SUCCESSFUL = "integration_exporter_tenants_refresh_successful"

# A label that the exporter's own alerts share, so that one of them can hide another.
COMPONENT = {"component": "exporter"}

EXPORTER_DOWN = Alert(
    name="IntegrationExporterDown",
    summary="Prometheus cannot scrape the integration exporter.",
    description=(
        "{{ if $labels.instance }}The exporter at {{ $labels.instance }} does not answer Prometheus"
        "{{ else }}Prometheus gets an answer of no exporter in the job {{ $labels.job }}{{ end }}."
    ),
    by=("job", "instance", "replicas"),
    # Where discovery finds no target there is no `up` to compare: only absent() notices that. That no replica
    # is left is an alert of its own, which hides what follows from it: one replica that is down explains
    # nothing that another one shows.
    expr=(
        'up{job="$job"} == 0\n'
        'or\nlabel_replace(max by (job) (up{job="$job"}) == 0, "replicas", "none", "", "")\n'
        'or\nlabel_replace(absent(up{job="$job"}), "replicas", "none", "", "")'
    ),
    severities=(Severity.HIGH,),
    hold="3m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.EXPORTER_DOWN,
    runbook=Runbook(
        meaning=(
            "For three minutes Prometheus could not scrape the exporter, or has no target for the job "
            f"`{JOB}` (or that of `generate.job`) at all. With the label `replicas` as `none` no exporter of "
            "the job is left."
        ),
        impact=(
            "Nothing is known about the integrations once the last values are older than the look-back of "
            "the rules. Alerts about stale probes are hidden while no replica is left."
        ),
        diagnosis=(
            "1. Is the process there? Ask `/-/healthy` on its own host.\n"
            "2. Prometheus' target page shows the scrape's error: refused, timeout, 401, or a body that is "
            "too large.\n"
            "3. No target at all: look at the scrape configuration and its service discovery."
        ),
        mitigation=(
            "Start the process; its log says why it stopped. It brings back its state from the store, so a "
            "restart resolves and repeats no alert. With a timeout, raise `scrape_timeout` or "
            "shard the targets."
        ),
    ),
)

PROBE_STALE = Alert(
    name="IntegrationProbeStale",
    summary="Probes of an integration are overdue.",
    description=(
        "The next probe of {{ $labels.integration }} ({{ $labels.provider }})"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }} is "
        "{{ $value | humanizeDuration }} overdue."
    ),
    # A target that is taken away while its probe runs was due up to a minute ago: with a look-back of four
    # minutes it is never overdue for more than five.
    expr=f"time() - max by (integration, provider, tenant) (last_over_time({NEXT_RUN}[4m])) > 300",
    severities=(Severity.HIGH,),
    keep_firing="5m",
    cause="staleness",
    labels=COMPONENT,
    subject="staleness",
    every="1m",
    cases=cases.PROBE_STALE,
    runbook=Runbook(
        meaning="A probe was due more than five minutes ago and no replica has run it.",
        impact="The target's series show an old state: it may have failed or recovered since.",
        diagnosis=(
            "1. All targets or those of one provider? All: the exporter hangs, is out of CPU, or its clock "
            "jumped. One provider: its probes wait for one another; see the exporter's probe lag and "
            "`integration_exporter_probes_deferred_total`.\n"
            "2. Is Prometheus' own clock right?"
        ),
        mitigation=(
            "Restart an exporter that hangs and keep its log. For one provider, raise `interval` or the "
            "allowance, or shard the targets over several exporters."
        ),
    ),
)


RELOAD_FAILED = Alert(
    name="IntegrationConfigReloadFailed",
    summary="The exporter runs with an old configuration.",
    description="The last reload of the configuration of the job {{ $labels.job }} failed.",
    by=("job",),
    expr=f"min by (job) (last_over_time({RELOAD_SUCCESSFUL}[10m])) == 0",
    severities=(Severity.MEDIUM,),
    hold="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.RELOAD_FAILED,
    runbook=Runbook(
        meaning=(
            "The configuration was changed and has mistakes; at least one exporter goes on with the old one."
        ),
        impact="New tenants, thresholds and credentials are not in effect. A restart would not start at all.",
        diagnosis=(
            "`integration-exporter --config.check --config.file FILE` lists every mistake with "
            "file, line and "
            "remedy; so do the exporter's log and the answer of `POST /-/reload`."
        ),
        mitigation="Fix the listed mistakes and reload. The alert resolves after the next good reload.",
    ),
)

TENANTS_STALE = Alert(
    name="IntegrationTenantsStale",
    summary="The tenants of an integration are not those of their source.",
    description=(
        "For at least fifteen minutes the tenants of {{ $labels.integration }} could not be taken whole from "
        "their source (tenants.{{ $labels.source }}); the last good rows are in force."
    ),
    by=("integration", "source"),
    expr=f"min by (integration, source) (last_over_time({TENANTS_SUCCESSFUL}[10m])) == 0",
    severities=(Severity.MEDIUM,),
    hold="15m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.TENANTS_STALE,
    runbook=Runbook(
        meaning=(
            "`tenants.http` or `tenants.sql` gives no answer that can be used, or rows of its answer have "
            "mistakes, or most tenants are gone from it, or what it answers cannot be loaded. The rest of "
            "the tenants is probed as before; a tenant whose new row is wrong keeps its last good one."
        ),
        impact=(
            "New customers are not watched, changed credentials are not taken over, and customers who left "
            "are still probed. Without `cache`, a restart has none of these tenants while the source is away."
        ),
        diagnosis=(
            "1. The exporter's log says why, once for each change: `tenants cannot be refreshed` names the "
            "failure, `rows of tenants were refused` the row, the tenant and the mistake.\n"
            "2. `integration_exporter_tenants_refused_rows` above 0: the source answers, and its rows are "
            "wrong. 0: it is away, or answers something else.\n"
            "3. `integration_exporter_tenants_doubted` above 0: most tenants are gone from the answer, and "
            "stay in force until it lasted (`loss_after`, an hour) or the configuration is reloaded.\n"
            "4. `integration_exporter_tenants_last_refresh_timestamp_seconds` says when it last answered.\n"
            "5. `integration-exporter check --config.file FILE` asks the source again and names every "
            "mistake."
        ),
        mitigation=(
            "Bring the source back, or fix the rows that are named; the next refresh takes them, and "
            "`POST /-/reload` takes them at once, a loss of most tenants too. An answer without tenants is "
            "believed only with `allow_empty: true`."
        ),
    ),
)

WATCHDOG = Alert(
    name="Watchdog",
    summary="The alerting chain works.",
    description="This alert always fires. If it stops arriving, Prometheus or Alertmanager is broken.",
    by=(),
    # Without a severity, so that no route of a severity takes it: Alertmanager selects it by name.
    expr="vector(1)",
    labels=COMPONENT,
    cases=cases.WATCHDOG,
    runbook=Runbook(
        meaning=(
            "This alert fires all the time. It goes to `notifications.heartbeat`, an outside service that "
            "raises its own alarm when it stops."
        ),
        impact="None while it fires. When it stops, no other alert can be trusted to arrive.",
        diagnosis=(
            "When the outside service complains: is Prometheus up, does it evaluate rules, is it connected "
            "to Alertmanager, and can Alertmanager reach the outside service?"
        ),
        mitigation="Bring back the part of the chain that is broken. Never silence this alert.",
    ),
)

PLATFORM = (EXPORTER_DOWN, PROBE_STALE, RELOAD_FAILED, TENANTS_STALE, WATCHDOG)
