"""Cases of the alerts on requests."""

from exporter.alerts.cases.series import target, text
from exporter.core.alert import Case
from exporter.events import _api_request_series as m
from exporter.events._share_cases import ShareCases

_PAIR = (m.REQUESTS, m.FAILURES)
_STEPS = {"medium": 0.05, "high": 0.1}
_CALL = {"route": "/v1/charges", "method": "POST"}
_NONE = {"integration": "", "provider": ""}
_ENDPOINT = {"tenant": "acme", "route": "/orders/{id}", "method": "GET"}

CALLS_FAIL = (
    *ShareCases(_PAIR, target(), _CALL, {**_CALL, "reason": "client"}, 15, 50).cases(_STEPS),
    Case(
        "quiet",
        {
            text(m.REQUESTS, **_NONE, **_ENDPOINT): "0+100x60",
            text(m.FAILURES, **_NONE, **_ENDPOINT, reason="server"): "0+100x60",
        },
        "20m",
        says="requests that the app answered are no calls",
    ),
)

ENDPOINT_FAILS = (
    *ShareCases(_PAIR, _ENDPOINT, _NONE, {**_NONE, "reason": "server"}, 10, 50).cases(_STEPS),
    Case(
        "quiet",
        {
            text(m.REQUESTS, **_NONE, **_ENDPOINT): "0+100x60",
            text(m.FAILURES, **_NONE, **_ENDPOINT, reason="client"): "0+100x60",
        },
        "20m",
        says="wrong requests are the client's fault",
    ),
)

_ROUTE = {"route": "/orders/{id}", "method": "GET"}


def _took(requests: float, slow: float, **more: str) -> dict[str, str]:
    """Return requests of a minute, of which so many take between 5 and 10 seconds."""
    counts = {"1.0": requests - slow, "5.0": requests - slow, "10.0": requests, "+Inf": requests}
    own = {**_NONE, **_ROUTE, **more}
    return {
        text(f"{m.DURATION}_bucket", **own, le=bound): f"0+{count:g}x60" for bound, count in counts.items()
    } | {text(m.REQUESTS, tenant="acme", **own): f"0+{requests:g}x60"}


ENDPOINT_SLOW = (
    Case("fires", _took(100, 10), "20m", (_ROUTE,)),
    Case(
        "fires",
        _took(3, 1, instance="a") | _took(3, 1, instance="b"),
        "20m",
        (_ROUTE,),
        says="two processes add up, each with too few",
    ),
    Case("quiet", _took(100, 0), "20m"),
    Case("boundary", _took(100, 4), "20m", says="four of a hundred are not the 95th percentile"),
    Case("boundary", _took(4, 4), "20m", says="too few to say anything"),
    Case("missing", {text(m.REQUESTS, tenant="acme", **_NONE, **_ROUTE): "0+100x60"}, "20m"),
)
