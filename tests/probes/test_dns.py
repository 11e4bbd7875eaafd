import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.errors import ProbeError
from exporter.core.network import Network
from exporter.core.options import tenant_fields
from exporter.core.reason import Reason
from exporter.probes.dns import PROBE
from exporter.probes.dns.asking import DatagramAnswer, StreamAnswer, system_servers
from exporter.probes.dns.expect import Expect
from exporter.probes.dns.options import DnsOptions
from tests.probes.day import GoodDay, hurried, probed, target_of, values
from tests.servers.names import NameRoom, Names, Twist, knot, name_room
from tests.servers.ports import free_port
from tests.servers.raw import Visit, serving


@dataclass
class NameStage:
    room: NameRoom
    options: Mapping[str, Any]

    async def spoil(self, fault: str | None) -> None:
        await self.room.spoil(fault)

    async def play(self, scenario: str) -> None:
        raise ValueError(scenario)


@asynccontextmanager
async def opened() -> AsyncIterator[NameStage]:
    async with name_room(Names()) as room:
        where = {"server": "127.0.0.1", "port": room.names.port}
        yield NameStage(room, {"name": "example.org", "type": "SOA", **where})


GOOD_DAY = GoodDay(
    open=opened,
    reasons={
        "slow": Reason.TIMEOUT,
        "server_error": Reason.VENDOR_ERROR,
        "bad_json": Reason.BAD_RESPONSE,
        "missing_field": Reason.ASSERTION,  # the answer is well-formed, but has no record
        "cut": Reason.CONNECT,
        "refused": Reason.CONNECT,
    },
)


@pytest.fixture(scope="module")
def real() -> Iterator[int]:
    with knot() as port:
        yield port


@pytest.fixture
async def room() -> AsyncIterator[NameRoom]:
    async with name_room(Names()) as it:
        yield it


def asked(port: int, name: str = "www.example.org", **changes: Any) -> Any:
    return target_of(PROBE, {"name": name, "server": "127.0.0.1", "port": port, **changes})


# A real server.


