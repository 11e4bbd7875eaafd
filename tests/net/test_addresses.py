"""Where an untrusted address may lead: to public addresses alone, whatever clothes a private one wears."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from exporter.core.clock import SystemClock
from exporter.core.errors import ProbeError
from exporter.core.network import Request, Trace
from exporter.core.probe import Kit, Target
from exporter.core.reason import Reason
from exporter.engine.run import run
from exporter.net.addresses import PublicOnly
from exporter.net.network import LoopNetwork
from tests.engine.making import made_probe, made_target
from tests.servers.raw import answering, keeping, ok, serving

REFUSED = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255
169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1
192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 168.63.129.16 :: ::1 fe80::1 fe80::1%lo febf::1 fec0::1 fc00::1 fd00:ec2::254
fdff::1 ff02::1 ff0e::1 2001:db8::1 3fff::1 100::1 2001::1 2001:10::1 64:ff9b:1::1 4000::1 e000::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe ::ffff:0:10.0.0.1 ::127.0.0.1 ::10.0.0.1
0.255.255.255 192.31.196.0 192.31.196.255 192.52.193.0 192.52.193.255 192.175.48.0 192.175.48.255
192.168.0.0 192.168.255.255 192.0.0.0 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255
198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 169.254.0.0 169.254.255.255 10.0.0.0 172.16.0.0
100.64.0.0 127.0.0.0 198.18.0.0 224.0.0.0 240.0.0.0 2001:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff
2620:4f:8000:: 2620:4f:8000:ffff:ffff:ffff:ffff:ffff 1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1
2002:c0a8:101::
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1
169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0 198.17.255.255
198.20.0.0 223.255.255.255 2606:4700:4700::1111 2a00:1450:4001:81b::200e ::ffff:8.8.8.8
64:ff9b::808:808 2002:808:808::1 1.0.0.0 169.255.0.0 169.255.0.1 192.0.3.0 192.31.195.255
192.31.197.0 192.52.192.255 192.52.194.0 192.88.98.255 192.88.100.0 192.175.47.255 192.175.49.0
198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 168.63.129.15 168.63.129.17
2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9::
2620:4f:7fff:ffff:ffff:ffff:ffff:ffff 2620:4f:8001:: 3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000::
"""


@pytest.mark.parametrize("address", REFUSED.split())
def test_an_address_that_is_not_public_is_refused_with_a_reason(address: str) -> None:
    assert PublicOnly().refusal(address)


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        ("0.0.0.0 ::", "unspecified"),
        ("10.0.0.1 172.16.0.1 192.168.1.1 fd00::1", "private"),
        ("100.64.0.1", "shared by a carrier's customers"),
        ("127.0.0.1 ::1", "loopback"),
        ("169.254.169.254", "link-local, where clouds keep metadata"),
        ("192.0.0.192", "reserved, where clouds keep metadata"),
        ("192.0.2.1 198.51.100.7 203.0.113.7 2001:db8::1 3fff::1", "for documentation"),
        ("192.31.196.1 192.52.193.1 192.175.48.1 240.0.0.1 2001::1 2620:4f:8000::1", "reserved"),
        ("192.88.99.1", "a relay of 6to4"),
        ("198.18.0.1", "for measurements"),
        ("224.0.0.1 ff02::1", "multicast"),
        ("168.63.129.16", "a service of Azure for its own machines"),
        ("64:ff9b:1::1", "a translation to IPv4 within a network"),
        ("100::1", "a black hole"),
        ("5f00::1", "for segment routing"),
        ("fe80::1 fe80::1%lo", "link-local"),
        ("fec0::1", "site-local"),
        ("4000::1 e000::1", "not given out to anybody"),
        ("::ffff:10.0.0.1 64:ff9b::10.0.0.1 2002:a00:1::1", "10.0.0.1 in IPv6 clothes, private"),
        ("::127.0.0.1 ::ffff:0:127.0.0.1", "127.0.0.1 in IPv6 clothes, loopback"),
    ],
)
def test_the_reason_says_what_an_address_is_for(addresses: str, why: str) -> None:
    assert {PublicOnly().refusal(address) for address in addresses.split()} == {why}


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_let_through(address: str) -> None:
    assert PublicOnly().refusal(address) == ""


