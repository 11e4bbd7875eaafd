"""Endpoints by API: read, made, changed, rotated and deleted; one of the file is only read, or paused."""

from collections.abc import Callable
from typing import Any, NoReturn

from aiohttp import web

from exporter.config import durations
from exporter.core import breaker
from exporter.core.clock import iso
from exporter.core.delivery import EndpointState
from exporter.core.endpoint import ReceiverMode
from exporter.core.errors import StoreError
from exporter.core.secret import Secret
from exporter.core.standard_secret import new_secret, secret_problem
from exporter.endpoints import body as bodies
from exporter.endpoints.body import EndpointBody
from exporter.endpoints.directory import EndpointDirectory
from exporter.endpoints.entry import API, FILE, EndpointEntry, SigningSecret, entry_json
from exporter.endpoints.message import KIND
from exporter.endpoints.stored import StoredEndpoint, rotate
from exporter.server.access import IDENTITY
from exporter.server.answers import json_answer, json_body, whole_number
from exporter.server.audit import audit
from exporter.server.query import format_of, refuse_other, row_limit
from exporter.server.services import SERVICES
from exporter.server.stream import export_rows, portions, store_unavailable
from exporter.server.unknown import refuse_unknown
from exporter.store.subjects import endpoints as endpoint_states
from exporter.store.threads import in_thread

OVERLAP = "24h"
"""How long the secret before the newest one signs beside it, unless the request says otherwise."""

LONGEST_OVERLAP = 30 * 86_400.0

MOST_OF_A_TENANT = 100
"""Endpoints that the API makes for a tenant: one whose app loops must not fill the store."""

COLUMNS = (
    *(
        "name",
        "tenant",
        "origin",
        "state",
        "up",
        "breaker",
        "reason",
        "last_success",
        "last_failure",
        "failing_since",
    ),
    *("certificate_expiry", "url", "types", "state_why", "created", "changed"),
)


async def read(request: web.Request) -> web.StreamResponse:
    """Answer the endpoints that the caller may know of, by name."""
    await refuse_unknown(request, stored=True)
    breakers = await _breakers(request)
    query, identity, now = request.query, request[IDENTITY], request.app[SERVICES].now()
    state, tenant = query.get("state", ""), query.get("tenant")
    refuse_other("state", state, tuple(ReceiverMode))
    found = [
        entry_json(entry, now) | {"breaker": breakers(entry.endpoint.name)}
        for entry in find_directory(request).entries()
        if identity.sees(entry.endpoint.tenant)
        and tenant in (None, "", entry.endpoint.tenant)
        and state in ("", entry.state)
    ]
    offset, limit = whole_number(request, "offset", 0, 10_000_000), row_limit(request)
    page = found[offset : offset + limit]
    if format_of(request) != "json":
        return await export_rows(request, COLUMNS, portions(page))
    after = offset + limit
    following = after if after < len(found) else None
    return json_answer({"endpoints": page, "total": len(found), "next_offset": following})


async def read_one(request: web.Request) -> web.Response:
    """Answer one endpoint."""
    entry, breakers = find_entry(request), await _breakers(request)
    row = entry_json(entry, request.app[SERVICES].now())
    return json_answer(row | {"breaker": breakers(entry.endpoint.name)})


async def create(request: web.Request) -> web.Response:
    """Make an endpoint; its secret is in this answer alone."""
    values = await json_body(request)
    given = values.pop("secret", None)
    body = _parse(request, values)
    directory, now = find_directory(request), request.app[SERVICES].now()
    _check_room(directory, body.tenant)
    secret = _secret(given)
    stored = StoredEndpoint(body, (SigningSecret(secret),), now, now)
    taken = directory.find(body.name) is not None
    if taken or not await _write(request, lambda: directory.store.create(stored)):
        raise web.HTTPConflict(text=f"there is an endpoint {body.name} already; choose another name")
    audit(request, "endpoint.created", body.name, tenant=body.tenant)
    await _refresh(directory)
    entry = _made(directory, body.name)
    answer = entry_json(entry, now) | {"secret": secret.reveal()}
    return json_answer(answer, 201, Location=f"{request.path}/{body.name}")


