"""A run leaves nothing that only the collector of cycles frees: that holds the loop."""

import pytest

from exporter.core.network import Network
from exporter.core.reason import Reason
from exporter.probes.http import PROBE
from tests.leftovers import leftovers
from tests.probes.day import probed, target_of
from tests.servers.authority import Authority
from tests.servers.ports import free_port
from tests.servers.raw import answering, keeping, ok, serving

TRUE = {"body": ["status == 'ok'", "length(items) > `1`"]}
BODY = b'{"status": "ok", "items": [1, 2]}'
RUNS, OURS = 3, ("exporter", "jmespath")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ok(BODY), None),
        (ok(b'{"status": "down", "items": []}'), Reason.ASSERTION),
        (ok(b"{nonsense"), Reason.BAD_RESPONSE),
        (ok(BODY, "Content-Encoding: gzip\r\n"), Reason.BAD_RESPONSE),
        (ok(BODY, status="503 Busy"), Reason.VENDOR_ERROR),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n", Reason.BAD_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\ncut", Reason.CONNECT),
        (b"nonsense\r\n\r\n", Reason.BAD_RESPONSE),
        (b"", Reason.CONNECT),
    ],
)
@pytest.mark.parametrize("connection", ["new", "reuse"])
async def test_neither_a_good_run_nor_a_failed_one_leaves_cycles(
    network: Network, answer: bytes, reason: Reason | None, connection: str
) -> None:
    async with serving(answering(answer)) as server:
        target = target_of(PROBE, {"url": server.url(), "expect": TRUE, "connection": connection})
        assert (await probed(target, network)).reason == reason  # what is made once is made
        with leftovers(*OURS) as left:
            for _ in range(RUNS):
                await probed(target, network)
    assert left == []


async def test_a_certificate_that_is_refused_leaves_no_cycle(
    network: Network, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    async with serving(keeping(), tls=authority.server()) as server:
        target = target_of(PROBE, {"url": server.url(scheme="https")})
        assert (await probed(target, network)).reason is Reason.TLS
        with leftovers(*OURS) as left:
            for _ in range(RUNS):
                await probed(target, network)
    assert left == []


async def test_a_connection_that_is_refused_leaves_no_cycle(network: Network) -> None:
    target = target_of(PROBE, {"url": f"http://127.0.0.1:{free_port()}/"})
    assert (await probed(target, network)).reason is Reason.CONNECT
    with leftovers(*OURS) as left:
        for _ in range(RUNS):
            await probed(target, network)
    assert left == []
