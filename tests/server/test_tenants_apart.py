"""A tenant's name is planted in everything that is kept, and no caller of another tenant finds it anywhere.

What is asked is walked: every GET route, in every form, with every window. A new route must show what is
planted to an administrator, or be named here as one that has nothing of tenants.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Table, insert

from exporter.core.hours import hour_of
from exporter.registry import events
from exporter.server.contracts import contracts
from exporter.server.openapi import plain_path
from exporter.server.routes import ROUTES, Route
from exporter.store.database import Database
from exporter.store.schema import METADATA
from tests.server.running import MARKER, SECRETS, RunningExporter
from tests.server.test_access import TOKENS

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOUND = ("bound_viewer", "bound_admin")
NOTHING_OF_TENANTS = {
    *("/-/healthy", "/-/ready", "/runbooks/{name}", "/assets/{name}", "/app/w.js", "/webhooks/{source}"),
    *("/api/v1/openapi.json", "/api/v1/stream"),
}
"""What is the same for everybody; of the stream, test_change_stream says who hears what."""

OWN_FACTS = {
    # About processes, and numbers of a chain: nobody who is bound may ask.
    *("/api/v1/sd", "/api/v1/audit-verification", "/api/v1/alerts/test", "/api/v1/alerts/test/{id}"),
    # Jobs of many targets; test_endpoints and test_tokens say who may read one.
    *("/api/v1/checks/{id}", "/api/v1/tokens/refresh/{id}"),
    # Numbers, without a name.
    *("/api/v1/deliveries/retry/{id}", "/api/v1/payment-summary"),
}
"""Routes that have nothing planted here."""

WRITTEN_BY_PARTS = {
    "token",
    "maintenance_window",
    "maintenance_silence",
    "ratelimit_block",
    "webhook_endpoint",
} | {
    *("webhook_endpoint_mode", "webhook_endpoint_facts", "target_state", "audit_entry", "audit_person"),
    *("audit_place", "audit_head", "audit_removed", "replica", "sms_incident", "manual_alert", "endpoint"),
}
"""Tables that a part of the process reads back: what is in them is planted by asking for it."""


def value(column: Column[Any], table: Table, kind: str) -> Any:
    """Return what goes into a column of a planted row."""
    now = time.time()
    words = {
        "kind": kind or MARKER,
        "reason": "auth",
        "log": f'[[0.1, "{MARKER}"]]',
        **dict.fromkeys(("details", "fields", "labels", "annotations"), json.dumps({"tenant": MARKER})),
        **dict.fromkeys(("at", "due", "starts", "ends"), now),
        "expires": now + 3600,
        "hour": hour_of(now),
        "state": {"text_message": "failed", "notice": "firing"}.get(table.name, "dead"),
        "action": "resolve",
        "retention": "payment",
        "once": None,
        "headers": "[]",
        "delivery": f"deliver/{MARKER}/1",
    }
    if column.name in words:
        return words[column.name]
    usual: dict[type, Any] = {str: MARKER, bytes: MARKER.encode(), int: 1, float: now, bool: True}
    return usual[column.type.python_type]


def rows() -> Iterator[tuple[Table, dict[str, Any]]]:
    for table in METADATA.sorted_tables:
        if table.name in WRITTEN_BY_PARTS or "tenant" not in table.c:
            continue
        for kind in [one.name for one in events().values()] if table.name == "event" else [""]:
            row = {one.name: value(one, table, kind) for one in table.c if one.name != "id"}
            if table.name == "event":
                row["once"] = f"{kind}:{MARKER}"
            yield table, row


async def plant(exporter: RunningExporter) -> None:
    store = Database(exporter.store)
    store.open()
    with store.writing() as connection:
        for table, row in rows():
            connection.execute(insert(table), [row])
    store.close()
    about = {"tenant": MARKER}
    for path, body in (
        ("/api/v1/endpoints", {"name": MARKER, "url": f"https://{MARKER}.example/", **about}),
        ("/api/v1/deliveries", {"id": MARKER, "type": MARKER, "payload": MARKER, **about}),
        ("/api/v1/alerts", {"service": f"{MARKER}-mail", "severity": "low", "message": MARKER, **about}),
        ("/api/v1/maintenance", {"name": MARKER, "tenants": [MARKER], "weekly": WEEKLY, "comment": MARKER}),
        (
            "/api/v1/ratelimits/blocks",
            {"identifier": "203.0.113.99", "reason": MARKER, "policy": "api", **about},
        ),
        ("/api/v1/ratelimits/check", {"identifier": "203.0.113.99", "policy": "api", **about}),
        ("/api/v1/checks", about),
        (
            "/api/v1/events",
            [whole(kind) for kind in ("payment", "traffic", "widget", "auth", "ai_usage", "api_request")],
        ),
    ):
        status, _, text = await exporter.ask("POST", path, json=body)
        assert status < 300 and status != 207, (path, text)
    status, _, text = await exporter.ask("POST", "/api/v1/deliveries/retry", json=about)
    assert status == 202, text
    JOBS["/api/v1/deliveries/retry/{id}"] = json.loads(text)["id"]


JOBS: dict[str, str] = {}
"""Ids of jobs about the planted tenant, by the route that reads them."""

WEEKLY = {"days": "sunday", "start": "02:00", "end": "04:00"}


def whole(kind: str) -> dict[str, Any]:
    fields: dict[str, dict[str, Any]] = {
        "payment": {"outcome": "declined", "decline_code": MARKER, "amount": 1, "currency": "EUR"},
        "traffic": {"route": f"/{MARKER}", "client": "human"},
        "widget": {"widget": MARKER, "outcome": "loaded", "release": MARKER},
        "auth": {"outcome": "failure", "method": MARKER, "actor": MARKER},
        "api_request": {"route": f"/{MARKER}", "method": "GET", "status": 200, "duration": 0.1},
        "ai_usage": {"endpoint": MARKER, "status": "ok", "cost": 1.0},
    }
    return {"kind": kind, "id": f"{kind}-{MARKER}", "tenant": MARKER, **fields[kind]}


def queries(route: Route) -> Iterator[dict[str, str]]:
    """Yield what the route is asked: as it is, as a table, over the longest window, by each word."""
    contract = contracts().get(("GET", route.path))
    names = {one.name: one for one in contract.query} if contract else {}
    yield {}
    for form in ("csv", "ndjson"):
        if "format" in names and form in names["format"].schema["enum"]:
            yield {"format": form}
    if "window" in names:
        yield {"window": names["window"].schema["enum"][-1]}
    for name in ("by", "state"):
        for word in names[name].schema["enum"] if name in names and "enum" in names[name].schema else ():
            yield {name: word}


def places(route: Route) -> str:
    """Return the path of what was planted."""
    path = plain_path(route.path)
    of_delivery = f"deliver/{MARKER}/{MARKER}" if path == "/api/v1/deliveries/{id}" else MARKER
    words = {"{name}": MARKER, "{id}": JOBS.get(path, of_delivery)}
    for place, word in words.items():
        path = path.replace(place, word)
    return path


READ = [route for route in ROUTES if "GET" in route.methods and route.path not in NOTHING_OF_TENANTS]


async def test_nothing_of_a_tenant_is_anywhere_for_callers_of_another(exporter: RunningExporter) -> None:
    await plant(exporter)
    leaks, unseen = [], []
    for route in READ:
        seen = False
        for query in queries(route):
            path = places(route)
            if route.path == "/probe":
                query = {"target": f"{MARKER}-mail/{MARKER}", "debug": "true"}
            callers = (*BOUND, "admin")
            *bound, (_, _, whole_text) = await asyncio.gather(
                *(exporter.ask("GET", path, caller, params=query) for caller in callers)
            )
            for caller, (status, headers, text) in zip(BOUND, bound, strict=True):
                if MARKER.encode() in text.lower() or MARKER in str(headers).lower():
                    leaks.append(f"{caller}: GET {path} {query} -> {status}")
                if "{" in route.path and status == 200:
                    leaks.append(f"{caller}: GET {path} -> 200")
            seen = seen or MARKER.encode() in whole_text.lower()
        if not seen:
            # What is about one target has its name in the question: others get what nobody's name gets.
            known, unknown = [await answer_about(exporter, path, "admin", name) for name in (MARKER, NOBODY)]
            seen = known != unknown
            for caller in BOUND:
                found = [await answer_about(exporter, path, caller, name) for name in (MARKER, NOBODY)]
                if found[0] != found[1]:
                    leaks.append(f"{caller}: GET {path} {found}")
        if not seen and route.path not in OWN_FACTS:
            unseen.append(route.path)
    assert leaks == [], leaks
    # What an administrator does not see either proves nothing: plant it, or name it as having nothing.
    assert unseen == [], unseen


NOBODY = MARKER[::-1]
"""A name that nobody has."""


def about(name: str) -> dict[str, str]:
    return {"integration": f"{name}-mail", "tenant": name}


async def answer_about(exporter: RunningExporter, path: str, caller: str, name: str) -> tuple[int, str]:
    delivery = {"id": f"deliver/{name}/{name}"} if path == "/delivery" else {}
    status, _, text = await exporter.ask("GET", path, caller, params=about(name) | delivery)
    return status, without(text, name)


def without(text: bytes, name: str) -> str:
    """Return an answer without the times in it and the name that the question brought along."""
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?|\d+\.\d+", "T", text.decode()).replace(name, "X")


async def test_another_tenant_is_answered_as_one_that_there_is_not(exporter: RunningExporter) -> None:
    differ = []
    for route in READ:
        contract = contracts().get(("GET", route.path))
        if contract is None or not any(one.name == "tenant" for one in contract.query) or "{" in route.path:
            continue
        for caller in BOUND:
            found = []
            for tenant in (MARKER, NOBODY):
                query = {"tenant": tenant} | ({"target": f"{MARKER}-mail"} if route.path == "/probe" else {})
                status, _, text = await exporter.ask("GET", route.path, caller, params=query)
                found.append((status, without(text, tenant)))
            if found[0] != found[1]:
                differ.append(f"{caller} {route.path}: {found}")
    assert differ == []


async def test_no_answer_has_a_credential(exporter: RunningExporter) -> None:
    secrets = {*TOKENS.values(), *SECRETS, "whsec_of_the_shop_0123456789", "whsec_of_another_0123456789"}
    found = []
    for route in READ:
        _, _, text = await exporter.ask("GET", places(route), "admin")
        found += [route.path for secret in secrets if secret.encode() in text]
    assert found == []
