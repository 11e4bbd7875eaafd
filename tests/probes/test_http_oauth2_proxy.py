"""The http probe's token endpoint, asked through the proxy of the integration."""

from pathlib import Path

import pytest

from exporter.core.network import Network
from exporter.core.reason import Reason
from exporter.probes.http import PROBE
from tests.probes.day import leaks, probed, target_of
from tests.probes.test_http_oauth2 import target
from tests.servers.authority import Authority
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, Issuer, issuing
from tests.servers.proxy import Proxy as Through
from tests.servers.raw import serving


@pytest.mark.parametrize("grant", ["client_credentials", "refresh_token"])
async def test_an_https_token_endpoint_is_asked_through_the_integrations_proxy(
    network: Network, tmp_path: Path, grant: str
) -> None:
    authority, through = Authority(tmp_path), Through()
    tls = {"ca_file": authority.ca_file}
    shared = Issuer()
    api = Issuer(good=shared.good)
    async with (
        issuing(shared, tls=authority.server()),
        issuing(api, tls=authority.server()),
        serving(through.talk) as raw,
    ):
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": "planted"}
        options = {
            "url": api.url("/api"),
            "tls": tls,
            "auth": {"oauth2": client},
            "token_endpoint": {"url": shared.url("/token"), "tls": tls, "grant": grant},
            "proxy_url": raw.url(""),
            "proxy_auth": {"username": "u", "password": "planted-of-proxy"},
        }
        if grant == "client_credentials":
            del client["refresh_token"]
        made = target_of(PROBE, options)
        result = await probed(made, network)
        assert [head.split()[1] for head in through.asked][:1] == [f"127.0.0.1:{shared.port}"]
        assert all("Proxy-Authorization: Basic " in head for head in through.asked)
        assert not any(CLIENT_SECRET in head for head in through.asked)
        if grant == "client_credentials":  # the issuer knows no other one
            assert result.ok, result.detail
            assert [head.split()[1] for head in through.asked][1:] == [f"127.0.0.1:{api.port}"]
        assert leaks(made, result) == []


async def test_a_token_endpoint_on_this_machine_is_asked_directly(network: Network) -> None:
    through = Through()
    async with issuing(Issuer()) as issuer, serving(through.talk) as raw:
        await probed(target(issuer, proxy=raw.url("")), network)
    assert issuer.seen["token"] == 1, "http:// would show the proxy the secret"
    assert [head.split()[0] for head in through.asked] == ["GET"]


async def test_a_proxy_that_refuses_is_named_where_no_token_comes(network: Network, tmp_path: Path) -> None:
    through = Through(answer=b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
    authority = Authority(tmp_path)
    async with issuing(Issuer(), tls=authority.server()) as issuer, serving(through.talk) as raw:
        result = await probed(target(issuer, proxy=raw.url(""), tls={"ca_file": authority.ca_file}), network)
    assert result.reason is Reason.AUTH
    assert result.detail.startswith("no token: the proxy answered HTTP 407: it requires credentials")
