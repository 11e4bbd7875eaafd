"""Servers that send back what they were sent, and labels that the operator takes from it."""

import json
from typing import Any

import pytest

from exporter.core.network import Network
from exporter.probes.http import PROBE
from tests.probes.day import probed, target_of
from tests.servers.raw import Visit, ok, serving

SECRET = "planted secret/0123"  # with signs that a URL writes in another way
LONG = "planted-" * 30


async def echo(visit: Visit) -> None:
    """Answer with the request itself."""
    request = (await visit.request()).decode()
    await visit.say(ok(json.dumps({"n": 1, "request": request, "lines": request.splitlines()}).encode()))


@pytest.mark.parametrize(
    "options",
    [
        {"auth": {"basic": {"username": "me", "password": SECRET}}},
        {"auth": {"bearer": {"token": SECRET}}},
        {"auth": {"bearer": {"token": LONG}}},
        {"auth": {"api_key": {"header": "X-Key", "key": SECRET}}},
        {"auth": {"api_key": {"query": "k", "key": SECRET}}},
        {"headers": {"X-Api-Token": SECRET}},
    ],
)
async def test_a_credential_that_a_server_sends_back_is_no_label(
    network: Network, options: dict[str, Any]
) -> None:
    labels = {"all": "request", **{f"line{number}": f"lines[{number}]" for number in range(6)}}
    extract = [{"metric": "n", "path": "n", "help": "N.", "labels": labels}]
    async with serving(echo) as server:
        result = await probed(target_of(PROBE, {"url": server.url(), "extract": extract, **options}), network)
    shown = str(result.samples[-1].labels)
    assert "***" in shown
    assert "planted" not in shown
    assert "bWU6cGxh" not in shown  # "me:pla" in base64


async def test_a_credential_in_the_urls_query_is_no_label_either(network: Network) -> None:
    extract = [{"metric": "n", "path": "n", "help": "N.", "labels": {"line": "lines[0]"}}]
    async with serving(echo) as server:
        url = server.url("/?api_key=planted-0123&page=1")
        result = await probed(target_of(PROBE, {"url": url, "extract": extract}), network)
    assert result.samples[-1].labels == ("GET /?api_key=***&page=1 HTTP/1.1",)
