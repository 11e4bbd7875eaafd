"""When failed payments gather: one family of decline codes, or one tenant, far above its usual share."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.probes.stripe import decline_cases as cases
from exporter.probes.stripe import metrics as m

FACTOR = ThresholdFamily(
    "decline_share_factor",
    "How many times its share of the week's failed payments a family of declines, or a tenant, has in the"
    " window, above which failures gather there.",
    {Severity.MEDIUM: 3},
    minimum=1,
)
LEAST = 10
"""Failed payments of the family or the tenant in the window, below which a share says nothing."""

HOURLY, SUBJECT = "1h", "stripe-declines"
PACE = "4m"
SINCE = "2h"
"""The week ends so long ago: the window of the readings (90 minutes) is no part of it."""

MOST = 1000
"""What the factor is cut at: a share of nothing before would be infinitely many times it."""

_FAMILY_BY = (*BY.split(", "), "family")
_FAMILY = ", ".join(_FAMILY_BY)
_WHOLE = "integration, provider"

_NOW = f"max by ({_FAMILY}) (last_over_time({m.DECLINES}[$lookback]))"
_NOW_OF_TENANT = f"sum by ({BY}) ({_NOW})"

# Once an hour: a week of it is then 168 samples, and what is compared are the few with enough failures.
DECLINED = f"integration_provider_tenant_family:{m.DECLINES}:hourly"
USUAL_OF_FAMILY = f"integration_provider_tenant_family:{m.DECLINES}:share_1w"
USUAL_OF_TENANT = f"integration_provider_tenant:{m.DECLINES}:share_1w"
# A record of an hour's pace is absent between two evaluations, but for five minutes.
_WEEK = f"avg_over_time({DECLINED}[1w] offset {SINCE})"
_RECORDED = "last_over_time({}[65m])"

GATHERED = Alert(
    name="IntegrationStripeDeclinesGathered",
    summary="Failed payments gather in one kind of decline.",
    description=(
        f"Declines of the family {{{{ $labels.family }}}} are {{{{ $value | humanize }}}} times their usual "
        f"share of the failed payments of {WHO}."
    ),
    observed=(
        "clamp_max(\n"
        f"  ({_NOW} >= {LEAST}) / on ({BY}) group_left () {_NOW_OF_TENANT}\n"
        f"/ on ({_FAMILY})\n  {_RECORDED.format(USUAL_OF_FAMILY)}, {MOST}\n)"
    ),
    by=_FAMILY_BY,
    family=FACTOR,
    records={
        DECLINED: _NOW,
        USUAL_OF_FAMILY: (
            f"max by ({_FAMILY}) (\n  {_WEEK}\n/ on ({BY}) group_left ()\n  (sum by ({BY}) ({_WEEK}) > 0)\n)"
        ),
    },
    every=PACE,
    record_every={DECLINED: HOURLY, USUAL_OF_FAMILY: HOURLY},
    subject=SUBJECT,
    dashboard="integration-payments",
    cases=cases.GATHERED,
    runbook=Runbook(
        meaning=(
            "In the window of the readings (90 minutes) a family of decline codes has at least "
            f"{LEAST} failed payments, and its share of all failed ones is more than "
            "`decline_share_factor` (3) times that of the week before."
        ),
        impact="Something particular keeps customers from paying; more of them meet it while it lasts.",
        diagnosis=(
            "1. The family says where: `processing` Stripe or an issuer, `authentication` the 3-D Secure "
            "step, `card_data` a form that sends wrong data, `fraud` and `velocity` an attack, `funds` and "
            "`issuer` the customers.\n"
            "2. In the Dashboard, Payments, failed: one card brand, country, amount or product?\n"
            "3. Was the checkout released lately?"
        ),
        mitigation=(
            "Roll the checkout back for `authentication` and `card_data`. For `fraud` and `velocity` "
            "limit the "
            "rate of the checkout, add a captcha and tighten the rules of Radar. For the rest follow "
            "Stripe's "
            "status page."
        ),
    ),
)

TENANT_GATHERED = Alert(
    name="IntegrationStripeDeclinesOfTenant",
    summary="Failed payments gather at one tenant.",
    description=(
        "{{ $labels.tenant }} has {{ $value | humanize }} times its usual share of the failed payments of "
        "{{ $labels.integration }} ({{ $labels.provider }})."
    ),
    observed=(
        "clamp_max(\n"
        f"  ({_NOW_OF_TENANT} >= {LEAST}) / on ({_WHOLE}) group_left () sum by ({_WHOLE}) ({_NOW})\n"
        f"/ on ({BY})\n  {_RECORDED.format(USUAL_OF_TENANT)}, {MOST}\n)"
    ),
    family=FACTOR,
    # Another record than that of families, which the same thresholds are compared with.
    suspects=f"integration_provider_tenant:{FACTOR.metric}:beyond_of_tenant",
    records={
        DECLINED: _NOW,
        USUAL_OF_TENANT: (
            f"max by ({BY}) (\n  sum by ({BY}) ({_WEEK})\n"
            f"/ on ({_WHOLE}) group_left ()\n  (sum by ({_WHOLE}) ({_WEEK}) > 0)\n)"
        ),
    },
    every=PACE,
    record_every={DECLINED: HOURLY, USUAL_OF_TENANT: HOURLY},
    subject=SUBJECT,
    dashboard="integration-payments",
    cases=cases.TENANT_GATHERED,
    runbook=Runbook(
        meaning=(
            f"In the window of the readings (90 minutes) the tenant has at least {LEAST} failed "
            "payments, and "
            "its share of the failed ones of all tenants is more than `decline_share_factor` (3) "
            "times that of "
            "the week before. An integration with one tenant never has this alert."
        ),
        impact="The tenant's customers cannot pay, or somebody tries stolen cards at the tenant's shop.",
        diagnosis=(
            "1. `integration_stripe_declines_window` of the tenant by `family`: `fraud`, `velocity` and "
            "`card_data` together are card testing.\n"
            "2. Did the tenant start a campaign, or change prices, products or the checkout?\n"
            "3. Is the account restricted? See IntegrationStripeAccountRestricted."
        ),
        mitigation=(
            "Against card testing add a captcha to the tenant's checkout and rules to Radar. Else tell the "
            "tenant what their customers meet."
        ),
    ),
)

DECLINE_ALERTS = (GATHERED, TENANT_GATHERED)
