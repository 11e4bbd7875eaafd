"""No tenant's row leads a credential of the operator to a place of its choice, whatever the provider."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import chain
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pytest
from msgspec import inspect

from exporter import registry
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError
from exporter.core.network import Answer, ConnectedPeer, Network, Request, Talk, Trace
from exporter.core.options import address_fields, extra_of, secret_fields, steering_fields, tenant_fields
from exporter.core.probe import Probe, Target
from tests.probes.day import good_day, probed, target_of

PROBES = list(registry.probes().values())
every_provider = pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
Endpoint = tuple[object, ...]
"""Where something was sent: scheme, host, port, and the names of headers and parameters of credentials."""

DECIDES = re.compile(
    r"(^|_)(url|uri|host|server|address|endpoint|port|header|query|parameter|path|project|region)(_|$)"
)
"""Names of options that decide where a credential goes."""

CANARY = "canary"
CANDIDATES: tuple[Any, ...] = (
    CANARY,
    "../canary",
    "a/../canary",
    "a/canary",
    "canary.example",
    "canary@127.0.0.9",
    "127.0.0.9:9/canary",
    "http://127.0.0.9:9/canary",
    "canary?x=1#y",
    "canary\r\nX-Canary: 1",
    "..",
    "acct_canary",
    "AC" + "c" * 32,
    "SK" + "c" * 32,
    "+15550009999",
    "99887766",
    "v99.9",
    (CANARY,),
    ("a/../canary",),
)
"""Values that a row of somebody unknown may bring; those that the type of an option refuses are left out."""


class Recorder:
    """A network that notes where everything goes, and sends it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.places: set[Endpoint] = set()
        self.names: set[str] = set()
        self.paths: set[str] = set()

    async def call(self, request: Request, trace: Trace) -> Answer:
        parts = urlsplit(request.url)
        credentials = tuple(sorted(name for name, _ in (*request.auth, *request.query)))
        self.places.add((parts.scheme, parts.hostname, parts.port, credentials))
        self.names |= {name for name, _ in (*request.auth, *request.query, *request.headers)}
        self.names |= {name for name, _ in parse_qsl(parts.query)}
        self.paths.add(parts.path)
        return await self.network.call(request, trace)

    async def connect(self, host: str, port: int, trace: Trace, **more: Any) -> ConnectedPeer:
        self.places.add((host, port))
        return await self.network.connect(host, port, trace, **more)

    def talk(self, host: str, port: int, trace: Trace, **more: Any) -> AbstractAsyncContextManager[Talk]:
        self.places.add((host, port))
        return self.network.talk(host, port, trace, **more)


def free_fields(probe: Probe) -> list[str]:
    """Return the options that a row may set although the operator's credential is used with them."""
    steering = steering_fields(probe.options)
    return sorted(tenant_fields(probe.options) - {*steering, *secret_fields(probe.options)})


def accepted(probe: Probe, options: Mapping[str, Any], option: str) -> Iterator[Target]:
    for value in CANDIDATES:
        try:
            yield target_of(probe, options, **{option: value})
        except msgspec.ValidationError:
            continue


@every_provider
async def test_what_a_row_may_set_never_changes_where_a_credential_goes(
    probe: Probe, network: Network
) -> None:
    async with good_day(probe.name).open() as stage:
        usual = Recorder(network)
        await probed(target_of(probe, stage.options), usual)
        for option in free_fields(probe):
            for target in accepted(probe, stage.options, option):
                row = Recorder(network)
                await probed(target, row)
                assert row.places <= usual.places, option
                assert not [name for name in row.names if CANARY in name.lower()], option
                assert not [path for path in row.paths if ".." in unquote(path).split("/")], option


@every_provider
def test_an_option_that_is_put_into_an_address_is_marked(probe: Probe) -> None:
    info: Any = inspect.type_info(probe.options)
    texts = [field.default for field in info.fields if isinstance(field.default, str)]
    put_in = {name for text in texts for name in re.findall(r"\{(\w+)\}", text)}
    assert put_in & set(free_fields(probe)) == set()


