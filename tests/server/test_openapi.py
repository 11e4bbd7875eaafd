"""The description of the API: whole, valid, and true of a running exporter."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from exporter.generate.api_page import PATH, api_page
from exporter.server.contracts import Contract, contracts
from exporter.server.contracts._contract import CallExample
from exporter.server.openapi import document, plain_path
from exporter.server.pages import tabs
from exporter.server.routes import ROUTES
from tests.server.running import RunningExporter, running_exporter

ROOT = Path(__file__).parents[2]
DOCUMENT = document()
PAGES = {tab.path for tab in tabs()}
SERVED = {(method, route.path) for route in ROUTES for method in route.methods if method != "HEAD"}


def test_every_route_has_a_contract_and_every_contract_a_route() -> None:
    missing = {place for place in SERVED if place not in contracts() and place[1] not in PAGES}
    assert missing == set(), "write what it takes and answers into exporter/server/contracts/"
    assert set(contracts()) - SERVED == set()


def test_the_document_is_valid() -> None:
    errors = [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()]
    assert errors == []
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_route_is_in_the_document_with_its_role_and_an_example() -> None:
    for route in ROUTES:
        for method in set(route.methods) - {"HEAD"}:
            found = DOCUMENT["paths"][plain_path(route.path)][method.lower()]
            assert found["summary"] == route.description
            assert found["x-role"] == (str(route.rule.role) if route.rule.role else "anybody")
            assert found.get("x-examples") or route.path in PAGES, (method, route.path)
    names = [one["operationId"] for place in DOCUMENT["paths"].values() for one in place.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if not path.startswith("/api/")])
def test_outside_the_api_every_refusal_may_be_a_line_of_text(path: str) -> None:
    for method, place in DOCUMENT["paths"][path].items():
        for status in place["responses"]:
            if int(status) >= 400:
                assert fits(method.upper(), path, int(status), {"Content-Type": "text/plain"}, b"no") == []


def test_the_page_of_the_api_is_made_of_the_document() -> None:
    page = api_page(DOCUMENT)
    assert (ROOT / PATH).read_text() == page
    for path, place in DOCUMENT["paths"].items():
        for method in place:
            assert f"### {method.upper()} {path}\n" in page
    for name in DOCUMENT["components"]["schemas"]:
        assert f"### {name}\n" in page


# --- what it says is true ------------------------------------------------------------------------------


def examples() -> Iterator[tuple[str, str, Contract, CallExample]]:
    for (method, path), contract in contracts().items():
        for one in contract.examples:
            yield method, path, contract, one


@pytest.mark.asyncio(loop_scope="session")
async def test_every_example_is_answered_as_it_says(tmp_path: Path) -> None:
    # One of its own: an alert by hand is new, and a test of notifications runs, once for each exporter.
    async with running_exporter(tmp_path) as exporter:
        wrong = await _wrong_examples(exporter)
    assert wrong == [], "\n".join(wrong)


async def _wrong_examples(exporter: RunningExporter) -> list[str]:
    known: dict[str, str] = {}
    wrong = []
    for method, path, _, one in examples():
        place = plain_path(path)
        for name, value in one.path.items():
            place = place.replace(f"{{{name}}}", quote(value.format_map(known), safe="/"))
        more: dict[str, Any] = {"params": one.query}
        if one.body is not None:
            more["json"] = one.body
        status, headers, body = await exporter.ask(method, place, **more)
        problems = [] if status == one.status else [f"{status}: {body.decode()[:200]}"]
        problems += fits(method, path, status, headers, body)
        wrong += [f"{method} {path} {one.summary}: {problem}" for problem in problems]
        for name, key in one.keeps.items():
            known[name] = json.loads(body).get(key, "")
    return wrong


def fits(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """Return what in an answer is not as the document says."""
    responses = DOCUMENT["paths"][plain_path(path)][method.lower()]["responses"]
    response = responses.get(str(status))
    if response is None:
        return [f"the document has no answer {status}"]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response.get("content", {})
    kind = headers.get("Content-Type", "").partition(";")[0]
    if not content:
        return [] if not body else [f"the document says of {status} that it is empty"]
    if kind not in content and "*/*" not in content:
        return [f"{status} is {kind}"]
    if kind != "application/json":
        return []
    schema = strict(content[kind].get("schema", {}))
    validator = Draft202012Validator({**schema, "components": COMPONENTS})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(json.loads(body))]


def strict(schema: Any) -> Any:
    """Return a schema by which a key that the document does not know is wrong."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(one) for name, one in schema.items()}
    if found.get("type") == "object" and isinstance(found.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found


COMPONENTS = strict(DOCUMENT["components"])


def test_a_key_that_the_document_lacks_is_found() -> None:
    head = {"Content-Type": "application/json"}
    good = {"error": "no", "status": 404}
    assert fits("GET", "/api/v1/status", 404, head, json.dumps(good).encode()) == []
    assert fits("GET", "/api/v1/status", 404, head, json.dumps(good | {"more": 1}).encode()) != []
    assert fits("GET", "/api/v1/status", 404, head, b'{"error": "no"}') != []
    assert fits("GET", "/api/v1/status", 418, head, b"{}") == ["the document has no answer 418"]
