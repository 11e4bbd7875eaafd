"""Webhooks: receivers, deliveries, sources, and what vendors send."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from exporter.config.layout_parts import TENANT_PATTERN
from exporter.core.defaults import HEALTH_WINDOWS, STATS_WINDOW
from exporter.core.delivery import DeliveryState
from exporter.core.endpoint import ReceiverMode
from exporter.endpoints.body import EndpointBody
from exporter.server.contracts._contract import (
    FORMAT,
    LIMIT,
    MONTH,
    OFFSET,
    TABULAR,
    TENANT,
    AnswerPart,
    CallExample,
    Contract,
    DurationSeconds,
    Natural,
    Time,
    choice,
    number,
)
from exporter.server.contracts._webhooks import BothWays, WebhookCounts

_TENANT_TEXT = Annotated[str, Meta(pattern=rf"(?:{TENANT_PATTERN})|^$")]


class SecretExpiry(AnswerPart, kw_only=True):
    """A secret that signs, and until when; null: until it is rotated."""

    expires: Time | None


class RetrySettings(AnswerPart, kw_only=True):
    """How often, and for how long, a delivery is tried."""

    attempts: Natural
    max_age_seconds: DurationSeconds
    timeout_seconds: DurationSeconds


class ReceiverRow(AnswerPart, kw_only=True):
    """A receiver of webhooks; nothing that may hold a credential is in it."""

    name: str
    tenant: str
    origin: str
    state: str
    state_since: Time | None
    state_actor: str
    state_why: str
    url: str
    fallback_url: str
    types: list[str]
    headers: dict[str, str]
    enabled: bool
    allow_private: bool
    concurrency: Natural
    rate: str | None
    ordered: bool
    retry: RetrySettings
    disable_after_seconds: DurationSeconds
    secrets: list[SecretExpiry]
    up: bool | None
    last_success: Time | None
    last_failure: Time | None
    failing_since: Time | None
    reason: str
    certificate_expiry: Time | None
    certificate_expires_in_seconds: int | None
    created: Time | None
    changed: Time | None
    breaker: str | UnsetType | None = UNSET


class EndpointsAnswer(AnswerPart, kw_only=True):
    """A page of receivers, by name."""

    endpoints: list[ReceiverRow]
    total: Natural
    next_offset: Natural | None


class NewEndpoint(ReceiverRow, kw_only=True):
    """A receiver that was made, with its secret, which no other answer has."""

    secret: str


class RotationAnswer(AnswerPart, kw_only=True):
    """The new secret, which no other answer has, and when those before it expire."""

    name: str
    secret: str
    secrets: list[SecretExpiry]


class EndpointCreation(EndpointBody, frozen=True, kw_only=True):
    """The keys of an endpoint in the configuration, and the secret, which is made where it is left out."""

    secret: str | None = None


class ExpectedReceiver(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How an endpoint was when somebody decided: where it is different by now, nothing is done (409)."""

    state: ReceiverMode


class ExpectedDelivery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How deliveries were when somebody decided: those that are different by now are left alone."""

    state: DeliveryState


class EndpointChange(msgspec.Struct, kw_only=True):
    """Keys that change, as in the configuration, or the state."""

    state: ReceiverMode | None = None
    url: str | UnsetType = UNSET
    types: list[str] | UnsetType = UNSET
    expected: ExpectedReceiver | None = None


class RotationBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A secret of your own, and for how long the one before signs beside it."""

    secret: str | None = None
    overlap: str = "24h"


class DeliveryHandle(AnswerPart, kw_only=True):
    """A delivery to one receiver; `new` is false where it was there already."""

    id: str
    endpoint: str
    tenant: str
    new: bool


class DeliveriesAccepted(AnswerPart, kw_only=True):
    """What a message led to: a delivery for each receiver."""

    id: str
    deliveries: list[DeliveryHandle]


class MessageBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A webhook of an app; receivers know a second one by `id`."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
    type: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:/-]{1,128}$")]
    payload: Any
    tenant: _TENANT_TEXT = ""