async def change(request: web.Request) -> web.Response:
    """Change keys of an endpoint, or its state; one of the file has only a state."""
    changes = await json_body(request)
    mode, expected = _mode(changes.pop("state", None)), _expected(changes.pop("expected", None))
    if expected is not None:
        # Another replica may have changed it a moment ago.
        await _refresh(find_directory(request))
    entry = find_entry(request)
    if expected not in (None, entry.state):
        name = entry.endpoint.name
        text = f"{name} is {entry.state} by now; nothing was changed; look at it again"
        raise web.HTTPConflict(text=text)
    if "secret" in changes:
        raise web.HTTPBadRequest(text=f"secret: a new one comes by POST {request.path}/rotate")
    if changes:
        await _change_keys(request, entry, changes)
    if mode is not None:
        await _set_mode(request, entry, mode)
    found = _made(find_directory(request), entry.endpoint.name)
    return json_answer(entry_json(found, request.app[SERVICES].now()))


async def rotate_secret(request: web.Request) -> web.Response:
    """Put a new secret in front, which is in this answer alone; the others sign beside it for a while."""
    entry, values = find_entry(request), await json_body(request)
    _refuse_file(entry)
    given, overlap = values.pop("secret", None), _overlap(values.pop("overlap", OVERLAP))
    if values:
        raise web.HTTPBadRequest(text="the body may have the keys secret and overlap only")
    secret, now = _secret(given), request.app[SERVICES].now()
    rotated = rotate(entry.secrets, secret, now, overlap)
    name, directory = entry.endpoint.name, find_directory(request)
    await _replace(request, entry, _body(entry), rotated)
    audit(request, "endpoint.rotated", name, tenant=entry.endpoint.tenant, overlap_seconds=overlap)
    await _refresh(directory)
    expiries = [{"expires": iso(one.until)} for one in rotated]
    return json_answer({"name": name, "secret": secret.reveal(), "secrets": expiries})


async def remove(request: web.Request) -> web.Response:
    """Delete an endpoint; what waits for it is dead."""
    entry = find_entry(request)
    _refuse_file(entry)
    name, directory = entry.endpoint.name, find_directory(request)
    await _write(request, lambda: directory.store.remove(name))
    audit(request, "endpoint.deleted", name, tenant=entry.endpoint.tenant)
    await _refresh(directory)
    return web.Response(status=204)


async def _breakers(request: web.Request) -> Callable[[str], str | None]:
    """Return what says of an endpoint how its circuit breaker is: None where the store does not answer."""
    services = request.app[SERVICES]
    try:
        states = await services.read_store(endpoint_states.states)
    except StoreError:
        return lambda _name: None
    now = services.now()
    return lambda name: breaker.position(states.get((KIND, name), EndpointState()), now)


async def _change_keys(request: web.Request, entry: EndpointEntry, changes: dict[str, Any]) -> None:
    _refuse_file(entry)
    for name in ("name", "tenant"):
        if name in changes and changes[name] != getattr(entry.endpoint, name):
            raise web.HTTPBadRequest(text=f"{name}: it cannot be changed; make another endpoint")
    known = _values(_body(entry))
    body = _parse(request, bodies.merge(known, changes), before=known)
    await _replace(request, entry, body, entry.secrets)
    audit(request, "endpoint.changed", body.name, tenant=body.tenant, keys=sorted(changes))
    await _refresh(find_directory(request))


async def _set_mode(request: web.Request, entry: EndpointEntry, mode: ReceiverMode) -> None:
    name = entry.endpoint.name
    try:
        await find_directory(request).set_mode(name, mode, request[IDENTITY].name)
    except StoreError as error:
        raise store_unavailable(error) from None
    audit(request, f"endpoint.{mode}", name, tenant=entry.endpoint.tenant)


async def _replace(
    request: web.Request, entry: EndpointEntry, body: EndpointBody, secrets: tuple[SigningSecret, ...]
) -> None:
    directory, known = find_directory(request), entry.changed or 0.0
    # Later than before in any case: this is what distinguishes two versions.
    now = max(request.app[SERVICES].now(), known + 1e-3)
    stored = StoredEndpoint(body, secrets, entry.created or now, now)
    if not await _write(request, lambda: directory.store.change(stored, known)):
        await _refresh(directory)
        raise web.HTTPConflict(text="somebody else has changed the endpoint meanwhile; read it and try again")


