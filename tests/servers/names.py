"""Name servers: one that can be broken, built of dnspython's messages, and a real one, Debian's knot."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.servers.ports import free_port

RECORDS = (
    "example.org. 300 IN SOA ns.example.org. host.example.org. 2026112101 3600 600 86400 60",
    "www.example.org. 120 IN A 192.0.2.7",
    "www.example.org. 120 IN A 192.0.2.8",
)
Twist = Callable[[dns.message.Message, bytes], list[bytes]]
"""From a query and its usual answer to the datagrams that are sent."""


@dataclass
class Names:
    """A running server; `twist` exchanges what it sends by UDP. `asked` are (transport, question)."""

    records: tuple[str, ...] = RECORDS
    fault: str | None = None
    twist: Twist | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    def answer(self, query: dns.message.Message, transport: str) -> list[bytes]:
        question = query.question[0]
        self.asked.append((transport, question.to_text()))
        if self.fault == "slow":
            return []
        reply = dns.message.make_response(query)
        if self.fault == "server_error":
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif self.fault != "missing_field":
            self._fill(reply)
        if self.fault == "cut" and transport == "udp":
            reply.answer.clear()
            reply.flags |= dns.flags.TC
        wire = reply.to_wire(max_size=65_535)
        if self.fault == "bad_json":
            wire = wire[:2] + b"\x80\0\0\x09" + b"\xff" * 40
        return self.twist(query, wire) if self.twist and transport == "udp" else [wire]

    def _fill(self, reply: dns.message.Message) -> None:
        question = reply.question[0]
        reply.flags |= dns.flags.AA
        for record in self.records:
            name, ttl, klass, kind, rest = record.split(" ", 4)
            rrset = dns.rrset.from_text(name, int(ttl), klass, kind, rest)
            if rrset.name == question.name and rrset.rdtype == question.rdtype:
                old = reply.find_rrset(reply.answer, rrset.name, rrset.rdclass, rrset.rdtype, create=True)
                for data in rrset:
                    old.add(data, rrset.ttl)
        if not reply.answer and not any(record.startswith(str(question.name)) for record in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            length = int.from_bytes(await reader.readexactly(2), "big")
            query = dns.message.from_wire(await reader.readexactly(length))
            for wire in self.answer(query, "tcp") if self.fault != "cut" else []:
                writer.write(len(wire).to_bytes(2, "big") + wire)
                await writer.drain()
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, names: Names) -> None:
        self.names = names

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # the loop's own is no subclass of it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for wire in self.names.answer(dns.message.from_wire(data), "udp"):
            self.transport.sendto(wire, addr)


@dataclass
class NameRoom:
    """Serves `names` until the block ends."""

    names: Names
    stack: contextlib.AsyncExitStack

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self.names.port = self.names.port or free_port()
        place = ("127.0.0.1", self.names.port)
        server = await asyncio.start_server(self.names.stream, *place)
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self.names), local_addr=place)
        self.stack.callback(server.close)
        self.stack.callback(transport.close)

    async def spoil(self, fault: str | None) -> None:
        if fault == "refused":
            await self.stack.aclose()
            await asyncio.sleep(0)
        elif self.names.fault == "refused":
            await self.open()
        self.names.fault = fault


@contextlib.asynccontextmanager
async def name_room(names: Names) -> AsyncIterator[NameRoom]:
    async with contextlib.AsyncExitStack() as stack:
        room = NameRoom(names, stack)
        await room.open()
        yield room
        await asyncio.sleep(0)


ZONE = """\
$ORIGIN example.org.
@ 3600 SOA ns hostmaster 2026112102 3600 600 86400 60
@ 3600 NS ns
@ 3600 MX 10 mail
@ 3600 TXT "v=spf1 include:_spf.example.net " "-all"
@ 3600 CAA 0 issue "letsencrypt.org"
ns 3600 A 127.0.0.1
mail 3600 AAAA 2001:db8::25
www 60 CNAME web
web 30 A 192.0.2.80
_sip._tcp 300 SRV 0 5 5060 mail
""" + "".join(f"many 60 TXT {'x' * 200}{number:03}\n" for number in range(40))


@contextlib.contextmanager
def knot() -> Iterator[int]:
    """Run Debian's knot with `ZONE`; yields its port. It needs the package `knot`."""
    program = shutil.which("knotd") or shutil.which("knotd", path="/usr/sbin")
    assert program, "install Debian's package knot"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="knot-") as directory:
        home = Path(directory)
        (home / "example.org.zone").write_text(ZONE)
        (home / "knot.conf").write_text(
            f"server:\n  rundir: {home}\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n"
            f"  background-workers: 1\n"
            f"database:\n  storage: {home}\n  journal-db-max-size: 1M\n"
            f"template:\n  - id: default\n    storage: {home}\n    zonefile-sync: -1\n"
            f"    journal-content: none\n"
            f"zone:\n  - domain: example.org\n    file: example.org.zone\n"
        )
        with subprocess.Popen(
            [program, "-c", str(home / "knot.conf")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KNOT_CONF_MAX_SIZE": "1"},
        ) as process:
            try:
                _wait(port, process)
                yield port
            finally:
                process.terminate()
                process.communicate(timeout=60)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    import dns.query  # loaded here: no other test asks by it

    query = dns.message.make_query("example.org", "SOA")
    for _ in range(300):
        assert process.poll() is None, process.stdout.read().decode() if process.stdout else ""
        with contextlib.suppress(Exception):
            if dns.query.udp(query, "127.0.0.1", port=port, timeout=0.2).answer:
                return
        time.sleep(0.1)
    raise AssertionError("knot did not answer within its time")
