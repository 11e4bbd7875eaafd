"""Do rate limits block more than they should?"""

from exporter.core.alert import Alert, Runbook
from exporter.core.metric import Scope
from exporter.core.severity import Severity
from exporter.core.threshold import ThresholdFamily
from exporter.events import _rate_limit_cases as cases
from exporter.events import _rate_limit_series as m
from exporter.events._shares import PLACE, Share

DASHBOARD = "integration-ratelimits"

BLOCKS = ThresholdFamily(
    "ratelimit_block_ratio",
    "Share of the requests that a policy judges and blocks, above which it blocks too many.",
    {Severity.MEDIUM: 0.2},
    unit="ratio",
    maximum=1.0,
    scope=Scope.TENANT,
)
LEAST = 100
"""Requests in ten minutes below which a share says nothing."""

_BY = ("tenant", "policy", "endpoint")
_BLOCKED = Share(m.REQUESTS, m.BLOCKS, _BY, "10m", LEAST)

BLOCKS_HIGH = Alert(
    name="IntegrationRateLimitBlocksHigh",
    summary="A rate limit blocks many requests.",
    description=(
        "{{ $labels.policy }} blocked {{ $value | humanizePercentage }} of the requests to "
        f"{{{{ $labels.endpoint }}}}{PLACE} within ten minutes."
    ),
    observed=_BLOCKED.expression,
    by=_BY,
    family=BLOCKS,
    records=_BLOCKED.records,
    every="1m",
    dashboard=DASHBOARD,
    cases=cases.BLOCKS_HIGH,
    runbook=Runbook(
        meaning=(
            "A policy blocked more than `ratelimit_block_ratio` of the requests to an endpoint within ten "
            f"minutes. It needs {LEAST} requests."
        ),
        impact="Either an attack is held off, as it should be, or customers are locked out.",
        diagnosis=(
            "1. Who is blocked? `integration-exporter list ratelimit-events` shows the identifiers that apps "
            "report, `integration-exporter ratelimits list` those that a policy of the exporter blocks, and "
            "`/api/v1/rate-limit-summary` at which endpoints. A few of them are an attack or one broken "
            "client; many are customers.\n"
            "2. Did traffic grow? See IntegrationTrafficSpike.\n"
            "3. Was the policy or the app changed lately?"
        ),
        mitigation=(
            "Block an attacker at the proxy, or by `integration-exporter ratelimits block`. "
            "Tell the owner of a broken client. Raise the limit of the "
            "policy where customers meet it in everyday use."
        ),
    ),
)

ALERTS = (BLOCKS_HIGH,)