async def _write(request: web.Request, call: Any) -> bool:
    if not find_directory(request).store.keeps_secrets:
        raise web.HTTPConflict(
            text="endpoints have secrets, and without store.token_keys none is stored; make a key with"
            " `integration-exporter tokens key`, and set store.token_keys_file"
        )
    try:
        return bool(await in_thread(call))
    except StoreError as error:
        raise store_unavailable(error) from None


async def _refresh(directory: EndpointDirectory) -> None:
    try:
        await directory.refresh()
    except StoreError as error:
        raise store_unavailable(error) from None


def _parse(
    request: web.Request, values: dict[str, Any], before: dict[str, Any] | None = None
) -> EndpointBody:
    identity = request[IDENTITY]
    try:
        body = bodies.parse(values)
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    if not identity.sees(body.tenant):
        raise web.HTTPForbidden(text=f"{identity.name} is bound to other tenants than this one")
    opens = body.allow_private and not (before or {}).get("allow_private")
    if opens and identity.tenants is not None:
        # Else a tenant could have us deliver into the operator's own network.
        raise web.HTTPForbidden(text="allow_private: only somebody who is bound to no tenant may set it")
    return body


def _check_room(directory: EndpointDirectory, tenant: str) -> None:
    made = sum(entry.origin == API for entry in directory.of_tenant(tenant))
    if made >= MOST_OF_A_TENANT:
        raise web.HTTPConflict(text=f"the tenant has {made} endpoints, and may have no more; delete one")


def _secret(given: Any) -> Secret:
    if given is None:
        return Secret(new_secret())
    problem = secret_problem(given) if isinstance(given, str) else "it must be a text"
    if problem:
        raise web.HTTPBadRequest(text=f"secret: {problem}; leave it out, and one is made")
    return Secret(given)


def _mode(text: Any) -> ReceiverMode | None:
    if text is None:
        return None
    if not isinstance(text, str) or text not in set(ReceiverMode):
        raise web.HTTPBadRequest(text="state must be one of " + ", ".join(ReceiverMode))
    return ReceiverMode(text)


def _expected(value: Any) -> ReceiverMode | None:
    """Return the state that an endpoint had when somebody decided, None where that is not said."""
    if value is not None and not (isinstance(value, dict) and set(value) == {"state"}):
        raise web.HTTPBadRequest(text="expected may have the key state only")
    return None if value is None else _mode(value["state"])


def _overlap(text: Any) -> float:
    try:
        found = durations.seconds(text) if isinstance(text, str) else -1.0
    except ValueError:
        found = -1.0
    if not 0 <= found <= LONGEST_OVERLAP:
        raise web.HTTPBadRequest(text="overlap must be a duration such as 24h, at most 30d")
    return found


def _body(entry: EndpointEntry) -> EndpointBody:
    if entry.body is None:
        raise web.HTTPConflict(text="the endpoint is no longer one of the API; read it again")
    return entry.body


def _values(body: EndpointBody) -> dict[str, Any]:
    settings, hidden = bodies.split(body)
    return {"name": body.name, "tenant": body.tenant, **settings, **hidden}


def _refuse_file(entry: EndpointEntry) -> None:
    if entry.origin == FILE:
        raise web.HTTPConflict(
            text=f"the endpoint {entry.endpoint.name} is in the configuration file; change it there, below"
            " webhooks.endpoints (its state may be set here)"
        )


def find_entry(request: web.Request) -> EndpointEntry:
    """Return the endpoint in the path; 404 where the caller may know of none."""
    entry = find_directory(request).find(request.match_info["name"])
    if entry is None or not request[IDENTITY].sees(entry.endpoint.tenant):
        _refuse_unknown()
    return entry


def _made(directory: EndpointDirectory, name: str) -> EndpointEntry:
    entry = directory.find(name)
    if entry is None:
        _refuse_unknown()
    return entry


def _refuse_unknown() -> NoReturn:
    raise web.HTTPNotFound(text="there is no such endpoint")


def find_directory(request: web.Request) -> EndpointDirectory:
    """Return all endpoints; 503 while the exporter starts."""
    found = request.app[SERVICES].endpoints
    if found is None:
        raise web.HTTPServiceUnavailable(text="endpoints are not loaded yet", headers={"Retry-After": "5"})
    return found