@pytest.mark.parametrize(
    "text", ["", "localhost", "0177.0.0.1", "2130706433", "127.1", "0x7f.1", "1.2.3.4.5"]
)
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    assert PublicOnly().refusal(text) == "no IP address"


def test_networks_of_the_operator_s_choice_are_let_through_and_no_others() -> None:
    guard = PublicOnly(("10.1.0.0/16", "fd00::/8"))
    assert [guard.refusal(one) == "" for one in ("10.1.2.3", "fd00::1", "10.2.0.1", "127.0.0.1", "::1")] == [
        *(True, True),
        *(False, False, False),
    ]
    assert guard == PublicOnly(("10.1.0.0/16", "fd00::/8"))


Ask = Callable[[Request], Awaitable[Trace]]


@pytest.fixture
def ask(network: LoopNetwork) -> Ask:
    async def asked(request: Request, *allowed: str) -> Trace:
        trace = Trace(guard=PublicOnly(allowed))
        await network.call(request, trace)
        return trace

    return asked


# The last ones are read by the system's resolver alone.
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433"]
)
async def test_no_name_and_no_way_of_writing_leads_inside(ask: Ask, host: str) -> None:
    async with serving(keeping()) as server:
        with pytest.raises(ProbeError) as caught:
            await ask(Request(f"http://{host}:{server.port}/"))
        assert server.visits == 0
    assert caught.value.reason is Reason.CONNECT
    assert "not public" in caught.value.detail


async def test_a_redirect_that_leads_inside_is_refused_though_the_first_address_was_good(
    network: LoopNetwork,
) -> None:
    async with serving(keeping()) as inside:
        aim = f"http://[::1]:{inside.port}/"

        async with serving(answering(ok(headers=f"Location: {aim}\r\n", status="302 Found"))) as server:
            trace = Trace(guard=PublicOnly(("127.0.0.0/8",)))
            with pytest.raises(ProbeError, match="not public"):
                await network.call(Request(server.url(), redirects=3), trace)


async def test_a_connection_that_the_operator_s_own_target_keeps_is_not_lent_to_an_untrusted_one(
    network: LoopNetwork,
) -> None:
    async with serving(keeping()) as server:
        await network.call(Request(server.url()), Trace())
        assert network.idle == 1
        with pytest.raises(ProbeError, match="not public"):
            await network.call(Request(server.url()), Trace(guard=PublicOnly()))


async def test_of_several_addresses_only_the_public_ones_are_dialled(
    network: LoopNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: object) -> list[object]:
        return [(0, 0, 0, "", (address, 0)) for address in ("10.0.0.1", "127.0.0.1", "::1")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)  # the world's name servers cannot be asked in a test
    async with serving(keeping()) as server:
        trace = Trace(guard=PublicOnly(("127.0.0.0/8",)))
        await network.call(Request(f"http://many.example:{server.port}/"), trace)
    message = "\n".join(text for _, text in trace.log)
    assert "127.0.0.1" in message
    assert "10.0.0.1" not in message and "::1" not in message


async def test_connections_and_talks_of_a_run_pass_the_guard_of_its_target(network: LoopNetwork) -> None:
    async with serving(keeping()) as server:

        async def check(target: Target, kit: Kit) -> list[object]:
            if target.tenant == "talks":
                async with kit.talk("127.0.0.1", server.port):
                    return []
            await kit.connect("127.0.0.1", server.port)
            return []

        for tenant in ("connects", "talks"):
            target = made_target(tenant=tenant, probe=made_probe(check))  # type: ignore[arg-type]  # no samples
            free = await run(target, network, SystemClock(), {})
            bound = await run(replace(target, networks=()), network, SystemClock(), {})
            lent = await run(replace(target, networks=("127.0.0.0/8",)), network, SystemClock(), {})
            assert (free.ok, bound.reason, lent.ok) == (True, Reason.CONNECT, True)
