"""Does Alertmanager answer the exporter, which escalates, acknowledges and silences by it?"""

from exporter.alerts.cases import alertmanager as cases
from exporter.alerts.platform import COMPONENT
from exporter.core.alert import Alert, Runbook
from exporter.core.escalation import ALERTMANAGER_UP
from exporter.core.severity import Severity

_UP = f'max_over_time({ALERTMANAGER_UP}{{job="$job"}}[10m])'

UNREACHABLE = Alert(
    name="IntegrationAlertmanagerUnreachable",
    summary="The exporter cannot ask Alertmanager: nothing is escalated.",
    description="Alertmanager has not answered the exporter at {{ $labels.instance }} for ten minutes.",
    by=("job", "instance"),
    expr=f"max by (job, instance) ({_UP}) == 0",
    severities=(Severity.HIGH,),
    hold="5m",
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.UNREACHABLE,
    runbook=Runbook(
        meaning=(
            "For a quarter of an hour Alertmanager answered none of the questions of the exporter, or "
            "refused them. It is another way than that of Prometheus, which brings this alert."
        ),
        impact=(
            "Alerts reach their receivers as before. But what nobody acknowledges is not escalated, "
            "maintenance windows that begin now silence nothing, and nobody can acknowledge by the exporter."
        ),
        diagnosis=(
            "1. The exporter's log says once how Alertmanager failed: refused, timeout, a certificate, 401.\n"
            "2. Does the address fit? It is `notifications.alertmanager.url`, else `generate.alertmanager`.\n"
            "3. `curl URL/api/v2/status` on the exporter's machine.\n"
            "4. `integration-exporter doctor` asks it too."
        ),
        mitigation=(
            "Open the way, or correct address and credentials and reload. Nothing is lost meanwhile: the "
            "next look escalates what has waited, and silences windows that are open."
        ),
    ),
)

ANSWERS = (UNREACHABLE,)
