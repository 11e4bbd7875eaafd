"""A credential that slipped into a wrong place stands in no message, whatever the provider and the place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from exporter import registry
from exporter.config.document.convert import root_type
from exporter.config.layout import Layout
from exporter.config.load import load_text
from exporter.core.errors import ConfigError
from exporter.core.options import twin_fields
from exporter.core.probe import Probe

PLANTED = (
    "sk_live_51HabcDEFghiJKLmnoPQRstu",
    "rk_test_abcdefgh",
    "0123456789abcdef0123456789abcdef",
    "AC0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "SG.abcdefgh12345678.ABCDEFGHabcdefgh12345678",
    "xoxb-123456789012-abcdefABCDEF",
    "1//0gabcdefGHIJKLmnop",
    "ya29.a0AfB_byC1234567890abcdefgh",
    "GOCSPX-abcdEFGHijklMNOP",
    "sb_secret_abcdefghij_klmnopqr",
    "re_9aBcDeFg_1234567890abcdefABCDEF",
    "EAABsbCS1234ZBexampleTOKEN5678",
    "6f1c2d3e-aaaa-bbbb-cccc-123456789012:0123456789abcdef",
    "Tr0ub4dor-and-3-horses",
    "p4ssW0rd!x9Y",
)
"""What vendors issue, and what people invent."""

Option = tuple[str, Any]


def plain(kind: Any) -> Any:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        return plain(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    return kind


def planted_in(kind: Any, secret: str, depth: int = 0) -> Iterator[Any]:
    """Yield values of a type with the secret in each of its places, and in places that it has not."""
    kind = plain(kind)
    yield secret
    yield [secret]
    yield {secret: 1}
    yield {"unknown": secret}
    if isinstance(kind, inspect.StructType) and depth < 4:
        for field in kind.fields:
            for value in planted_in(field.type, secret, depth + 1):
                yield {field.encode_name: value}
        for name in twin_fields(kind.cls):
            yield {f"{name}_file": secret}
    elif (item := getattr(kind, "item_type", None)) is not None:
        yield from ([value] for value in planted_in(item, secret, depth + 1))
    elif isinstance(kind, inspect.DictType):
        yield from ({"a": value} for value in planted_in(kind.value_type, secret, depth + 1))
        yield {secret: secret}


def of_provider(probe: Probe, secret: str) -> Iterator[dict[str, Any]]:
    """Yield the options of a provider with the secret in each wrong place of theirs."""
    for field in root_type(probe.options).fields:
        name = field.encode_name
        for value in planted_in(field.type, secret):
            yield {name: value}
        yield {f"{name}_file": secret}
        yield {f"{name}x": secret}
        yield {f"{name}:{secret}": None}
    yield {secret: secret}


def integrations(probe: Probe, secret: str) -> Iterator[dict[str, Any]]:
    for index, options in enumerate(of_provider(probe, secret)):
        yield {"name": f"{probe.name}-{index}", "provider": probe.name, "options": options}
        rows = [{"id": "t", "options": options}, {"id": secret, "options": options}, {"id": f"bad {secret}"}]
        tenants = {"tenants": {"list": rows}}
        yield {"name": f"{probe.name}-t-{index}", "provider": probe.name, "options": {}, **tenants}
    for key, value in (
        ("provider", secret),
        ("name", f"bad {secret}"),
        ("interval", secret),
        ("timeout", secret),
        ("labels", {secret: "x y", "bad " + secret: secret}),
        ("thresholds", {secret: {secret: 1}, "error_ratio": {secret: secret, "high": secret}}),
        ("tenants", {"files": [secret], "secrets_dir": secret}),
        ("tenants", {"list": [{"id": "t"}, {"id": secret}, {"id": secret}]}),
        ("tenants", {"http": {"url": secret, "refresh": secret, "headers": {secret: secret}}}),
        ("tenants", {"sql": {"url": secret, "query": secret, "url_file": secret}}),
        ("tokens", {"source": secret, "sql": {"select": f"SELECT :{secret}", "update": secret}}),
        (secret, 1),
    ):
        yield {"name": f"{probe.name}-{key}"[:60], "provider": probe.name, **{key: value}}


def messages(document: Any, folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_text(msgspec.json.encode(document).decode(), str(folder / "main.yml"), registry.catalogue(), {})
    assert caught.value.mistakes
    return str(caught.value)


def assert_unseen(text: str) -> None:
    parts = {part for one in PLANTED for part in (one, one[:10], one[-10:])}
    lines = [line for line in text.splitlines() if any(part in line for part in parts)]
    assert lines == []


@pytest.mark.parametrize("offset", range(2))
def test_no_mistake_in_options_quotes_a_credential(offset: int, tmp_path: Path) -> None:
    probes = list(registry.probes().values())
    made = [list(integrations(probe, secret)) for probe in probes for secret in PLANTED]
    # each place has another credential in each of the loads: all of them in all would take minutes
    count = len(PLANTED)
    planted = [
        made[number * count + (index * 5 + offset * 7) % count][index]
        for number in range(len(probes))
        for index in range(min(map(len, made[number * count : (number + 1) * count])))
    ]
    assert len(planted) > 1000
    assert_unseen(messages({"integrations": planted}, tmp_path))


@pytest.mark.parametrize("offset", range(3))
def test_no_mistake_elsewhere_quotes_a_credential(offset: int, tmp_path: Path) -> None:
    made = {
        section.encode_name: {secret: list(planted_in(section.type, secret)) for secret in PLANTED}
        for section in root_type(Layout).fields
    }
    seen = ""
    for index in range(max(len(values[PLANTED[0]]) for values in made.values())):
        secret = PLANTED[(index * 5 + offset * 7) % len(PLANTED)]
        # One load has a place of each section that has so many: every mistake is listed, wherever it is.
        planted = {name: by[secret][index] for name, by in made.items() if index < len(by[secret])}
        document = {"integrations": [{"name": "x", "provider": "nobody"}], **planted}
        seen += messages(document, tmp_path)
    assert_unseen(seen)


@pytest.mark.parametrize(
    ("name", "written"),
    [("stripe", "keys/stripe"), ("stripe.txt", "stripe.txt"), ("/run/secrets/stripe", "/run/secrets/stripe")],
)
def test_a_path_is_quoted_because_it_looks_like_one(tmp_path: Path, name: str, written: str) -> None:
    document = {
        "integrations": [{"name": "a", "provider": "stripe", "options": {"secret_key_file": written}}]
    }
    found = messages(document, tmp_path)
    assert name in found
    assert "does not exist" in found
