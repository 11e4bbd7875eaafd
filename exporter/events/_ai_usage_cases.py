"""Cases of the alerts on calls to AI services."""

from exporter.alerts.cases.series import target
from exporter.events import _ai_usage_series as m
from exporter.events._share_cases import ShareCases

_LABELS = {**target("images", "fal"), "endpoint": "fal-ai/flux"}

AI_CALLS_FAIL = ShareCases((m.REQUESTS, m.FAILURES), _LABELS, {}, {"reason": "timeout"}, 15, 50).cases(
    {"medium": 0.05, "high": 0.1}
)
