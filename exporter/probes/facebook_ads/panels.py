"""What a dashboard shows of ad accounts."""

from exporter.core.panel import Panel, Tone
from exporter.probes._panels import panel_query
from exporter.probes.facebook_ads import metrics as m

PANELS = (
    Panel(
        "Spent on ads",
        "Money spent since the advertiser last reset the count, in units of its currency.",
        panel_query(m.AMOUNT_SPENT, "currency"),
        legend="{{integration}} {{tenant}} {{currency}}",
    ),
    Panel(
        "Share of the spend cap",
        "At 100 % every ad of the account stops.",
        f"{panel_query(m.AMOUNT_SPENT, 'currency')} / {panel_query(m.SPEND_CAP, 'currency')}",
        unit="percentunit",
        legend="{{integration}} {{tenant}} {{currency}}",
    ),
    Panel(
        "Disabled ad accounts",
        "Whether the ad account is disabled, unsettled or closed, so that no ad runs.",
        panel_query(m.ACCOUNT_DISABLED),
        kind="states",
        words={0: ("Enabled", Tone.GOOD), 1: ("Disabled", Tone.BAD)},
    ),
    Panel(
        "Ad accounts at risk",
        "Whether the ad account is under review, waits for a payment or is about to close.",
        panel_query(m.ACCOUNT_AT_RISK),
        kind="states",
        words={0: ("Fine", Tone.GOOD), 1: ("At risk", Tone.WARNING)},
    ),
    Panel(
        "Status of ad accounts",
        "What Meta reports of each ad account.",
        panel_query(m.ACCOUNT_INFO, "status", "disable_reason"),
        kind="table",
        legend="{{integration}} {{tenant}} {{status}}",
    ),
)
