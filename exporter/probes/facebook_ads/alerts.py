"""When an operator must look after an ad account. The spend cap is a quota, with the alert of all quotas."""

from exporter.core.alert import BY, WHO, Alert, Runbook
from exporter.core.metric import Metric
from exporter.core.severity import Severity
from exporter.probes._meta_graph.alerts import scope_alert, version_alert
from exporter.probes.facebook_ads import cases
from exporter.probes.facebook_ads import metrics as m


def _worst(metric: Metric) -> str:
    return f"max by ({BY}) (last_over_time({metric}[$lookback]))"


DISABLED = Alert(
    name="IntegrationFacebookAdsAccountDisabled",
    summary="An ad account is disabled, unsettled or closed.",
    description=f"The ad account of {WHO} runs no ads any more.",
    expr=f"{_worst(m.ACCOUNT_DISABLED)} > 0",
    severities=(Severity.CRITICAL,),
    dashboard="integration-facebook_ads",
    cases=cases.DISABLED,
    runbook=Runbook(
        meaning=(
            "The status of the ad account is `DISABLED`, `UNSETTLED` or `CLOSED`. It is read at each probe."
        ),
        impact="No ad of the account runs, and most changes to its campaigns are refused.",
        diagnosis=(
            f"1. `{m.ACCOUNT_INFO}` shows the status and why: `risk_payment` and `unsettled` are a failed "
            "payment, `ads_integrity_policy` is the content of ads, `permanent_close` is final.\n"
            "2. Account quality in Meta Business Suite names the ads and the policy."
        ),
        mitigation=(
            "For a payment, the account's owner settles the balance and checks the payment method. For a "
            "policy, remove the ads and ask for a review in Account quality. A closed account is opened "
            "again by its administrator, if at all."
        ),
    ),
)

AT_RISK = Alert(
    name="IntegrationFacebookAdsAccountAtRisk",
    summary="An ad account may soon stop running ads.",
    description=f"The ad account of {WHO} is under review, waits for a payment or is about to close.",
    expr=f"{_worst(m.ACCOUNT_AT_RISK)} > 0",
    severities=(Severity.MEDIUM,),
    dashboard="integration-facebook_ads",
    cases=cases.AT_RISK,
    runbook=Runbook(
        meaning=(
            "The status of the ad account is `PENDING_RISK_REVIEW`, `PENDING_SETTLEMENT`, `IN_GRACE_PERIOD` "
            "or `PENDING_CLOSURE`. It is read at each probe."
        ),
        impact="Ads run for now, or only some of them. When the period ends the account is disabled.",
        diagnosis=(
            f"1. `{m.ACCOUNT_INFO}` shows the status.\n"
            f"2. `{m.BALANCE}`: how much is due? The billing page shows which payment failed."
        ),
        mitigation=(
            "The account's owner settles what is due or answers the review in Meta Business Suite. A closure "
            "that nobody wants is called off by an administrator of the account."
        ),
    ),
)

ALERTS = (
    DISABLED,
    AT_RISK,
    scope_alert(
        "IntegrationFacebookAds",
        m.OWN,
        "Without `ads_read` or `ads_management` neither ads nor their results can be read with this token.",
    ),
    version_alert(
        "IntegrationFacebookAds",
        m.OWN,
        "Versions of the Marketing API live for a few months only. Calls for one that is gone are served by "
        "the next one where nothing changed, and refused with error 2635 where something did.",
    ),
)
