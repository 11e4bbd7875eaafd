"""Who is on this machine: the peer and each header that a proxy adds, one by one.

The table is written by hand, from what proxies document, so that a slip in the exporter's own shows here.
"""

import asyncio
from typing import Any

import pytest
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.test_utils import make_mocked_request

from exporter.server.local import check_local, is_forwarding, peer_of
from tests.server.house import Room, house, state
from tests.waiting import PATIENCE

PROXIES = """
Forwarded Via Client-IP Real-IP True-Client-IP Proxy-Client-IP WL-Proxy-Client-IP X-Client-IP X-Real-IP
X-Real-Port X-Real-Host X-Cluster-Client-IP X-Remote-Addr X-Remote-IP X-Remote-User Remote-User
X-Source-IP X-Host X-Scheme X-URL-Scheme X-Rewrite-URL X-Request-URI X-SSL X-HTTPS Front-End-Https
X-ProxyUser-Ip X-Coming-From X-Varnish X-Served-By X-BlueCoat-Via Proxy-Connection CDN-Loop CDN-Src-IP
CDN-Client-IP Ali-CDN-Real-IP EagleEye-TraceId EagleId X-Amzn-Trace-Id X-Cloud-Trace-Context X-ARR-LOG-ID
X-ARR-SSL X-Site-Deployment-Id X-Sucuri-ClientIP X-Sucuri-Country X-Nf-Client-Connection-Ip
X-Nf-Request-Id Tailscale-User-Login X-Middleton-IP X-CDN X-Edge-Location X-Ngrok-Id X-Iinfo
Surrogate-Capability X-Auth-Request-User X-Auth-Request-Email X-Authentik-Username X-WebAuth-User
X-Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-ForwardedFor X-Forward-For
X-Forward-Proto X-Envoy-Peer-Metadata X-Envoy-External-Address X-Original-URL X-Original-Forwarded-For
X-Proxy-User X-Proxied-By X-Amz-Cf-Id X-Amzn-Oidc-Identity CF-Connecting-IP CF-Ray
CloudFront-Viewer-Address Fastly-Client-IP Fly-Client-IP Incap-Client-IP Akamai-Origin-Hop
X-Akamai-Edgescape X-Azure-ClientIP X-FD-HealthProbe X-AppEngine-User-IP X-Goog-IAP-JWT-Assertion
X-Goog-Authenticated-User-Email X-Vercel-Id X-Traefik-Router X-SSL-Client-Verify Tailscale-User-Name
CDN-RequestId X-CDN-Forward X-HAProxy-Server-State X-Caddy-Id X-Nginx-Proxy X-Kong-Request-Id
"""
DIRECT = """
Accept Accept-Encoding Authorization Cache-Control Connection Content-Length Content-Type Cookie Host
Origin Referer Sec-Fetch-Site Upgrade-Insecure-Requests User-Agent X-Integration-Exporter
X-Prometheus-Scrape-Timeout-Seconds X-Requested-With Remote-Users CF
"""


@pytest.mark.parametrize("header", PROXIES.split())
def test_a_header_that_proxies_add_says_that_somebody_forwards(header: str) -> None:
    assert is_forwarding(header) and is_forwarding(header.lower())


@pytest.mark.parametrize("header", DIRECT.split())
def test_what_browsers_prometheus_and_curl_send_says_nothing_of_the_kind(header: str) -> None:
    assert not is_forwarding(header)


class Connection(asyncio.Transport):
    """A connection from elsewhere: this machine has no peer but loopback, so no server can stand for it."""

    def __init__(self, peer: Any) -> None:
        super().__init__({"peername": peer})


def answer(peer: Any, version: Any = HttpVersion11, **headers: str) -> str:
    """Return the refusal that a caller from `peer` gets, "" where it may ask."""
    request = make_mocked_request(
        "GET", "/", {"Host": "localhost"} | headers, version=version, transport=Connection(peer)
    )
    try:
        check_local(request)
    except web.HTTPForbidden as refused:
        return refused.text or "?"
    return ""


ELSEWHERE = "no access is configured, so only this machine may ask; see --web.config.file"


@pytest.mark.parametrize(
    ("peer", "message"),
    [
        (("127.0.0.1", 4000), ""),
        (("127.9.9.9", 4000), ""),
        (("::1", 4000, 0, 0), ""),
        (("::1%lo", 4000, 0, 1), ""),
        (("::ffff:127.0.0.1", 4000, 0, 0), ""),
        (("::ffff:10.0.0.5", 4000, 0, 0), ELSEWHERE),
        (("10.0.0.5", 4000), ELSEWHERE),
        (("fe80::1%eth0", 4000, 0, 2), ELSEWHERE),
        (("no address", 4000), ELSEWHERE),
        ("", ELSEWHERE),
        (None, ELSEWHERE),
    ],
)
def test_only_a_peer_on_loopback_may_ask(peer: Any, message: str) -> None:
    assert answer(peer) == message


def test_the_address_of_a_peer_is_read_with_its_zone_and_behind_ipv4_in_ipv6() -> None:
    for given, found in (
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("2001:db8::1", "2001:db8::1"),
    ):
        request = make_mocked_request("GET", "/", transport=Connection((given, 1, 0, 0)))
        assert str(peer_of(request)) == found


def test_each_reason_to_refuse_is_reported_alone() -> None:
    here = ("127.0.0.1", 4000)
    assert "nothing may be forwarded here" in answer(here, Via="1.1 somebody")
    assert "HTTP/1.0, which proxies speak, is not answered" in answer(here, HttpVersion10)
    assert "the host must be localhost" in answer(here, Host="evil.example")


@pytest.mark.parametrize("host", ["localhost:", "localhost:x", ":10055", "localhost:1:2", "[::1", "::1", ""])
def test_a_host_that_only_resembles_this_machine_is_another(host: str) -> None:
    assert "the host must be localhost" in answer(("127.0.0.1", 4000), Host=host)


async def test_a_request_without_a_host_is_refused_and_breaks_nothing() -> None:
    async with house(Room([state("payments")])) as made:
        reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
        writer.write(b"GET /api/v1/status HTTP/1.1\r\n\r\n")
        line = await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()
    assert line.split()[1] in (b"400", b"403")
