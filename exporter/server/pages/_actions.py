"""What people do on the page: each is one request to the API, declared here and carried by one script."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.core.defaults import RATE_LIMIT_WINDOWS
from exporter.core.delivery import REASONS
from exporter.core.severity import Severity
from exporter.server.pages._texts import TEXTS, fill
from exporter.server.pages._words import word


@dataclass(frozen=True)
class ActionField:
    """What a person fills in before it is done: a key of the body; left empty it is not sent.

    `kind` is `text`, `area`, `names` (a list, apart by spaces) or `select`, which offers `options`, those
    in `labels` by these words. What the button itself has under that key stands there at first.
    """

    name: str
    kind: str = "text"
    required: bool = False
    options: tuple[str, ...] = ()
    value: str = ""
    longest: int = 300
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PageAction:
    """One request: `path` is a route, whose parameter the button fills in; `body` is what is always sent.

    Its words are in `texts.toml` below `actions`. `dangerous` ones are confirmed by a button that warns.
    """

    name: str
    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[ActionField, ...] = ()
    dangerous: bool = False


_NOTE = ActionField("note", "area", longest=2000)
_SEVERITIES = tuple(severity.value for severity in Severity)
_WAITS = {
    severity.value: fill(
        TEXTS["fields"]["waits"], severity=word(severity, "severity"), wait=severity.group_wait
    )
    for severity in Severity
}
"""Until when nothing has gone wrong: who is not told so takes the test of the lowest one for lost."""
_ENDPOINT = "/api/v1/endpoints/{name}"
_ALERT = "/api/v1/alerts/{id}"
_BLOCKS = "/api/v1/ratelimits/blocks"
_RETRY = "/api/v1/deliveries/retry"
_WHY = ActionField("reason", required=True, longest=500)

ACTIONS = (
    PageAction("check", "POST", "/api/v1/checks"),
    PageAction("check_all", "POST", "/api/v1/checks"),
    PageAction("refresh", "POST", "/api/v1/tokens/refresh"),
    PageAction(
        "refresh_soon",
        "POST",
        "/api/v1/tokens/refresh",
        fields=(ActionField("expiring", required=True, value="24h", longest=20),),
    ),
    PageAction("retry", "POST", _RETRY),
    PageAction("retry_all", "POST", _RETRY, {"all": True}),
    PageAction(
        "retry_some",
        "POST",
        _RETRY,
        fields=(
            ActionField("endpoint"),
            ActionField("type"),
            ActionField("reason", "select", options=REASONS),
            ActionField("tenant"),
        ),
    ),
    PageAction("pause", "PATCH", _ENDPOINT, {"state": "paused"}),
    PageAction("activate", "PATCH", _ENDPOINT, {"state": "active"}),
    PageAction("disable", "PATCH", _ENDPOINT, {"state": "disabled"}, dangerous=True),
    PageAction("ping", "POST", f"{_ENDPOINT}/ping"),
    PageAction(
        "acknowledge",
        "PATCH",
        _ALERT,
        {"action": "acknowledge"},
        (ActionField("for", "select", options=("30m", "1h", "4h", "12h", "1d", "3d"), value="4h"), _NOTE),
    ),
    PageAction(
        "assign", "PATCH", _ALERT, {"action": "assign"}, (ActionField("assignee", longest=120), _NOTE)
    ),
    PageAction("resolve", "PATCH", _ALERT, {"action": "resolve"}, (_NOTE,)),
    PageAction(
        "fire",
        "POST",
        "/api/v1/alerts",
        fields=(
            ActionField("service", required=True, longest=120),
            ActionField("severity", "select", required=True, options=_SEVERITIES, value="high"),
            ActionField("message", required=True, longest=500),
            ActionField("details", "area", longest=4000),
            ActionField("tenant", longest=120),
        ),
    ),
    PageAction(
        "test",
        "POST",
        "/api/v1/alerts/test",
        fields=(ActionField("severity", "select", options=_SEVERITIES, value="low", labels=_WAITS),),
    ),
    PageAction(
        "maintain",
        "POST",
        "/api/v1/maintenance",
        fields=(
            ActionField("integrations", "names"),
            ActionField("tenants", "names"),
            ActionField("alerts", "names"),
            ActionField(
                "for", "select", required=True, options=("30m", "1h", "2h", "4h", "8h", "1d"), value="1h"
            ),
            ActionField("comment", longest=500),
        ),
    ),
    PageAction("end_maintenance", "DELETE", "/api/v1/maintenance/{id}"),
    PageAction(
        "review",
        "POST",
        "/api/v1/audit/{id}/review",
        fields=(ActionField("note", "area", True, longest=2000),),
    ),
    PageAction(
        "block",
        "POST",
        _BLOCKS,
        fields=(
            ActionField("identifier", required=True),
            ActionField("policy", value="*", required=True),
            ActionField("for", "select", options=tuple(RATE_LIMIT_WINDOWS), value="1h"),
            ActionField("tenant", longest=120),
            _WHY,
        ),
        dangerous=True,
    ),
    PageAction("unblock", "DELETE", _BLOCKS, fields=(_WHY,)),
)
