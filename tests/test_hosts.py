"""International host names: every part of the program means the same host by the same name."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import exporter
from exporter import registry
from exporter.core.clock import SystemClock
from exporter.core.errors import ProbeError
from exporter.core.hosts import ascii_host
from exporter.core.reason import Reason
from exporter.engine.run import run
from exporter.net import url as urls
from exporter.net.network import LoopNetwork
from tests.probes.day import target_of
from tests.servers.names import Names, name_room

ROOT = Path(exporter.__file__).parent
NAMES = {
    "straße.example": "xn--strae-oqa.example",
    "STRASSE.example": "strasse.example",
    "A.ẞ.example": "a.xn--zca.example",
    "نامه‌ای.example": "xn--mgba3gch31f060k.example",
    "müller.example": "xn--mller-kva.example",
    "bücher。example": "xn--bcher-kva.example",
    "☃.example": "xn--n3h.example",
    "I♥NY.example": "xn--iny-zx5a.example",
    "faß.example.": "xn--fa-hia.example.",
    "a_b.müller.example": "a_b.xn--mller-kva.example",
    "\uff11\uff12\uff17.0.0.1": "127.0.0.1",
}
IMPOSSIBLE = (
    *("", "a..b", "ü..b", ".a", ".", "a b", "x" * 64 + ".example", "ü" * 64 + ".example", "a." * 130),
    *("a‍b.example", "é‌x.example", "xn--☃.example", "\u0301a.example", "☃\u200d.example", "אa☃.example"),
    *("℀.example", "[::1]", "1:2:z", "\ud800.example"),
)


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_a_name_becomes_ascii_as_in_browsers(name: str, expected: str) -> None:
    assert ascii_host(name) == expected


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_name_is_refused_and_never_an_error_of_a_codec(name: str) -> None:
    with pytest.raises(ValueError, match=r"^the host is ") as caught:
        ascii_host(name)
    assert not isinstance(caught.value, UnicodeError)


def test_the_longest_label_and_the_longest_name_are_taken() -> None:
    longest = ".".join(["x" * 63] * 3 + ["x" * 61])
    assert ascii_host(longest) == longest
    with pytest.raises(ValueError, match="no valid name"):
        ascii_host(longest + "x")


def test_nothing_but_core_hosts_makes_names_ascii() -> None:
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            texts = [node.value] if isinstance(node, ast.Constant) else []
            texts += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            texts += [node.module] if isinstance(node, ast.ImportFrom) else []
            if any(text in ("idna", "punycode", "encodings.idna") for text in texts):
                found.add(str(path.relative_to(ROOT)))
    assert found == {"core/hosts.py"}


class Listening(LoopNetwork):
    """Resolves no name, and knows which ones it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def _addresses(self, host: str, *_: object) -> list[str]:
        self.asked.append(host)
        raise ProbeError(Reason.DNS, "no name is resolved here")


DIALLING: Mapping[str, Mapping[str, Any]] = {
    "http": {"url": "https://NAME/"},
    "tcp": {"host": "NAME", "port": 9},
    "tls": {"host": "NAME"},
    "smtp": {"host": "NAME"},
    "dns": {"name": "example.org", "server": "NAME"},
    "statuspage": {"url": "https://NAME"},
    "postgres": {"host": "NAME", "user": "u", "password": "p", "database": "d"},
}


def named(provider: str, name: str) -> dict[str, Any]:
    given = DIALLING[provider]
    return {
        key: value.replace("NAME", name) if isinstance(value, str) else value for key, value in given.items()
    }


def test_every_generic_provider_is_in_the_table() -> None:
    assert DIALLING.keys() == {name for name, probe in registry.probes().items() if probe.generic}


@pytest.mark.parametrize("provider", DIALLING)
@pytest.mark.parametrize("name", NAMES)
async def test_every_provider_asks_for_the_same_host(provider: str, name: str) -> None:
    network = Listening()
    target = target_of(registry.probes()[provider], named(provider, name))
    result = await run(target, network, SystemClock(), {})
    await network.close()
    assert result.reason is Reason.DNS, result.detail
    assert set(network.asked) == {NAMES[name]}


async def test_the_provider_dns_asks_for_the_name_that_the_others_resolve() -> None:
    network = LoopNetwork()
    asked = Names()
    async with name_room(asked):
        options = {"name": "straße.example", "server": "127.0.0.1", "port": asked.port}
        await run(target_of(registry.probes()["dns"], options), network, SystemClock(), {})
    await network.close()
    assert asked.asked[0][1].startswith("xn--strae-oqa.example.")


@pytest.mark.parametrize("provider", DIALLING)
@pytest.mark.parametrize("name", ["a..b", "x" * 70 + ".example", "é\u200cx.example"])
async def test_no_provider_stumbles_over_an_impossible_name(provider: str, name: str) -> None:
    probe = registry.probes()[provider]
    target = target_of(probe, named(provider, name))
    if probe.verify is not None and provider != "postgres":  # libpq judges its host, or list of hosts
        assert any("the host is no valid name" in text for text in probe.verify(target.options))
    network = Listening()
    result = await run(target, network, SystemClock(), {})
    await network.close()
    assert (result.reason, network.asked) == (Reason.NOT_CONFIGURED, [])
    assert "the host is no valid name" in result.detail


def test_a_redirect_leads_to_the_same_host_as_the_url_itself() -> None:
    assert urls.parse("https://straße.example/").host == NAMES["straße.example"]
    assert str(urls.parse("https://straße.example:8443/a")) == "https://xn--strae-oqa.example:8443/a"
