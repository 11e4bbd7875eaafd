"""Cases of the alerts on rate limits of apps."""

from exporter.events import _rate_limit_series as m
from exporter.events._share_cases import ShareCases

_LABELS = {"tenant": "acme", "policy": "api", "endpoint": "/api/orders"}

BLOCKS_HIGH = ShareCases((m.REQUESTS, m.BLOCKS), _LABELS, {}, {}, 10, 100).cases({"medium": 0.2})
