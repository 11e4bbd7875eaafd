"""Name servers that do not know EDNS are asked once more without it (RFC 6891, section 7)."""

from collections.abc import AsyncIterator

import dns.message
import dns.rcode
import pytest

from exporter.core.network import Network
from exporter.core.reason import Reason
from exporter.probes.dns import PROBE
from tests.probes.day import hurried, probed, target_of, values
from tests.servers.names import NameRoom, Names, Twist, name_room


@pytest.fixture
async def room() -> AsyncIterator[NameRoom]:
    async with name_room(Names()) as it:
        yield it


def refusing(rcode: dns.rcode.Rcode | None, *, with_edns: bool = False) -> Twist:
    """Return a server that answers questions with EDNS by `rcode`, or not at all."""

    def twist(query: dns.message.Message, wire: bytes) -> list[bytes]:
        if query.edns < 0:
            return [wire]
        if rcode is None:
            return []
        reply = dns.message.make_response(query)
        reply.use_edns(0 if with_edns else -1)
        reply.set_rcode(rcode)
        return [reply.to_wire()]

    return twist


@pytest.mark.parametrize("rcode", [dns.rcode.FORMERR, dns.rcode.NOTIMP, None], ids=str)
async def test_a_server_without_edns_is_asked_once_more_without_it(
    network: Network, room: NameRoom, rcode: dns.rcode.Rcode | None
) -> None:
    room.names.twist = refusing(rcode)
    target = target_of(PROBE, {"name": "www.example.org", "server": "127.0.0.1", "port": room.names.port})
    result = await probed(hurried(target), network)
    assert result.ok, result.detail
    assert values(result)["dns_answers"] == 2
    assert len(room.names.asked) == 2
    assert any("without" in words for _, words in result.log)


@pytest.mark.parametrize("rcode", [dns.rcode.FORMERR, dns.rcode.NOTIMP])
async def test_a_refusal_that_speaks_edns_itself_is_believed(
    network: Network, room: NameRoom, rcode: dns.rcode.Rcode
) -> None:
    room.names.twist = refusing(rcode, with_edns=True)
    target = target_of(PROBE, {"name": "www.example.org", "server": "127.0.0.1", "port": room.names.port})
    result = await probed(target, network)
    assert result.reason is Reason.BAD_RESPONSE
    assert len(room.names.asked) == 1
