"""The reference page of the HTTP API, from its description in OpenAPI."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exporter.generate import paths
from exporter.generate.document import as_markdown, table

PATH = f"{paths.REFERENCE}/api.md"

Node = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete", "options")


def api_page(document: Node) -> str:
    """Return the page of every route that `document` describes, by the first word of their paths."""
    parts = [
        "# HTTP API",
        f"Every route with what it takes and answers, as OpenAPI {document['openapi']} has it at "
        "`/api/v1/openapi.json`. Who may ask, and what protects changes: [access](../operating.md#access).",
        str(document["info"]["description"]),
        "Any route may answer 400, 429 and 503, all that need a role also 401 and 403; errors are one "
        "sentence, as [ErrorAnswer](#erroranswer).",
    ]
    for tag in document["tags"]:
        found = [_operation(*one) for one in _operations(document, tag["name"])]
        parts += [f"## {tag['name']}", *found]
    return as_markdown(*parts, "## Types", *_types(document))


def _operations(document: Node, tag: str) -> Iterator[tuple[str, str, Node]]:
    for path, place in document["paths"].items():
        for method in METHODS:
            if method in place and tag in place[method]["tags"]:
                yield method.upper(), path, place[method]


def _operation(method: str, path: str, found: Node) -> str:
    role = found["x-role"]
    who = "Anybody" if role == "anybody" else f"Role `{role}`"
    bound = "" if role == "anybody" or found["x-bound-to-tenants"] else "; no caller that is bound to tenants"
    lines = [f"### {method} {path}", f"{found['summary']} {who}{bound}."]
    if rows := [_parameter(one) for one in found["parameters"] if one["in"] != "header"]:
        lines.append(table(("Parameter", "In", "Type", "Meaning"), rows))
    if body := found.get("requestBody"):
        kinds = ", ".join(f"`{kind}`" for kind in body["content"])
        schema = next(iter(body["content"].values()))["schema"]
        needed = "" if body["required"] else ", which may be left out"
        lines.append(f"Takes {_type(schema)} as {kinds}{needed}.")
    lines.append(f"Answers {_answers(found['responses'])}.")
    lines += _examples(method, path, found.get("x-examples", ()))
    return "\n\n".join(lines)


def _parameter(one: Node) -> tuple[str, str, str, str]:
    name = f"`{one['name']}`" + ("" if one["in"] == "path" or not one["required"] else " (required)")
    return name, one["in"], _type(one["schema"]), one.get("description", "")


def _answers(responses: Node) -> str:
    """Return the answers of a route, without the errors that any route may have."""
    words = []
    for status, response in responses.items():
        if status in ("400", "401", "403", "429", "503"):
            continue
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema")
        kinds = [_type(schema)] if schema else []
        kinds += [f"`{kind}`" for kind in content if kind != "application/json"]
        words.append(status + (f" ({', '.join(kinds)})" if kinds else ""))
    return ", ".join(words)


def _examples(method: str, path: str, examples: Iterable[Node]) -> Iterator[str]:
    blocks = []
    for one in examples:
        place = path
        for name, value in one.get("path", {}).items():
            place = place.replace(f"{{{name}}}", value)
        query = "&".join(f"{name}={value}" for name, value in one.get("query", {}).items())
        text = f"# {one['summary']}: {one['status']}\n{method} {place}{'?' if query else ''}{query}"
        if "body" in one:
            text += f"\n\n{json.dumps(one['body'], indent=2)}"
        blocks.append(text)
    if blocks:
        yield "```http\n" + "\n\n".join(blocks) + "\n```"


def _types(document: Node) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines = [f"### {name}"]
        if text := schema.get("description"):
            lines.append(" ".join(text.split()))
        if "enum" in schema:
            lines.append(f"One of {_values(schema['enum'])}.")
        required = schema.get("required", ())
        if rows := [
            (f"`{key}`", _type(one), "" if key in required else "may be absent", one.get("description", ""))
            for key, one in schema.get("properties", {}).items()
        ]:
            lines.append(table(("Key", "Type", "", "Meaning"), rows))
        yield "\n\n".join(lines)


def _type(schema: Node) -> str:
    """Return a type in words, with links to those that have a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if parts := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(one) for one in parts))
    if "enum" in schema:
        return _values(schema["enum"])
    if "const" in schema:
        return _values([schema["const"]])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return words + (f" ({schema['format']})" if "format" in schema else "")


def _values(values: Iterable[Any]) -> str:
    return ", ".join(f"`{json.dumps(value) if not isinstance(value, str) else value}`" for value in values)
