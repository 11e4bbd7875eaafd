"""When an operator must look at what a vendor says of itself."""

from exporter.core.alert import BY, Alert, Runbook
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.statuspage import cases
from exporter.probes.statuspage import metrics as m

_WHO = "{{ $labels.integration }}{{ if $labels.tenant }} of tenant {{ $labels.tenant }}{{ end }}"

COMPONENT_LEVEL = ThresholdFamily(
    "statuspage_component_level",
    "Status of a component on a vendor's page from which it counts as down: 2 degraded, 3 partial, 4 major"
    " outage.",
    {Severity.MEDIUM: 3, Severity.HIGH: 4},
    minimum=1,
    maximum=4,
)


def _worst(metric: Metric, matchers: str = "") -> str:
    return f"max by ({BY}) (last_over_time({metric}{matchers}[$lookback]))"


def _open(impact: str) -> str:
    return _worst(m.INCIDENTS, f'{{impact="{impact}"}}') + " > 0"


COMPONENT_DOWN = Alert(
    name="IntegrationStatuspageComponentDown",
    summary="A vendor reports an outage on its status page.",
    description=(
        f"The worst component on the page {_WHO} is in "
        "{{ if ge $value 4.0 }}a major outage{{ else if ge $value 3.0 }}a partial outage"
        "{{ else }}a degraded state{{ end }}."
    ),
    observed=_worst(m.COMPONENT),
    op=">=",
    family=COMPONENT_LEVEL,
    dashboard="integration-statuspage",
    cases=cases.COMPONENT_DOWN,
    runbook=Runbook(
        meaning=(
            "On the vendor's own status page at least one of the components that are watched has the status "
            "partial outage (medium) or major outage (high). The threshold `statuspage_component_level` can "
            "be set to 2 to hear of degraded performance too. It is read every two minutes."
        ),
        impact=(
            "What depends on that component may fail. The tenants' credentials are not the cause, so "
            "renewing them does not help."
        ),
        diagnosis=(
            "1. `integration_statuspage_component_status` names the component; the page has the story.\n"
            "2. Do the vendor's own integrations fail too, and with which reasons? `vendor_error`, "
            "`timeout` and `connect` fit; `auth` does not.\n"
            "3. Nothing fails: then the component is one that we do not use, see Mitigation."
        ),
        mitigation=(
            "Wait for the vendor, tell the tenants, and switch to a second vendor where there is one. List "
            "the components that matter to us in the option `components`, so that others stay quiet."
        ),
    ),
)

INCIDENT = Alert(
    name="IntegrationStatuspageIncident",
    summary="A vendor works on an incident.",
    description=f"Unresolved incidents of this impact on the page {_WHO}: {{{{ $value }}}}.",
    exprs={
        Severity.HIGH: _open("critical"),
        Severity.MEDIUM: _open("major"),
        Severity.LOW: _open("minor"),
    },
    dashboard="integration-statuspage",
    cases=cases.INCIDENT,
    runbook=Runbook(
        meaning=(
            "The vendor has an unresolved incident on its status page: of critical impact (high), major "
            "(medium) or minor (low). Where the option `components` is set, incidents that name only other "
            "components do not count. An incident may be open while every component is operational."
        ),
        impact="Calls to the vendor may fail, be slow or be answered late until it is resolved.",
        diagnosis=(
            "1. Read the incident on the page: which service, which region, since when?\n"
            "2. Compare with our own probes and calls of that vendor."
        ),
        mitigation=(
            "Tell the tenants who are concerned, and hold back work that can wait. It resolves by itself "
            "when the vendor closes the incident."
        ),
    ),
)

COMPONENT_MISSING = Alert(
    name="IntegrationStatuspageComponentMissing",
    summary="A component that we watch is no longer on the vendor's page.",
    description=f"{{{{ $value }}}} of the components chosen for {_WHO} are not on the page.",
    expr=f"{_worst(m.COMPONENTS_MISSING)} > 0",
    severities=(Severity.LOW,),
    dashboard="integration-statuspage",
    cases=cases.COMPONENT_MISSING,
    runbook=Runbook(
        meaning=(
            "An entry of the option `components` fits no component of the page, neither by name nor by id: "
            "the vendor renamed or removed it, moved its page, or the entry has a typing mistake."
        ),
        impact="An outage of that component would not be noticed here.",
        diagnosis="Compare the option with the names on the page, or with `components` of `summary.json`.",
        mitigation="Correct the option. Ids outlive renaming, so prefer them to names.",
    ),
)

ALERTS = (COMPONENT_DOWN, INCIDENT, COMPONENT_MISSING)