@pytest.mark.parametrize(
    ("name", "kind", "expect"),
    [
        ("example.org", "SOA", "^ns.example.org. hostmaster.example.org. 2026112102 "),
        ("example.org", "NS", "^ns.example.org.$"),
        ("example.org", "MX", "^10 mail.example.org.$"),
        ("example.org", "TXT", "^v=spf1 include:_spf.example.net -all$"),
        ("example.org", "CAA", '^0 issue "letsencrypt.org"$'),
        ("mail.example.org", "AAAA", "^2001:db8::25$"),
        ("www.example.org", "CNAME", "^web.example.org.$"),
        ("www.example.org", "A", "^192.0.2.80$"),  # through the CNAME
        ("_sip._tcp.example.org", "SRV", "^0 5 5060 mail.example.org.$"),
    ],
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_real_server_tells_every_type_of_record(
    network: Network, real: int, name: str, kind: str, expect: str, transport: str
) -> None:
    both = {"all": [expect], "any": [expect]}
    result = await probed(asked(real, name, type=kind, transport=transport, expect=both), network)
    assert (result.reason, result.detail) == (None, "")
    found = values(result)
    assert found["dns_answers"] == 1
    assert found["dns_authoritative"] == 1
    assert found[f"dns_response_info{{NOERROR,{transport}}}"] == 1
    assert ("dns_soa_serial" in found) == (kind == "SOA")


async def test_an_answer_too_long_for_a_datagram_comes_over_tcp(network: Network, real: int) -> None:
    result = await probed(asked(real, "many.example.org", type="TXT"), network)
    assert values(result) == {
        "dns_answers": 40,
        "dns_ttl_seconds": 60,
        "dns_authoritative": 1,
        "dns_response_info{NOERROR,tcp}": 1,
    }
    assert "the answer is too long for a datagram: asking over TCP" in [text for _, text in result.log]


@pytest.mark.parametrize(
    ("name", "reason", "code"),
    [
        ("no.example.org", Reason.NOT_FOUND, "NXDOMAIN"),
        ("www.example.net", Reason.PERMISSION, "REFUSED"),
    ],
)
async def test_what_a_real_server_refuses_is_expected_where_it_is_written_so(
    network: Network, real: int, name: str, reason: Reason, code: str
) -> None:
    result = await probed(asked(real, name), network)
    assert result.reason is reason
    assert result.detail.startswith(f"the server answered {code}: ")
    assert (await probed(asked(real, name, expect={"rcode": code}), network)).ok
    result = await probed(asked(real, name, expect={"rcode": "SERVFAIL"}), network)
    assert (result.reason, result.detail) == (Reason.ASSERTION, f"the result is {code}, not SERVFAIL")


# What is expected.


@pytest.mark.parametrize(
    ("expect", "detail"),
    [
        ({}, ""),
        ({"min_answers": 2}, ""),
        ({"min_answers": 3}, "the answer has 2 records, fewer than 3"),
        ({"any": [r"\.7$"]}, ""),
        ({"any": [r"\.7$", r"\.9$"]}, r"no record matches '\\.9$' (expect.any)"),
        ({"all": [r"^192\.0\.2\."]}, ""),
        ({"all": [r"\.7$", r"\.8$"]}, ""),
        ({"all": [r"\.7$"]}, "1 of 2 records match nothing of expect.all"),
        ({"none": ["^10"]}, ""),
        ({"none": ["^10", r"\.8$"]}, r"a record matches '\\.8$' (expect.none)"),
    ],
)
async def test_records_are_held_to_what_is_expected(
    network: Network, room: NameRoom, expect: dict[str, Any], detail: str
) -> None:
    result = await probed(asked(room.names.port, expect=expect), network)
    assert (result.reason, result.detail) == (Reason.ASSERTION if detail else None, detail)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("SERVFAIL", Reason.VENDOR_ERROR),
        ("NXDOMAIN", Reason.NOT_FOUND),
        ("REFUSED", Reason.PERMISSION),
        ("NOTAUTH", Reason.PERMISSION),
        ("FORMERR", Reason.BAD_RESPONSE),
        ("NOTIMP", Reason.BAD_RESPONSE),
        ("YXDOMAIN", Reason.VENDOR_ERROR),
    ],
)
@pytest.mark.parametrize("bare", [False, True], ids=["whole", "without the question"])
async def test_each_result_code_has_its_reason(
    network: Network, room: NameRoom, code: str, reason: Reason, bare: bool
) -> None:
    def twist(query: dns.message.Message, _wire: bytes) -> list[bytes]:
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.from_text(code))
        if bare:
            reply.question.clear()
        return [reply.to_wire()]

    room.names.twist = twist
    assert (await probed(asked(room.names.port), network)).reason is reason


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (
            16,
            Reason.BAD_RESPONSE,
            "the server answered BADVERS: the server does not know this version of EDNS",
        ),
        (23, Reason.PERMISSION, "the server answered BADCOOKIE: the server demands a DNS cookie (RFC 7873)"),
        (9, Reason.PERMISSION, "the server answered NOTAUTH: the server is not responsible for the name"),
        (6, Reason.VENDOR_ERROR, "the server answered YXDOMAIN: the server failed"),
        (24, Reason.VENDOR_ERROR, "the server answered RCODE24: the server failed"),
    ],
)
async def test_a_result_code_is_called_by_its_name_or_else_by_its_number(
    network: Network, room: NameRoom, code: int, reason: Reason, words: str
) -> None:
    def twist(query: dns.message.Message, _wire: bytes) -> list[bytes]:
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.Rcode.make(code))
        return [reply.to_wire()]

    room.names.twist = twist
    result = await probed(asked(room.names.port), network)
    assert (result.reason, result.detail) == (reason, words)


# Strangers and losses.


def other_id(_query: dns.message.Message, wire: bytes) -> list[bytes]:
    return [bytes([wire[0] ^ 1]) + wire[1:], wire]


def other_question(query: dns.message.Message, wire: bytes) -> list[bytes]:
    forged = dns.message.make_query("www.example.com", "A", id=query.id)
    return [dns.message.make_response(forged).to_wire(), wire]


def our_own_question(query: dns.message.Message, wire: bytes) -> list[bytes]:
    return [query.to_wire(), wire]


def scraps(_query: dns.message.Message, wire: bytes) -> list[bytes]:
    return [b"", b"x", wire[:1], wire]


@pytest.mark.parametrize("twist", [other_id, other_question, our_own_question, scraps])
async def test_datagrams_that_answer_no_question_of_ours_are_ignored(
    network: Network, room: NameRoom, twist: Twist
) -> None:
    room.names.twist = twist
    result = await probed(asked(room.names.port), network)
    assert result.ok, result.detail
    assert "ignored" in result.log[-1][1]


async def test_a_datagram_from_another_address_is_not_heard(network: Network) -> None:
    def forge(query: dns.message.Message, wire: bytes) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outsider:
            outsider.sendto(wire, sender[0])
        return []

    names = Names(twist=forge)
    sender: list[tuple[str, int]] = []
    real_answer = names.answer
    async with name_room(names) as room:

        class Listening(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                sender.append(addr)
                real_answer(dns.message.from_wire(data), "udp")

        port = free_port()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Listening, local_addr=("127.0.0.1", port))
        result = await probed(hurried(asked(port)), network)
        transport.close()
        assert room.names.asked
    assert result.reason is Reason.TIMEOUT


