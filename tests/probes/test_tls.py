import ssl
import time
from pathlib import Path

import pytest

from exporter.core.common_metrics import CERTIFICATE_EXPIRY, CERTIFICATE_SERIES
from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.reason import Reason
from exporter.probes.tls import PROBE, TlsProbeOptions
from tests.probes.day import probed, target_of, values
from tests.servers.alerting import alerting
from tests.servers.authority import Authority, self_signed
from tests.servers.raw import keeping, serving


async def test_a_good_certificate_is_reported_with_version_and_expiry(
    network: Network, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with serving(keeping(), tls=authority.server()) as server:
        options = {"host": "localhost", "port": server.port, "tls": {"ca_file": authority.ca_file}}
        result = await probed(target_of(PROBE, options), network)
    assert result.ok
    assert values(result)["tls_version_info{TLSv1.3}"] == 1
    (expiry,) = [fact for fact in result.facts if fact.metric == CERTIFICATE_EXPIRY]
    assert expiry.value == pytest.approx(time.time() + 30 * 86_400, abs=120)
    assert list(result.phases) == ["resolve", "connect", "tls"]
    assert server.requests == []


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [(-30, -2, "has expired"), (2, 30, "not yet valid")],
    ids=["expired", "early"],
)
async def test_a_certificate_out_of_its_time_fails_and_its_expiry_is_reported(
    network: Network, tmp_path: Path, since: float, until: float, words: str
) -> None:
    authority = Authority(tmp_path)
    async with serving(keeping(), tls=authority.server(since=since, until=until)) as server:
        options = {"host": "127.0.0.1", "port": server.port, "tls": {"ca_file": authority.ca_file}}
        result = await probed(target_of(PROBE, options), network)
    assert (result.reason, result.samples) == (Reason.TLS, ())
    assert words in result.detail
    (expiry, _) = result.facts
    assert expiry.value == pytest.approx(time.time() + until * 86_400, abs=120)


async def test_a_certificate_that_nobody_signed_passes_only_where_that_is_allowed(
    network: Network, tmp_path: Path
) -> None:
    async with serving(keeping(), tls=self_signed(tmp_path)) as server:
        options = {"host": "localhost", "port": server.port}
        refused = await probed(target_of(PROBE, options), network)
        taken = await probed(target_of(PROBE, {**options, "tls": {"insecure_skip_verify": True}}), network)
    assert (refused.reason, refused.detail) == (Reason.TLS, "the server's certificate is self-signed")
    assert taken.ok
    assert refused.facts == taken.facts


async def test_the_name_to_verify_can_be_another_than_the_host(network: Network, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with serving(keeping(), tls=authority.server("api.example")) as server:
        tls = {"ca_file": authority.ca_file}
        options = {"host": "127.0.0.1", "port": server.port, "tls": {**tls, "server_name": "api.example"}}
        assert (await probed(target_of(PROBE, options), network)).ok
        result = await probed(target_of(PROBE, {**options, "tls": tls}), network)
    assert result.detail == "the server's certificate is for another address than 127.0.0.1"


async def test_a_port_that_speaks_plain_http_is_reported_so(network: Network) -> None:
    async with serving(keeping(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        # the server waits for an empty line, which no handshake holds
        target = target_of(PROBE, {"host": "127.0.0.1", "port": server.port}, timeout=0.3)
        assert (await probed(target, network)).reason is Reason.TIMEOUT


@pytest.mark.parametrize(("newest", "connected"), [("TLSv1_3", True), ("TLSv1_2", False)])
async def test_a_server_that_requires_our_certificate_says_so_within_the_handshake_up_to_tls_1_2_alone(
    network: Network, tmp_path: Path, newest: str, connected: bool
) -> None:
    authority = Authority(tmp_path)
    context = authority.server(ask_client=True)
    context.maximum_version = ssl.TLSVersion[newest]
    with alerting(context) as server:
        options = {"host": "127.0.0.1", "port": server.port, "tls": {"ca_file": authority.ca_file}}
        result = await probed(target_of(PROBE, options), network)
    assert (result.reason is None) == connected, result.detail


async def test_the_end_of_our_own_certificate_is_a_fact(network: Network, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.client()
    async with serving(keeping(), tls=authority.server(ask_client=True)) as server:
        tls = {"ca_file": authority.ca_file, "cert_file": cert, "key_file": key}
        target = target_of(PROBE, {"host": "127.0.0.1", "port": server.port, "tls": tls})
        result = await probed(target, network)
    assert [fact.metric for fact in result.facts] == list(CERTIFICATE_SERIES)


def test_a_tenant_may_not_say_where_to_connect_or_whom_to_trust() -> None:
    assert tenant_fields(TlsProbeOptions) == frozenset()
