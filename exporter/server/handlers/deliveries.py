"""Deliveries by API: handed in, looked at with every attempt, tried again, and a test one."""

import secrets

import msgspec
from aiohttp import web

from exporter.core.clock import iso
from exporter.core.delivery import Delivery
from exporter.core.errors import StoreError
from exporter.endpoints import message as messages
from exporter.endpoints.message import MOST_PAYLOAD, PING, Message
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, read_body
from exporter.server.audit import audit
from exporter.server.handlers.endpoints import find_directory, find_entry
from exporter.server.handlers.retries import find_outbox
from exporter.server.services import SERVICES
from exporter.server.stream import store_unavailable
from exporter.server.web_config.settings import Role
from exporter.store.subjects import attempts as attempts_subject
from exporter.store.subjects import deliveries as subject

MOST_BODY = MOST_PAYLOAD + 4096

RETRY_AFTER = "5"


async def create(request: web.Request) -> web.Response:
    """Take a webhook for every endpoint of its tenant that wants its type; 202 once that is on the disk."""
    identity = request[IDENTITY]
    try:
        message = messages.parse(await read_body(request, MOST_BODY))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    if not identity.sees(message.tenant):
        raise web.HTTPForbidden(text=f"{identity.name} is bound to other tenants than this one")
    now = request.app[SERVICES].now()
    entries = find_directory(request).matching(message.tenant, message.type)
    made = messages.deliveries(message, entries, now)
    new = await _submit(request, made)
    rows = [_row(delivery, is_new) for delivery, is_new in zip(made, new, strict=True)]
    return json_answer({"id": message.id, "deliveries": rows}, 202)


async def ping(request: web.Request) -> web.Response:
    """Send a test delivery to one endpoint, whatever types it wants."""
    entry, now = find_entry(request), request.app[SERVICES].now()
    name = entry.endpoint.name
    if not entry.sends:
        raise web.HTTPConflict(text=f"the endpoint {name} is {entry.state}; activate it first")
    said = {"type": PING, "endpoint": name, "at": iso(now)}
    message = Message(f"ping_{secrets.token_hex(8)}", PING, msgspec.Raw(msgspec.json.encode(said)))
    delivery = messages.delivery_to(entry, message, now)
    await _submit(request, [delivery])
    audit(request, "endpoint.pinged", name, tenant=entry.endpoint.tenant)
    return json_answer(_row(delivery, True), 202, Location=f"/api/v1/deliveries/{delivery.id}")


async def read_one(request: web.Request) -> web.Response:
    """Answer a delivery with every attempt; its payload to those alone who may change things."""
    return await answer_one(request, request.match_info["id"])


async def answer_one(request: web.Request, name: str) -> web.Response:
    """Answer the delivery `name` to the caller of `request`: the page names it in its query."""
    identity = request[IDENTITY]
    try:
        found = await request.app[SERVICES].read_store(
            lambda connection: (
                subject.find(connection, name),
                attempts_subject.of_delivery(connection, name),
            )
        )
    except StoreError as error:
        raise store_unavailable(error) from None
    delivery, attempts = found
    if delivery is None or not identity.sees(delivery.tenant):
        raise web.HTTPNotFound(text="there is no such delivery, or its retention is over")
    row = dict(subject.delivery_json(delivery))
    row["bytes"] = len(delivery.body)
    if identity.has(Role.ADMIN):
        row["payload"] = delivery.body.decode("utf-8", "replace")
    return json_answer(row | {"attempts_made": [attempts_subject.attempt_json(one) for one in attempts]})


async def _submit(request: web.Request, made: list[Delivery]) -> list[bool]:
    outbox = find_outbox(request)
    try:
        return await outbox.submit(made) if made else []
    except StoreError:
        raise web.HTTPServiceUnavailable(
            text="the delivery cannot be stored now; send it again, with the same id",
            headers={"Retry-After": RETRY_AFTER},
        ) from None


def _row(delivery: Delivery, is_new: bool) -> dict[str, object]:
    return {"id": delivery.id, "endpoint": delivery.endpoint, "tenant": delivery.tenant, "new": is_new}