class AttemptRow(AnswerPart, kw_only=True):
    """One attempt to deliver."""

    at: Time
    delivery: str
    number: Natural
    kind: str
    endpoint: str
    tenant: str
    url: str
    http_status: int | None
    reason: str | None
    detail: str
    duration_seconds: DurationSeconds
    actor: str | None
    replica: str


class DeliveryAnswer(AnswerPart, kw_only=True):
    """A delivery with every attempt; its payload for administrators alone."""

    at: Time
    id: str
    kind: str
    endpoint: str
    tenant: str
    type: str
    message_id: str
    state: str
    attempts: Natural
    due: Time | None
    expires: Time
    reason: str | None
    detail: str
    bytes: Natural
    payload: str | UnsetType = UNSET
    attempts_made: list[AttemptRow]


class RetryBody(msgspec.Struct, forbid_unknown_fields=True, rename={"every": "all"}, kw_only=True):
    """Which deliveries are tried again: exactly one of ids, a filter, or all that are dead."""

    ids: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=500)]], Meta(min_length=1, max_length=1000)
    ] | (UnsetType) = UNSET
    tenant: str = ""
    endpoint: str = ""
    type: str = ""
    kind: str = ""
    reason: str = ""
    expected: ExpectedDelivery | None = None
    every: bool = False
    background: bool = False


class RetryAnswer(AnswerPart, kw_only=True):
    """How many of the named ones wait again."""

    total: Natural
    retried: Natural


class RetryJobAnswer(RetryAnswer, kw_only=True):
    """How far a retry of many is."""

    id: str
    state: Literal["running", "done"]
    done: Natural
    error: str
    actor: str
    started: Time
    finished: Time | None


class WebhookRow(WebhookCounts, kw_only=True):
    """A source, an endpoint or a tenant."""

    source: str | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET
    tenant: str


class ReceiverBacklog(AnswerPart, kw_only=True):
    """What waits for a receiver."""

    receiver: str
    direction: str
    tenant: str | None
    waiting: Natural
    dead: Natural
    oldest: Time | None


class WaitingDeliveries(AnswerPart, kw_only=True):
    """What waits to be delivered."""

    waiting: Natural
    dead: Natural
    oldest: Time | None
    receivers: list[ReceiverBacklog]


class WebhookHealthAnswer(AnswerPart, kw_only=True):
    """How webhooks do, received and sent."""

    window: str
    since: Time
    until: Time
    windows: dict[str, BothWays]
    sources: list[WebhookRow]
    endpoints: list[WebhookRow]
    tenants: list[WebhookRow]
    backlog: WaitingDeliveries


class SourceRow(AnswerPart, kw_only=True):
    """A source of webhooks as it is configured."""

    name: str
    scheme: str
    integration: str
    provider: str
    tenant: str
    path: str
    forward: str | None
    types: list[str]
    tolerance_seconds: DurationSeconds | None
    silence_seconds: DurationSeconds | None
    secrets: Natural


class SourcesAnswer(AnswerPart, kw_only=True):
    """Who sends webhooks here."""

    sources: list[SourceRow]


_NAME = {"name": "acme-crm"}
_CRM = {"name": "acme-crm", "tenant": "acme", "url": "https://crm.example/hook", "types": ["order.*"]}
_ORDER = {"id": "order-17", "type": "order.paid", "tenant": "acme", "payload": {"order": 17}}

