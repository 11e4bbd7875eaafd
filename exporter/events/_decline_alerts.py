"""When payments that apps report fail in one place: a family of decline codes, or a tenant."""

from exporter.core.alert import Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _decline_cases as cases
from exporter.events import _payment_series as m
from exporter.events._gathering import Gathering
from exporter.events._shares import record, rise

DASHBOARD = "integration-payments"

FACTOR = ThresholdFamily(
    "reported_decline_share_factor",
    "How many times its share of the week's failed payments a family of declines, or a tenant, has in an"
    " hour, above which failures gather there.",
    {Severity.MEDIUM: 3},
    minimum=1,
    scope=Scope.TENANT,
)
SUBJECT = "reported-declines"

_TARGET = Scope.TARGET.value
_OF_FAMILY = Gathering(m.DECLINES, _TARGET, (*_TARGET, "family"))
RISE_PACE = "2m"
RISE = record(m.DECLINES, (*Scope.INTEGRATION.value, "family"), "rise")
"""The record of how many declines came since the one before it: those of bars, which are of all tenants."""
_OF_TENANT = Gathering(m.FAILURES, Scope.INTEGRATION.value, _TARGET, newcomers=False)

GATHERED = Alert(
    name="IntegrationPaymentDeclinesGathered",
    summary="Failed payments gather in one kind of decline.",
    description=(
        "Declines of the family {{ $labels.family }} are {{ $value | humanize }} times their usual share of "
        "the declined payments{{ if $labels.integration }} by {{ $labels.integration }}{{ end }}"
        "{{ if $labels.tenant }} for tenant {{ $labels.tenant }}{{ end }}."
    ),
    observed=_OF_FAMILY.expression,
    by=_OF_FAMILY.by,
    family=FACTOR,
    records={**_OF_FAMILY.records, RISE: rise(m.DECLINES, (*Scope.INTEGRATION.value, "family"), RISE_PACE)},
    every=_OF_FAMILY.pace,
    record_every={**_OF_FAMILY.record_every, RISE: RISE_PACE},
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.GATHERED,
    runbook=Runbook(
        meaning=(
            "Within an hour a family of decline codes has at least 10 payments that apps reported as "
            "declined, and its share of all of them is more than `reported_decline_share_factor` (3) times "
            "that of the week before. Without a day of the past it stays quiet."
        ),
        impact="Something particular keeps customers from paying; more of them meet it while it lasts.",
        diagnosis=(
            "1. The family says where: `processing` the vendor or an issuer, `authentication` the 3-D Secure "
            "step, `card_data` a form that sends wrong data, `fraud` and `velocity` an attack, `funds` and "
            "`issuer` the customers.\n"
            "2. `integration-exporter list payments` shows the codes: one amount, currency or provider?\n"
            "3. Was the checkout released lately?"
        ),
        mitigation=(
            "Roll the checkout back for `authentication` and `card_data`. For `fraud` and `velocity` limit "
            "the rate of the checkout and add a captcha. For the rest follow the vendor's status page."
        ),
    ),
)

TENANT_GATHERED = Alert(
    name="IntegrationPaymentDeclinesOfTenant",
    summary="Failed payments gather at one tenant.",
    description=(
        "{{ $labels.tenant }} has {{ $value | humanize }} times its usual share of the failed payments"
        "{{ if $labels.integration }} by {{ $labels.integration }}{{ end }}."
    ),
    observed=_OF_TENANT.expression,
    by=_OF_TENANT.by,
    family=FACTOR,
    records=_OF_TENANT.records,
    every=_OF_TENANT.pace,
    record_every=_OF_TENANT.record_every,
    subject=SUBJECT,
    dashboard=DASHBOARD,
    cases=cases.TENANT_GATHERED,
    runbook=Runbook(
        meaning=(
            "Within an hour a tenant has at least 10 failed payments, and its share of those of all tenants "
            "is more than `reported_decline_share_factor` (3) times that of the week before. A tenant that "
            "is new, or the only one, never has this alert."
        ),
        impact="The tenant's customers cannot pay, or somebody tries stolen cards at the tenant's shop.",
        diagnosis=(
            "1. `sum by (family) (increase(integration_payment_declines_total[1h]))` of the tenant: `fraud`, "
            "`velocity` and `card_data` together are card testing.\n"
            "2. Did the tenant start a campaign, or change prices, products or the checkout?\n"
            "3. Does the tenant simply sell more? Compare `integration_payments_total`."
        ),
        mitigation=(
            "Against card testing add a captcha to the tenant's checkout and tighten the vendor's fraud "
            "rules. Else tell the tenant what their customers meet."
        ),
    ),
)

DECLINE_ALERTS = (GATHERED, TENANT_GATHERED)
