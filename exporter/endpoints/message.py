"""A webhook that an app hands us for the endpoints of a tenant, and the deliveries that it makes."""

import re
from collections.abc import Iterable

import msgspec

from exporter.config.layout_parts import TENANT_PATTERN
from exporter.core.delivery import Delivery
from exporter.endpoints.entry import EndpointEntry

KIND = "deliver"
"""Kind of the deliveries to endpoints; the action is exporter/actions/deliver.py."""

MOST_PAYLOAD = 1 << 20
"""Bytes of a payload: receivers commonly refuse more."""

PING = "ping"
"""Type of a test delivery; no endpoint has to list it."""

JSON_HEADERS = (("Content-Type", "application/json"),)

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TYPE = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_TENANT = re.compile(TENANT_PATTERN)


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `POST /api/v1/deliveries` takes; `payload` are the bytes of its JSON value as they were sent.

    `id` is what receivers dedupe by, and what a second one of the same is known by.
    """

    id: str
    type: str
    payload: msgspec.Raw
    tenant: str = ""


def parse(body: bytes) -> Message:
    """Return the message in `body`; ValueError says what is wrong with it."""
    try:
        message = msgspec.json.decode(body, type=Message)
        # Raw is passed over without being read whole: what is no JSON must not be signed as such.
        msgspec.json.decode(message.payload)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not _ID.fullmatch(message.id):
        raise ValueError("id must be 1 to 128 letters, digits and _ . : -")
    if not _TYPE.fullmatch(message.type):
        raise ValueError("type must be 1 to 128 letters, digits and _ . : / -")
    if message.tenant and not _TENANT.fullmatch(message.tenant):
        raise ValueError("tenant must be up to 64 letters, digits and _ . -")
    if len(message.payload) > MOST_PAYLOAD:
        raise ValueError(f"payload is longer than {MOST_PAYLOAD} bytes; send a reference to it")
    return message


def deliveries(message: Message, entries: Iterable[EndpointEntry], now: float) -> list[Delivery]:
    """Return a delivery for each of `entries`, accepted at `now` (Unix seconds)."""
    return [delivery_to(entry, message, now) for entry in entries]


def delivery_to(entry: EndpointEntry, message: Message, now: float) -> Delivery:
    """Return the delivery of `message` to one endpoint; its id is always the same one."""
    endpoint = entry.endpoint
    return Delivery(
        id=f"{KIND}/{endpoint.name}/{message.id}",
        kind=KIND,
        endpoint=endpoint.name,
        body=bytes(message.payload),
        created=now,
        expires=now + endpoint.limits.retry.max_age,
        message_id=message.id,
        tenant=endpoint.tenant,
        type=message.type,
        headers=JSON_HEADERS,
    )