CONTRACTS = {
    ("POST", "/api/v1/endpoints"): Contract(
        {201: NewEndpoint},
        body=EndpointCreation,
        errors=(409,),
        examples=(
            CallExample("A receiver of a tenant", 201, body=_CRM),
            CallExample("A name that is taken", 409, body=_CRM),
            CallExample("An address that is none", 400, body=_CRM | {"name": "x", "url": "crm"}),
        ),
    ),
    ("GET", "/api/v1/endpoints"): Contract(
        {200: EndpointsAnswer},
        (TENANT, choice("state", ReceiverMode, "Receivers of one state."), LIMIT, OFFSET, FORMAT),
        media=TABULAR,
        errors=(404,),
        examples=(CallExample("Those of a tenant", query={"tenant": "acme"}),),
    ),
    ("GET", "/api/v1/endpoints/{name}"): Contract(
        {200: ReceiverRow},
        errors=(404,),
        examples=(
            CallExample("One", path=_NAME),
            CallExample("One that there is not", 404, {"name": "none"}),
        ),
    ),
    ("PATCH", "/api/v1/endpoints/{name}"): Contract(
        {200: ReceiverRow},
        body=EndpointChange,
        errors=(404, 409),
        examples=(
            CallExample("Pause it", path=_NAME, body={"state": "paused"}),
            CallExample("Let it go on", path=_NAME, body={"state": "active"}),
        ),
    ),
    ("POST", "/api/v1/endpoints/{name}/rotate"): Contract(
        {200: RotationAnswer},
        body=RotationBody,
        body_required=False,
        errors=(404, 409),
        examples=(CallExample("Both secrets sign for an hour", path=_NAME, body={"overlap": "1h"}),),
    ),
    ("POST", "/api/v1/endpoints/{name}/ping"): Contract(
        {202: DeliveryHandle},
        errors=(404, 409),
        examples=(CallExample("A test delivery", 202, _NAME),),
    ),
    ("POST", "/api/v1/deliveries"): Contract(
        {202: DeliveriesAccepted},
        body=MessageBody,
        errors=(413,),
        examples=(
            CallExample("An order", 202, body=_ORDER),
            CallExample("Without an id", 400, body={"type": "order.paid", "payload": {}}),
        ),
    ),
    ("GET", "/api/v1/deliveries/{id:.+}"): Contract(
        {200: DeliveryAnswer},
        errors=(404,),
        examples=(CallExample("One, by its id", path={"id": "deliver/acme-crm/order-17"}),),
    ),
    ("POST", "/api/v1/deliveries/retry"): Contract(
        {200: RetryAnswer, 202: RetryJobAnswer},
        body=RetryBody,
        errors=(409,),
        examples=(
            CallExample("One that is not dead", body={"ids": ["deliver/acme-crm/order-17"]}),
            CallExample("All of a tenant", 202, body={"tenant": "acme"}, keeps={"retry": "id"}),
            CallExample("Nothing is chosen", 400, body={}),
        ),
    ),
    ("GET", "/api/v1/deliveries/retry/{id}"): Contract(
        {200: RetryJobAnswer}, errors=(404,), examples=(CallExample("The job", path={"id": "{retry}"}),)
    ),
    ("DELETE", "/api/v1/endpoints/{name}"): Contract(
        {204: None}, errors=(404, 409), examples=(CallExample("Delete it", 204, _NAME),)
    ),
    ("GET", "/api/v1/webhook-health"): Contract(
        {200: WebhookHealthAnswer},
        (
            choice("window", HEALTH_WINDOWS, "How long, up to now, rows are about.", STATS_WINDOW),
            *(TENANT, number("limit", "Rows of each part.", 100, 1000)),
        ),
        examples=(CallExample("The last month", query={"window": MONTH}),),
    ),
    ("GET", "/api/v1/sources"): Contract(
        {200: SourcesAnswer}, (FORMAT,), media=TABULAR, examples=(CallExample("Who sends webhooks here"),)
    ),
    ("POST", "/webhooks/{source}"): Contract(
        {200: Any},
        body=Any,
        takes=("*/*",),
        media=("*/*",),
        errors=(401, 404, 408, 409, 413, 503),
        examples=(CallExample("A source that is not configured", 404, {"source": "none"}, body={}),),
    ),
    ("GET", "/webhooks/{source}"): Contract(
        {200: Any},
        media=("*/*",),
        errors=(404, 405),
        examples=(CallExample("A source that is not configured", 404, {"source": "none"}),),
    ),
}
"""In an order in which the examples work, one after the other."""