def nested(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every field below a tenant's option with its path, unless the operator alone may set it."""
    marks = extra_of(kind)
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if marks.get("operator"):
        return
    if isinstance(kind, inspect.UnionType):
        yield from chain.from_iterable(nested(one, path) for one in kind.types)
    elif isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from nested(field.type, (*path, field.encode_name))
    else:
        yield path, kind


@every_provider
def test_a_part_of_a_tenants_option_that_decides_it_is_the_operators(probe: Probe) -> None:
    info: Any = inspect.type_info(probe.options)
    safe = set(steering_fields(probe.options)) | address_fields(probe.options)
    free = {field.encode_name: field.type for field in info.fields if field.encode_name not in safe}
    found = [
        path
        for option in tenant_fields(probe.options) & free.keys()
        for path, _ in nested(free[option], (option,))
        if any(DECIDES.search(step) for step in path)
    ]
    assert found == []


def suitable(probe: Probe, option: str) -> str:
    """Return a text that the option takes."""
    kind = get_type_hints(probe.options, include_extras=True)[option]
    for value in CANDIDATES:
        try:
            return str(msgspec.convert(value, kind))
        except msgspec.ValidationError:
            continue
    raise AssertionError(f"no candidate fits {probe.name}.{option}: add one")


def loaded(folder: Path, probe: Probe, operator: Mapping[str, Any], rows: Iterable[Any]) -> Configuration:
    document = {
        "integrations": [
            {
                "name": "a",
                "provider": probe.name,
                "interval": "1h",
                "options": dict(operator),
                "tenants": {"files": ["rows.json"]},
            }
        ]
    }
    (folder / "rows.json").write_bytes(msgspec.json.encode(list(rows)))
    (folder / "main.yml").write_bytes(msgspec.json.encode(document))
    return load_file(str(folder / "main.yml"), registry.catalogue(), {})


STEERING = [
    (probe, option, credentials)
    for probe in PROBES
    for option, credentials in steering_fields(probe.options).items()
]


@pytest.mark.parametrize(
    ("probe", "option", "credentials"),
    STEERING,
    ids=[f"{probe.name}-{option}" for probe, option, _ in STEERING],
)
def test_a_row_that_decides_where_a_credential_goes_brings_its_own(
    probe: Probe, option: str, credentials: tuple[str, ...], tmp_path: Path
) -> None:
    operators = dict.fromkeys(credentials, "operators-own-credential-1")
    value = suitable(probe, option)
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, probe, operators, [{"id": "t", "options": {option: value}}])
    (mistake,) = caught.value.mistakes
    assert f"the option {option} decides where {credentials[0]} goes" in mistake.what
    assert mistake.file.endswith("rows.json")
    own = dict.fromkeys(credentials, "the-tenants-own-credential-2")
    made = loaded(tmp_path, probe, operators, [{"id": "t", "options": {option: value, **own}}])
    assert "operators-own" not in repr(
        [getattr(made.targets["a", "t"].options, name).reveal() for name in credentials]
    )
    # where the operator has no credential there is none to lead away
    assert loaded(tmp_path, probe, {}, [{"id": "t", "options": {option: value}}]).targets


def test_the_list_in_the_file_is_the_operators_own(tmp_path: Path) -> None:
    (tmp_path / "main.yml").write_text(
        """\
integrations:
- name: a
  provider: supabase
  options: {service_role_key: operators-own-credential}
  tenants: {list: [{id: t, options: {project: abc}}]}
- name: b
  provider: http
  options: {url: "http://127.0.0.1/"}
  tenants: {list: [{id: t, options: {auth: {api_key: {key: k, header: X-Key}}}}]}
"""
    )
    made = load_file(str(tmp_path / "main.yml"), registry.catalogue(), {})
    assert made.targets["a", "t"].options.project == "abc"
    assert made.targets["b", "t"].options.auth.api_key.header == "X-Key"


@pytest.mark.parametrize("place", ["header", "query"])
def test_a_row_brings_the_key_alone_and_the_operator_says_where_it_goes(tmp_path: Path, place: str) -> None:
    http = registry.probes()["http"]
    operator = {"url": "http://127.0.0.1/", "auth": {"api_key": {place: "X-Key"}}}
    row = {"id": "t", "options": {"auth": {"api_key": {"key": "of-the-tenant"}}}}
    made = loaded(tmp_path, http, operator, [row]).targets["a", "t"].options.auth.api_key
    assert (getattr(made, place), made.key.reveal()) == ("X-Key", "of-the-tenant")


@pytest.mark.parametrize("place", ["header", "query"])
@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "Cookie", "X-Api-Key", "admin"])
def test_a_row_never_names_the_header_or_the_parameter(tmp_path: Path, place: str, name: str) -> None:
    http = registry.probes()["http"]
    row = {"id": "t", "options": {"auth": {"api_key": {"key": "of-the-tenant", place: name}}}}
    for operator in ({}, {"auth": {"api_key": {"header": "X-Key"}}}):
        with pytest.raises(ConfigError) as caught:
            loaded(tmp_path, http, {"url": "http://127.0.0.1/", **operator}, [row])
        (mistake,) = caught.value.mistakes
        assert mistake.what == f"auth.api_key.{place} decides where a credential goes: no tenant can set it"


def test_a_key_that_nobody_brings_is_a_mistake(tmp_path: Path) -> None:
    http = registry.probes()["http"]
    operator = {"url": "http://127.0.0.1/", "auth": {"api_key": {"header": "X-Key"}}}
    with pytest.raises(ConfigError, match="the api_key has no key"):
        loaded(tmp_path, http, operator, [{"id": "t"}])
