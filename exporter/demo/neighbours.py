"""What stands beside an app in the demo: a name server and a mail server, as small as the probes allow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import dns.flags
import dns.message
import dns.rrset

from exporter.core.defaults import HOST

RECORD = ("shop.example.", 300, "IN", "A", "192.0.2.7")
"""The one record that the name server knows; demo.yml asks for it."""

GREETING = b"220 mail.shop.example ESMTP\r\n"
OFFERS = b"250-mail.shop.example\r\n250-SIZE 35882577\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n"


@dataclass(frozen=True)
class Neighbours:
    """The ports of both on this machine."""

    names: int
    mail: int


@asynccontextmanager
async def neighbours() -> AsyncIterator[Neighbours]:
    """Serve both on free ports until the end of the block."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Names, (HOST, 0))
    try:
        async with await asyncio.start_server(_greet, HOST, 0) as mail:
            ports = transport.get_extra_info("sockname")[1], mail.sockets[0].getsockname()[1]
            yield Neighbours(*ports)
    finally:
        transport.close()


class _Names(asyncio.DatagramProtocol):
    """Answers every question with the one record."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        answer = dns.message.make_response(dns.message.from_wire(data))
        answer.flags |= dns.flags.AA
        answer.answer.append(dns.rrset.from_text(*RECORD))
        self._transport.sendto(answer.to_wire(), peer)


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lead the dialogue up to where a mail would come; nobody sends one."""
    writer.write(GREETING)
    while line := await reader.readline():
        word = line[:4].upper()
        writer.write(OFFERS if word == b"EHLO" else b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")
        if word == b"QUIT":
            break
    writer.close()
