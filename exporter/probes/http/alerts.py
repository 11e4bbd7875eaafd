"""When an operator must look after what is extracted of an answer."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.severity import Severity
from exporter.probes.http import cases
from exporter.probes.http.extract import EXTRACTED, MOST_SERIES

NEAR = 0.8
"""Share of the most series of an extracted metric above which it is near its limit."""

EXTRACTED_NEAR_LIMIT = Alert(
    name="IntegrationExtractedSeriesNearLimit",
    summary="An extracted metric has nearly as many series as it may have.",
    description=(
        f"{{{{ $labels.name }}}} of {WHO} has {{{{ $value }}}} series; those beyond {MOST_SERIES} "
        "are left out."
    ),
    by=("integration", "provider", "tenant", "name"),
    expr=f"max by ({BY}, name) (last_over_time({EXTRACTED}[$lookback])) > {NEAR * MOST_SERIES:g}",
    severities=(Severity.MEDIUM,),
    dashboard="integration-http",
    cases=cases.EXTRACTED_NEAR_LIMIT,
    runbook=Runbook(
        meaning=(
            f"A metric of `extract` found more than {NEAR * MOST_SERIES:g} series in an answer. Only "
            f"{MOST_SERIES} are exported of each metric and target; what comes after them in the answer is "
            "left out, and the probe's log says so."
        ),
        impact="What is left out has no series: alerts and panels on it do not see it.",
        diagnosis=(
            "1. `integration-exporter probe NAME -v` shows the answer's values and what is left out.\n"
            "2. A label whose values never repeat, such as an id or a time? Or a list that simply grew?"
        ),
        mitigation=(
            "Extract what matters alone: narrow `each`, or take out the label. Several metrics with "
            "a part of "
            "the list each have a limit of their own."
        ),
    ),
)

ALERTS = (EXTRACTED_NEAR_LIMIT,)
