"""Simulates the public status page of a vendor.

Written from confluence.status.atlassian.com/api (version 2), the description of the same format at
mongodb.com/docs/api/doc/cloud-status, and what pages of incident.io leave out of it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.sandbox.vendor import Call, Endpoint, Reply, Vendor

CHOSEN = ("API", "cmp-sms", "Console")
HOUR = 3600

SCENARIOS = {
    "major_outage": "The API is in a major outage, with a critical incident.",
    "degraded": "SMS performs badly, with a minor incident.",
    "quiet_incident": "A major incident is open while every component and the indicator look well.",
    "others_incident": "An incident is open that names only a component nobody chose.",
    "closed_incident": "The summary still lists an incident that is resolved.",
    "maintenance": "A maintenance is going on, and another is announced.",
    "renamed_component": "The vendor renamed the component Console.",
    "crowded": "The page has 300 components.",
    "no_components": "The page lists no components and no maintenances, as pages of incident.io may.",
    "new_words": "Indicator, component and incident have states that nobody documents.",
    "null_fields": "Names and states are null.",
    "html": "It answers a page for people, with status 200.",
    "not_statuspage": "It has no such document.",
}


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": endpoint.tls_url, "components": list(CHOSEN), "tls": {"ca_file": endpoint.ca_file}}


def _summary(call: Call) -> Reply:
    if "html" in call.scenarios:
        return Reply(body=b"<!doctype html><title>Status</title>", headers={"Content-Type": "text/html"})
    if "not_statuspage" in call.scenarios:
        return Reply(404, b"not found", {"Content-Type": "text/plain"})
    body: dict[str, Any] = {
        "page": {"id": "pg1", "name": "Vendor", "url": "https://status.vendor.example"},
        "status": {"indicator": _indicator(call), "description": "All Systems Operational"},
        "components": _components(call),
        "incidents": _incidents(call),
        "scheduled_maintenances": _maintenances(call),
    }
    if "no_components" in call.scenarios:
        body["components"] = []
        del body["scheduled_maintenances"]
    return Reply(body=body, headers={"Cache-Control": "max-age=10"})


def _indicator(call: Call) -> str | None:
    words = {
        "major_outage": "critical",
        "degraded": "minor",
        "maintenance": "maintenance",
        "new_words": "sunny",
        "null_fields": None,
    }
    return next((word for name, word in words.items() if name in call.scenarios), "none")


def _component(
    number: int, name: str | None, status: str | None = "operational", **more: Any
) -> dict[str, Any]:
    return {
        "id": f"cmp{number}",
        "name": name,
        "status": status,
        "description": None,
        "only_show_if_degraded": False,
        "position": number,
        "page_id": "pg1",
        **more,
    }


def _components(call: Call) -> list[dict[str, Any]]:
    on = call.scenarios
    if "null_fields" in on:
        return [_component(1, None), _component(2, "API", None)]
    api = "major_outage" if "major_outage" in on else "under_maintenance" if "maintenance" in on else None
    sms = "degraded_performance" if "degraded" in on else "sleepy" if "new_words" in on else None
    return [
        _component(0, "Core", api or sms or "operational", group=True, group_id=None),
        _component(1, "API", api or "operational", group=False, group_id="cmp0"),
        _component(2, "SMS", sms or "operational", group=False, group_id="cmp0", id="cmp-sms"),
        # Some pages know no groups.
        _component(3, "Web Console" if "renamed_component" in on else "Console"),
        _component(4, "Fax", "partial_outage" if "others_incident" in on else "operational"),
        *(_component(number, f"Region {number}") for number in range(5, 300) if "crowded" in on),
    ]


def _incident(number: int, impact: str | None, status: str = "investigating", *parts: str) -> dict[str, Any]:
    return {
        "id": f"inc{number}",
        "name": "Elevated errors",
        "status": status,
        "impact": impact,
        "shortlink": "https://stspg.example/1",
        "incident_updates": [],
        "components": [{"id": f"id-of-{part}", "name": part} for part in parts],
    }


def _incidents(call: Call) -> list[dict[str, Any]]:
    incidents = {
        "major_outage": _incident(1, "critical", "identified", "API"),
        "degraded": _incident(2, "minor", "monitoring"),
        "quiet_incident": _incident(3, "major", "investigating", "SMS", "Console") | {"components": None},
        "others_incident": _incident(4, "major", "investigating", "Fax"),
        "closed_incident": _incident(5, "critical", "resolved"),
        "new_words": _incident(6, "cosmic", "pondering"),
        "null_fields": _incident(7, None),
    }
    return [incident for name, incident in incidents.items() if name in call.scenarios]


def _maintenances(call: Call) -> list[dict[str, Any]]:
    if "maintenance" not in call.scenarios:
        return []
    return [
        _maintenance(call, 1, "in_progress", -HOUR),
        _maintenance(call, 2, "scheduled", 24 * HOUR),
        _maintenance(call, 3, "completed", -24 * HOUR),
    ]


def _maintenance(call: Call, number: int, status: str, starts_in: int) -> dict[str, Any]:
    start = datetime.fromtimestamp(call.now, UTC) + timedelta(seconds=starts_in)
    return {
        "id": f"mnt{number}",
        "name": "Upgrade",
        "status": status,
        "impact": "maintenance",
        "scheduled_for": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "scheduled_until": (start + timedelta(hours=2)).isoformat(),
    }


def _server_error(_call: Call) -> Reply:
    return Reply(503, b"<html>upstream</html>", {"Content-Type": "text/html"})


VENDOR = Vendor(
    name="statuspage",
    title="A vendor's status page",
    options=_options,
    routes={"GET /api/v2/summary.json": _summary},
    server_error=_server_error,
    scenarios=SCENARIOS,
    # It asks for no credential, so none can be refused.
    faults=(
        "slow",
        "rate_limited",
        "server_error",
        "bad_json",
        "missing_field",
        "cut",
        "refused",
        "wrong_certificate",
    ),
)
