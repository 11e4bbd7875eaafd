"""What a dashboard shows of ad accounts."""

from exporter.core.metric import Metric
from exporter.core.panel import Panel
from exporter.probes.facebook_ads import metrics as m

_CHOSEN = 'integration=~"$integration",tenant=~"$tenant"'


def _shown(metric: Metric, *labels: str) -> str:
    kept = ", ".join(("integration", "tenant", *labels))
    return f"max by ({kept}) ({metric}{{{_CHOSEN}}})"


PANELS = (
    Panel(
        "Spent on ads",
        "Money spent since the advertiser last reset the count, in units of its currency.",
        _shown(m.AMOUNT_SPENT, "currency"),
        legend="{{integration}} {{tenant}} {{currency}}",
    ),
    Panel(
        "Share of the spend cap",
        "At 100 % every ad of the account stops.",
        f"{_shown(m.AMOUNT_SPENT, 'currency')} / {_shown(m.SPEND_CAP, 'currency')}",
        unit="percentunit",
        legend="{{integration}} {{tenant}} {{currency}}",
    ),
    Panel(
        "Disabled ad accounts",
        "1 where the ad account is disabled, unsettled or closed.",
        _shown(m.ACCOUNT_DISABLED),
        kind="stat",
    ),
    Panel(
        "Ad accounts at risk",
        "1 where the ad account is under review, waits for a payment or is about to close.",
        _shown(m.ACCOUNT_AT_RISK),
        kind="stat",
    ),
    Panel(
        "Status of ad accounts",
        "What Meta tells of each ad account.",
        _shown(m.ACCOUNT_INFO, "status", "disable_reason"),
        kind="table",
        legend="{{integration}} {{tenant}} {{status}}",
    ),
)
