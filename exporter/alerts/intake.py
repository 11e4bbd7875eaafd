"""Does everything that apps report become a series?"""

from exporter.alerts.cases import intake as cases
from exporter.alerts.process import COMPONENT
from exporter.core.alert import Alert, Runbook
from exporter.core.counting import risen
from exporter.core.severity import Severity
from exporter.core.webhook_metrics import SERIES_DROPPED

_DROPPED = f'{SERIES_DROPPED}{{job="$job"}}'

EVENT_SERIES_DROPPED = Alert(
    name="IntegrationEventSeriesDropped",
    summary="A metric of events has more series than it may have.",
    description=(
        "The exporter at {{ $labels.instance }} does not count {{ $value | humanize }} values of "
        "{{ $labels.metric }} within 15 minutes: the metric has as many series as it may have."
    ),
    by=("job", "instance", "metric"),
    # A burst may fill a metric before it is scraped once.
    expr=f"sum by (job, instance, metric) ({risen(_DROPPED, '15m')}) > 0",
    severities=(Severity.MEDIUM,),
    labels=COMPONENT,
    dashboard="integration-exporter",
    cases=cases.EVENT_SERIES_DROPPED,
    runbook=Runbook(
        meaning=(
            "Events, or webhooks, would have made a new series of a metric that has `events.series_limit` of "
            f"them already (10,000 by default). They were stored and listed as ever; `{SERIES_DROPPED}` "
            "counts what is missing in the metric."
        ),
        impact=(
            "What is new shows in no series: a new tenant, route or release is not watched. What was there "
            "before is counted on. Memory and scrapes stay bounded."
        ),
        diagnosis=(
            "1. Which label has so many values? `count by (route) (METRIC)` for each label of the metric in "
            "`metric`.\n"
            "2. An attack, or a mistake of an app: values that differ with each event, such as ids in "
            "`tenant`, or tenants that nobody has.\n"
            "3. Or growth: as many tenants, times routes, times methods, as there really are."
        ),
        mitigation=(
            "List the values under `events.allow`: all others become `other`. Bind the tokens of apps to "
            "their tenants. Where the series are wanted, raise `events.series_limit` and reload. A restart "
            "of the exporter forgets the series of events, and with them those that were made on purpose."
        ),
    ),
)

INTAKE = (EVENT_SERIES_DROPPED,)
