"""The description of the API in OpenAPI 3.1, made of the routes and their contracts."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from exporter import __version__
from exporter.core.defaults import CHANGE_HEADER
from exporter.core.secret import Secret
from exporter.server.access import AccessRule, Effect
from exporter.server.contracts import Contract, contracts
from exporter.server.contracts._contract import CallExample, ErrorAnswer, QueryParameter
from exporter.server.contracts.process import PAGE
from exporter.server.routes import ROUTES, Route

Json = dict[str, Any]
SchemaOf = Callable[[Any], Json]

DIALECT = "3.1.1"
REF = "#/components/schemas/{name}"
ERRORS = {
    400: "The request is wrong; the sentence says what to write.",
    401: "Nobody of that name, or none is given.",
    403: "The caller lacks the role, is bound to other tenants, or the request comes from another site.",
    404: "There is no such thing, or the caller may not know of it.",
    405: "The path has no such method.",
    408: "The body did not arrive in time.",
    409: "It contradicts what there is already.",
    413: "The body is too long.",
    415: "The body is of a type that is not taken.",
    429: "Too many requests; `Retry-After` says when there is room.",
    500: "What was to be done failed; the sentence says why, or the log does.",
    502: "Alertmanager refuses it; the sentence says why.",
    503: "A part does not answer, or there is no room; `Retry-After` says when to ask again.",
    504: "The probe did not end within its deadline.",
}
USUAL_ERRORS = (400, 429, 503)
"""What any route may answer."""

_PLACE = re.compile(r"\{(\w+)(:[^}]*)?\}")


@cache
def document() -> Json:
    """Return the description; the same for every process, so its servers are none."""
    kinds = list(
        dict.fromkeys(kind for contract in (*contracts().values(), PAGE) for kind in _kinds(contract))
    )
    made, components = msgspec.json.schema_components(kinds, schema_hook=_hook, ref_template=REF)
    known = dict(zip(kinds, made, strict=True))

    def schema_of(kind: Any) -> Json:
        if isinstance(kind, tuple):
            return {"anyOf": [known[one] for one in kind]}
        return dict(kind) if isinstance(kind, Mapping) else known.get(kind, {})

    paths: dict[str, Json] = {}
    for route in ROUTES:
        for method in route.methods:
            if method != "HEAD" or "GET" not in route.methods:
                contract = contracts().get((method, route.path), PAGE)
                place = paths.setdefault(plain_path(route.path), {})
                place[method.lower()] = _operation(method, route, contract, schema_of)
    found: Json = _plain(
        {
            "openapi": DIALECT,
            "info": _INFO,
            "security": [],
            "tags": [{"name": name} for name in sorted({tag_of(route) for route in ROUTES})],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": components,
                "securitySchemes": _SCHEMES,
                "responses": {str(status): _error(status, text) for status, text in ERRORS.items()},
            },
        }
    )
    return found


@cache
def text() -> bytes:
    """Return the description as JSON."""
    return msgspec.json.encode(document())


def _kinds(contract: Contract) -> Iterable[Any]:
    """Yield the types of a contract whose schemas are made of them."""
    for kind in (contract.body, contract.refusal, *contract.answers.values()):
        for one in kind if isinstance(kind, tuple) else (kind,):
            if one not in (None, Any, str) and not isinstance(one, Mapping):
                yield one


def plain_path(path: str) -> str:
    """Return the path of a route as OpenAPI writes it: without patterns of its places."""
    return _PLACE.sub(r"{\1}", path)


def tag_of(route: Route) -> str:
    """Return the word below which a route is listed: the first of its path."""
    words = [word for word in route.path.split("/") if word not in ("", "api", "v1", "-")]
    return "page" if not words or words[0] in ("assets", "sign-in", "sign-out") else words[0].split(".")[0]


_INFO = {
    "title": "integration-exporter",
    "version": __version__,
    "summary": "States, figures and changes of the third-party integrations of a platform.",
    "description": (
        "Answers below `/api/` are JSON; errors are one sentence. Callers that are bound to tenants see what"
        f" belongs to these. Changes by a browser need the header `{CHANGE_HEADER}: 1` and the exporter's own"
        " origin; bearer tokens need neither."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of `bearer_tokens`, or the admin token.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "A user of `basic_auth_users`."},
    "certificate": {"type": "mutualTLS", "description": "A client certificate of `client_certificates`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "integration_exporter",
        "description": "A browser's session, while no access is configured; the port is part of its name.",
    },
}


def _operation(method: str, route: Route, contract: Contract, schema_of: SchemaOf) -> Json:
    rule, own = route.rule, plain_path(route.path)
    words = [word for word in re.split(r"\W+", own) if word not in ("", "api", "v1")]
    # A tab may be called as what it shows: /alerts and /api/v1/alerts.
    verb = "open" if contract is PAGE else method.lower()
    found: Json = {
        "operationId": "_".join([verb, *words]),
        "summary": route.description,
        "tags": [tag_of(route)],
        "x-role": _role(rule),
        "x-bound-to-tenants": rule.narrow,
        "security": [{}] if rule.role is None else [{name: []} for name in _SCHEMES],
        "parameters": [
            *(_path_parameter(name, contract.examples) for name, _ in _PLACE.findall(route.path)),
            *(_query_parameter(one) for one in contract.query),
            *([_CHANGE] if rule.effect is Effect.CHANGE else []),
        ],
        "responses": _responses(route, contract, schema_of),
    }
    if contract.body is not None:
        schema = schema_of(contract.body)
        bodies = {place: one for place, one in _named(contract.examples) if one.body is not None}
        examples = {place: {"summary": one.summary, "value": one.body} for place, one in bodies.items()}
        content = {kind: {"schema": schema} for kind in contract.takes}
        content[contract.takes[0]]["examples"] = examples
        found["requestBody"] = {"required": contract.body_required, "content": content}
    if contract.examples:
        found["x-examples"] = [_example(one) for one in contract.examples]
    return found


def _role(rule: AccessRule) -> str:
    return "anybody" if rule.role is None else str(rule.role)


_CHANGE = {
    "name": CHANGE_HEADER,
    "in": "header",
    "required": False,
    "description": "`1`, from callers whose credentials a browser sends by itself.",
    "schema": {"type": "string", "const": "1"},
}


def _path_parameter(name: str, examples: Iterable[CallExample]) -> Json:
    given = next((one.path[name] for one in examples if "{" not in one.path.get(name, "{")), None)
    found = {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return found | ({"example": given} if given is not None else {})


def _query_parameter(one: QueryParameter) -> Json:
    return {
        "name": one.name,
        "in": "query",
        "required": one.required,
        "description": one.description,
        "schema": dict(one.schema),
    }


def _responses(route: Route, contract: Contract, schema_of: SchemaOf) -> Json:
    found: Json = {}
    for status, kind in sorted(contract.answers.items()):
        found[str(status)] = {"description": _OUTCOMES[status]}
        if kind is not None:
            found[str(status)]["content"] = {
                media: _content(media, kind, schema_of) for media in contract.media
            }
    statuses = {*USUAL_ERRORS, *contract.errors}
    statuses |= {401, 403} if route.rule.role is not None else set()
    statuses |= {408, 413} if contract.body is not None else set()
    statuses |= {one.status for one in contract.examples if one.status >= 400}
    for status in sorted(statuses):
        found[str(status)] = {"$ref": f"#/components/responses/{status}"}
    if contract.refusal is not ErrorAnswer:
        content = {"application/json": {"schema": schema_of(contract.refusal)}}
        if not route.path.startswith("/api/"):
            content |= _PLAIN_TEXT  # the address may be wrong before anybody looks into the body
        found["400"] = {"description": ERRORS[400], "content": content}
    return found


_OUTCOMES = {
    200: "What was asked for.",
    201: "It was made.",
    202: "It was taken, and is stored or under way.",
    204: "It is done; there is nothing to say.",
    207: "Some was taken; the answer says what was not.",
    303: "The page to go to.",
}


def _content(media: str, kind: Any, schema_of: SchemaOf) -> Json:
    if media != "application/json" or kind in (Any, str):
        return {"schema": {"type": "string"}} if kind is not Any else {}
    return {"schema": schema_of(kind)}


_PLAIN_TEXT: Json = {"text/plain": {"schema": {"type": "string"}}}


def _error(status: int, description: str) -> Json:
    schema = {"$ref": REF.format(name=ErrorAnswer.__name__)}
    found: Json = {
        "description": description,
        # Below /api/ and for who asks for JSON it is that, for others a line of text.
        "content": {"application/json": {"schema": schema}, **_PLAIN_TEXT},
    }
    if status in (429, 503):
        found["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    return found


def _named(examples: Iterable[CallExample]) -> Iterable[tuple[str, CallExample]]:
    for one in examples:
        yield re.sub(r"\W+", "-", one.summary).strip("-").lower(), one


def _example(one: CallExample) -> Json:
    found: Json = {"summary": one.summary, "status": one.status}
    for name in ("path", "query", "body"):
        if value := getattr(one, name):
            found[name] = dict(value) if isinstance(value, Mapping) else value
    return found


def _hook(kind: type) -> Json:
    if kind is Secret:
        return {"type": "string", "format": "password"}
    raise NotImplementedError(f"{kind.__name__} has no schema")


def _plain(value: Any, key: str = "") -> Any:
    """Return `value` with patterns as every dialect of expressions reads them, and without our own marks."""
    if isinstance(value, dict):
        return {name: _plain(one, name) for name, one in value.items() if not _is_mark(name)}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if key == "pattern" and isinstance(value, str):
        return value.replace(r"\A", "^").replace(r"\Z", "$")
    return value


def _is_mark(name: str) -> bool:
    return name in ("x-tenant", "x-address", "x-twin", "x-operator")
