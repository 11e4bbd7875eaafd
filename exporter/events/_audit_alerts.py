"""Is there something in the audit that a person must look at?"""

from exporter.core.alert import Alert, Runbook
from exporter.core.severity import Severity
from exporter.events import _audit_cases as cases
from exporter.events import _audit_series as m

DASHBOARD = "integration-security"

HIGH_FROM = 80
"""The risk score from which on a flagged entry is urgent."""

FLAGGED = Alert(
    name="IntegrationAuditEventFlagged",
    summary="A flagged entry of the audit waits for a review.",
    summaries={Severity.HIGH: "A dangerous entry of the audit waits for a review."},
    description=(
        "Flagged entries of the audit"
        "{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }} wait for "
        'a review: {{ if eq $labels.severity "high" }}the highest risk score is {{ $value }}'
        "{{ else }}{{ $value }} of them{{ end }}."
    ),
    exprs={
        Severity.HIGH: f"max by (tenant) (last_over_time({m.HIGHEST_RISK}[10m])) >= {HIGH_FROM}",
        Severity.MEDIUM: f"max by (tenant) (last_over_time({m.UNREVIEWED}[10m])) > 0",
    },
    by=("tenant",),
    dashboard=DASHBOARD,
    cases=cases.FLAGGED,
    runbook=Runbook(
        meaning=(
            "An entry of the audit has a risk score of `events.audit.flag_at` or more (60 unless configured) "
            f"and nobody has reviewed it. High: the score is {HIGH_FROM} or more, as those of most patterns "
            "are. The rules are in docs/reference/audit-rules.md."
        ),
        impact=(
            "Somebody may be in an account that is not theirs, may give themselves rights, or takes data "
            "away. Until the review the alert fires, and the entry outlives its retention."
        ),
        diagnosis=(
            "1. `integration-exporter audit list --open` shows who did what, from where, with score and "
            "pattern.\n"
            "2. `integration-exporter audit list --actor NAME --since 7d` shows what else the actor did; "
            "`--address ADDRESS` what else came from there.\n"
            "3. `integration_audit_flags_total` by `pattern`: one event, or an attack that goes on?\n"
            "4. Ask the person whether it was them, by another way than the account."
        ),
        mitigation=(
            "For an attack: block the address, end the sessions of the accounts, revoke their tokens, take "
            "back what was granted. Then write down what it was: "
            '`integration-exporter audit review ID --note "..."`. The alert ends with the last review.'
        ),
    ),
)

ALERTS = (FLAGGED,)