async def test_a_lost_datagram_is_sent_again(network: Network, room: NameRoom) -> None:
    lost: list[bytes] = []

    def lose_the_first(_query: dns.message.Message, wire: bytes) -> list[bytes]:
        lost.append(wire)
        return [] if len(lost) == 1 else [wire]

    room.names.twist = lose_the_first
    result = await probed(asked(room.names.port), network)
    assert result.ok
    assert 1.0 <= result.phases["processing"] < 2.0


async def test_a_truncated_answer_that_ends_anywhere_is_asked_for_over_tcp(
    network: Network, room: NameRoom
) -> None:
    def cut(_query: dns.message.Message, wire: bytes) -> list[bytes]:
        return [wire[:2] + bytes([wire[2] | 0x02]) + wire[3:-20]]

    room.names.twist = cut
    result = await probed(asked(room.names.port), network)
    assert result.ok, result.detail
    assert [transport for transport, _ in room.names.asked] == ["udp", "tcp"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", Reason.CONNECT),
        (b"\0", Reason.CONNECT),
        (b"\0\x20only a part", Reason.CONNECT),
        (b"\0\x05short", Reason.BAD_RESPONSE),
        (b"\0\x0c" + b"\0" * 12, Reason.BAD_RESPONSE),
        (b"\0\x20" + b"\xff" * 32, Reason.BAD_RESPONSE),
    ],
)
async def test_an_answer_over_tcp_that_is_none_is_named(
    network: Network, said: bytes, reason: Reason
) -> None:
    async def talk(visit: Visit) -> None:
        await visit.reader.read(512)
        await visit.say(said)

    async with serving(talk) as server:
        result = await probed(asked(server.port, transport="tcp"), network)
    assert result.reason is reason, result.detail


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_make_the_readers_fail_otherwise_than_they_say(noise: bytes, ours: bool) -> None:
    query = dns.message.make_query("www.example.org", "A")
    good = bytearray(dns.message.make_response(query).to_wire())
    good[2 : 2 + len(noise)] = noise
    data = bytes(good) if ours else noise
    for reader in (DatagramAnswer(query), StreamAnswer(query)):
        try:
            reader.feed(data if isinstance(reader, DatagramAnswer) else len(data).to_bytes(2, "big") + data)
        except ProbeError as error:
            assert error.reason is Reason.BAD_RESPONSE


# The system's own servers.


async def test_the_next_server_of_the_system_is_asked_where_one_is_silent_or_in_trouble(
    network: Network, room: NameRoom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # 127.0.0.2 refuses at once, and 127.0.0.1 answers; both are this machine.
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.2\nnameserver 127.0.0.1\n")
    assert system_servers(str(conf)) == ["127.0.0.2", "127.0.0.1"]
    monkeypatch.setattr("exporter.probes.dns.asking.system_servers", lambda: system_servers(str(conf)))
    result = await probed(asked(room.names.port, server=""), network)
    assert result.ok, result.detail
    assert "asking the next one" in " ".join(text for _, text in result.log)


def test_a_system_without_name_servers_is_reported(tmp_path: Path) -> None:
    for text in ("", "# nothing\n"):
        conf = tmp_path / "resolv.conf"
        conf.write_text(text)
        with pytest.raises(ProbeError) as failure:
            system_servers(str(conf))
        assert failure.value.reason is Reason.DNS
    with pytest.raises(ProbeError):
        system_servers(str(tmp_path / "none"))


# Configuration.


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (DnsOptions(name="a..b"), "name: "),
        (DnsOptions(name="x" * 64 + ".org"), "name: "),
        (DnsOptions(name="example.org", server="ns1.example.org:53"), "server: "),
        (DnsOptions(name="example.org", expect=Expect(any=("(",))), "expect.any[0] is no regular expression"),
        (DnsOptions(name="example.org", expect=Expect(all=("a", "["))), "expect.all[1] is no"),
        (DnsOptions(name="example.org", expect=Expect(none=("*",))), "expect.none[0] is no"),
    ],
)
def test_what_cannot_work_is_reported_before_anything_runs(options: DnsOptions, start: str) -> None:
    assert PROBE.verify
    (mistake,) = PROBE.verify(options)
    assert mistake.startswith(start)


def test_a_tenant_may_name_its_own_domain_and_nothing_else() -> None:
    assert tenant_fields(DnsOptions) == {"name"}
