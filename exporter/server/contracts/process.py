"""The process itself: metrics, health, configuration, probes, live changes, and this description."""

from typing import Any

from exporter.server.contracts._contract import (
    TENANT,
    CallExample,
    Contract,
    QueryParameter,
    choice,
)

_TEXT = ("text/plain",)
_PAGE = ("text/html",)
_METRICS = ("text/plain", "application/openmetrics-text")

CONTRACTS = {
    ("GET", "/metrics"): Contract({200: str}, media=_METRICS, examples=(CallExample("As Prometheus asks"),)),
    ("GET", "/probe"): Contract(
        {200: str},
        (
            QueryParameter("target", "INTEGRATION or INTEGRATION/TENANT.", required=True),
            TENANT,
            choice("debug", ("true", "false", "1", "0"), "Explain each step.", "false"),
        ),
        media=_TEXT,
        errors=(404, 504),
        examples=(
            CallExample("One target, explained", query={"target": "payments/acme", "debug": "true"}),
            CallExample("No configured target", 404, query={"target": "example.com"}),
        ),
    ),
    ("GET", "/-/healthy"): Contract({200: str}, media=_TEXT, examples=(CallExample("Whether it answers"),)),
    ("GET", "/-/ready"): Contract({200: str}, media=_TEXT, examples=(CallExample("Whether it is ready"),)),
    ("POST", "/-/reload"): Contract(
        {200: str}, media=_TEXT, errors=(500,), examples=(CallExample("Reload"),)
    ),
    ("PUT", "/-/reload"): Contract({200: str}, media=_TEXT, errors=(500,), examples=(CallExample("Reload"),)),
    ("GET", "/config"): Contract({200: str}, media=("text/yaml",), examples=(CallExample("With stars"),)),
    ("GET", "/runbooks/{name}"): Contract(
        {200: str},
        media=_PAGE,
        errors=(404,),
        examples=(CallExample("What to do", path={"name": "IntegrationDown"}),),
    ),
    ("GET", "/assets/{name}"): Contract(
        {200: str},
        media=("text/css", "text/javascript", "image/svg+xml"),
        errors=(404,),
        examples=(CallExample("The style", path={"name": "page.css"}),),
    ),
    ("POST", "/sign-in"): Contract(
        {303: None},
        body=Any,
        takes=("application/x-www-form-urlencoded",),
        errors=(404,),
        examples=(CallExample("Where access is configured", 404, body={"token": "x"}),),
    ),
    ("POST", "/sign-out"): Contract(
        {303: None}, errors=(404,), examples=(CallExample("Where access is configured", 404),)
    ),
    ("GET", "/api/v1/stream"): Contract(
        {200: str}, media=("text/event-stream",), examples=(CallExample("What changes"),)
    ),
    ("GET", "/api/v1/openapi.json"): Contract(
        {200: dict[str, Any]}, examples=(CallExample("This description"),)
    ),
}

PAGE = Contract({200: str}, media=_PAGE)
"""A tab of the page."""
