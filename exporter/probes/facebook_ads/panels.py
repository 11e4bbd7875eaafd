"""What a dashboard shows of ad accounts."""

from exporter.core.panel import Panel
from exporter.probes._panels import shown
from exporter.probes.facebook_ads import metrics as m

PANELS = (
    Panel(
        "Spent on ads",
        "Money spent since the advertiser last reset the count, in units of its currency.",
        shown(m.AMOUNT_SPENT, "currency"),
        legend="{{integration}} {{tenant}} {{currency}}",
    ),
    Panel(
        "Share of the spend cap",
        "At 100 % every ad of the account stops.",
        f"{shown(m.AMOUNT_SPENT, 'currency')} / {shown(m.SPEND_CAP, 'currency')}",
        unit="percentunit",
        legend="{{integration}} {{tenant}} {{currency}}",
    ),
    Panel(
        "Disabled ad accounts",
        "1 where the ad account is disabled, unsettled or closed.",
        shown(m.ACCOUNT_DISABLED),
        kind="stat",
    ),
    Panel(
        "Ad accounts at risk",
        "1 where the ad account is under review, waits for a payment or is about to close.",
        shown(m.ACCOUNT_AT_RISK),
        kind="stat",
    ),
    Panel(
        "Status of ad accounts",
        "What Meta tells of each ad account.",
        shown(m.ACCOUNT_INFO, "status", "disable_reason"),
        kind="table",
        legend="{{integration}} {{tenant}} {{status}}",
    ),
)
