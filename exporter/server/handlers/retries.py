"""Deliveries that are tried again by hand: some by their ids at once, many by filter as a job."""

from typing import Any

from aiohttp import web

from exporter.core.delivery import REASONS, DeliveryState
from exporter.core.errors import StoreError
from exporter.core.store import Filter
from exporter.outbox.outbox import Outbox
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, json_body
from exporter.server.audit import audit
from exporter.server.body_names import refuse_unknown_deliveries, refuse_unknown_tenants
from exporter.server.query import refuse_other
from exporter.server.retries import RETRIES
from exporter.server.services import SERVICES
from exporter.server.stream import store_unavailable
from exporter.store.retries import RetryChoice

MOST_IDS = 1000
FIELDS = ("endpoint", "type", "kind", "reason")
TEXTS = ("tenant", *FIELDS)
KEYS = ("ids", *TEXTS, "all", "background", "expected")
STATES = tuple(map(str, DeliveryState))


async def retry(request: web.Request) -> web.Response:
    """Try again what the body chooses; a filter or `all` means what is dead, and becomes a job."""
    body = await _body(request)
    choice, actor = _choice(request, body), request[IDENTITY].name
    outbox = find_outbox(request)
    await refuse_unknown_tenants(request, (body.get("tenant", ""),))
    await refuse_unknown_deliveries(request, body)
    asked = {name: body[name] for name in (*TEXTS, "all") if body.get(name)}
    audit(
        request,
        "delivery.retried",
        body["ids"][0] if len(choice.ids) == 1 else "",
        ids=len(choice.ids),
        **asked,
    )
    if choice.ids and not body.get("background"):
        try:
            retried = await outbox.retry(choice, actor)
        except StoreError as error:
            raise store_unavailable(error) from None
        if not retried and body.get("expected"):
            text = (
                f"none of them is {body['expected']['state']} any more: somebody may have retried it already"
            )
            raise web.HTTPConflict(text=text)
        return json_answer({"total": len(choice.ids), "retried": retried})
    job = request.app[RETRIES].start(outbox, choice, actor)
    if job is None:
        raise web.HTTPTooManyRequests(
            text="other retries are still running; ask again when they are done",
            headers={"Retry-After": "10"},
        )
    return json_answer(job.answer(), 202, Location=f"{request.path}/{job.id}")


async def read(request: web.Request) -> web.Response:
    """Answer how far a retry is."""
    job = request.app[RETRIES].get(request.match_info["id"])
    if job is None or not job.visible_to(request[IDENTITY]):
        raise web.HTTPNotFound(text="there is no such job; the last ones are kept until the next start")
    return json_answer(job.answer())


def find_outbox(request: web.Request) -> Outbox:
    """Return what carries deliveries; 503 while the exporter starts."""
    outbox = request.app[SERVICES].outbox
    if outbox is None:
        raise web.HTTPServiceUnavailable(text="deliveries are not carried yet", headers={"Retry-After": "5"})
    return outbox


def _choice(request: web.Request, body: dict[str, Any]) -> RetryChoice:
    states = (("state", body["expected"]["state"]),) if body.get("expected") else ()
    chosen = Filter(
        tenant=body.get("tenant") or None,
        tenants=request[IDENTITY].tenants,
        fields=tuple((name, body[name]) for name in FIELDS if body.get(name)) + states,
    )
    return RetryChoice(tuple(dict.fromkeys(body.get("ids", ()))), chosen)


async def _body(request: web.Request) -> dict[str, Any]:
    body = await json_body(request)
    for name, value in body.items():
        if name not in KEYS:
            raise web.HTTPBadRequest(text=f"the body may have the keys {', '.join(KEYS)} only")
        if name in ("all", "background") and not isinstance(value, bool):
            raise web.HTTPBadRequest(text=f"{name} must be true or false")
        if name in TEXTS and not isinstance(value, str):
            raise web.HTTPBadRequest(text=f"{name} must be a text")
    refuse_other("reason", body.get("reason", ""), REASONS)
    _check_expected(body)
    ids = body.get("ids")
    if ids is not None and not _is_list_of_ids(ids):
        raise web.HTTPBadRequest(text=f"ids must be a list of 1 to {MOST_IDS} ids of deliveries")
    # Exactly one of the three: together they contradict one another, and without any it may be a slip.
    if sum((ids is not None, any(body.get(name) for name in TEXTS), bool(body.get("all")))) != 1:
        raise web.HTTPBadRequest(text=f"choose by ids, or by {', '.join(TEXTS)}, or say all: true")
    return body


def _check_expected(body: dict[str, Any]) -> None:
    expected = body.get("expected")
    if expected is None:
        return
    if not (isinstance(expected, dict) and set(expected) == {"state"} and expected["state"] in STATES):
        raise web.HTTPBadRequest(text="expected may have the key state only, one of " + ", ".join(STATES))
    if "ids" not in body:
        raise web.HTTPBadRequest(text="expected is for ids: a filter chooses what is dead")


def _is_list_of_ids(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= MOST_IDS
        and all(isinstance(one, str) and 0 < len(one) <= 500 for one in value)
    )
