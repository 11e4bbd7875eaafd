"""Questions to name servers and their answers on the wire (RFC 1035, RFC 6891)."""

import asyncio
from collections.abc import Iterable

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from exporter.core.errors import ProbeError
from exporter.core.hosts import ascii_host
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.net.talk import WholeAnswer
from exporter.probes.dns.expect import DnsAnswer
from exporter.probes.dns.options import DnsOptions

PAYLOAD = 1232
"""Bytes of a datagram that pass everywhere without being cut into pieces (dnsflagday.net/2020)."""
RESOLV_CONF = "/etc/resolv.conf"
_MOST_SERVERS = 3  # as many as the system's own resolver asks
# Bytes of a header (RFC 1035, section 4.1.1).
_HEADER = 12
_WITHOUT_EDNS = (dns.rcode.FORMERR, dns.rcode.NOTIMP)


class DatagramAnswer(WholeAnswer):
    """Waits for the datagram that answers `query`; all others are counted as stray."""

    def __init__(self, query: dns.message.Message) -> None:
        """Wait for the answer to `query`."""
        self.message: dns.message.Message | None = None
        self.stray = 0
        self._query = query

    def feed(self, data: bytes) -> None:
        """Take a datagram; raise ProbeError (bad_response) where ours cannot be read."""
        # The id is compared before anything is parsed, so that a forged datagram cannot fail the run.
        if len(data) < _HEADER or data[:2] != self._query.id.to_bytes(2, "big"):
            self.stray += 1
            return
        message = _parse(data)
        if self._query.is_response(message) or _is_bare_refusal(message):
            self.message = message
            self.done = True
        else:
            self.stray += 1


class StreamAnswer(WholeAnswer):
    """Reads the one answer to `query` on a TCP connection: two bytes of length, then the message."""

    def __init__(self, query: dns.message.Message) -> None:
        """Wait for the answer to `query`."""
        self.message: dns.message.Message | None = None
        self._query = query
        self._data = b""

    def feed(self, data: bytes) -> None:
        """Take what arrived; raise ProbeError (bad_response) when it does not answer the question."""
        self._data += data
        length = int.from_bytes(self._data[:2], "big")
        if len(self._data) < 2 or len(self._data) < 2 + length:
            return
        message = _parse(self._data[2 : 2 + length])
        if message.id != self._query.id or not (
            self._query.is_response(message) or _is_bare_refusal(message)
        ):
            # Only the server itself can write to this connection, so a wrong message is its own mistake.
            raise ProbeError(Reason.BAD_RESPONSE, "the server answered another question than ours")
        self.message = message
        self.done = True


async def ask(options: DnsOptions, kit: Kit, timeout: float) -> DnsAnswer:
    """Return the answer of the first server that has one; raise ProbeError where none has."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    servers = [options.server] if options.server else system_servers()
    for left in range(len(servers), 1, -1):
        server = servers[len(servers) - left]
        try:
            # Each server has its share of the time, so that a silent one leaves the next its chance.
            async with asyncio.timeout(share := timeout / (left + 1)):
                found = await _ask(server, options, kit, share)
        except TimeoutError:
            kit.log(f"{server} did not answer: asking the next one")
        except ProbeError as error:
            kit.log(f"{server}: {error.detail}: asking the next one")
        else:
            # NXDOMAIN is an answer: the system's resolver does not ask another server after it, either.
            if found.rcode not in ("SERVFAIL", "REFUSED", "NOTIMP"):
                return found
            kit.log(f"{server} answered {found.rcode}: asking the next one")
    # The failure of the last server is that of the run, and it has all the time that is left.
    return await _ask(servers[-1], options, kit, deadline - loop.time())


async def _ask(server: str, options: DnsOptions, kit: Kit, share: float) -> DnsAnswer:
    """Ask with EDNS and, where the server does not know it, once more without (RFC 6891, section 7).

    Some servers ignore such a question; they have the first half of `share`, the seconds for this server.
    """
    try:
        # Over TCP nothing was ever dropped for EDNS, and one half would not carry a slow connection.
        async with asyncio.timeout(share / 2 if options.transport == "udp" else None):
            answer, found = await _exchange(server, options, kit, _query(options, edns=True))
    except TimeoutError:
        kit.log(f"{server} does not answer a question with EDNS: asking without")
    else:
        # A server that knows EDNS answers with it: then the refusal is about the question itself.
        if answer.rcode() not in _WITHOUT_EDNS or answer.edns >= 0:
            return found
        kit.log(f"{server} answered {found.rcode} to a question with EDNS: asking without")
    return (await _exchange(server, options, kit, _query(options, edns=False)))[1]


def _query(options: DnsOptions, edns: bool) -> dns.message.Message:
    query = dns.message.make_query(
        _ascii(options.name), options.type, use_edns=0 if edns else -1, payload=PAYLOAD if edns else None
    )
    if not options.recursion:
        query.flags &= ~dns.flags.RD
    return query


async def _exchange(
    server: str, options: DnsOptions, kit: Kit, query: dns.message.Message
) -> tuple[dns.message.Message, DnsAnswer]:
    transport = options.transport
    wire, answer = query.to_wire(), None
    if transport == "udp":
        answer = await _by_datagram(server, options, kit, query, wire)
        if answer.flags & dns.flags.TC:
            kit.log("the answer is too long for a datagram: asking over TCP")
            transport, answer = "tcp", None
    if answer is None:
        answer = await _by_stream(server, options, kit, query, wire)
    return answer, _answer_of(answer, query, transport)


async def _by_datagram(
    server: str, options: DnsOptions, kit: Kit, query: dns.message.Message, wire: bytes
) -> dns.message.Message:
    reader = DatagramAnswer(query)
    async with kit.talk(server, options.port, family=options.family, datagrams=True) as talk:
        try:
            await talk.ask(wire, reader, "processing", f"the answer of {talk.place}")
        finally:
            if reader.stray:
                kit.log(f"{reader.stray} datagrams answered no question of ours and were ignored")
    return _require(reader.message)


async def _by_stream(
    server: str, options: DnsOptions, kit: Kit, query: dns.message.Message, wire: bytes
) -> dns.message.Message:
    reader = StreamAnswer(query)
    async with kit.talk(server, options.port, family=options.family) as talk:
        data = len(wire).to_bytes(2, "big") + wire
        await talk.ask(data, reader, "processing", f"the answer of {talk.place}")
    return _require(reader.message)


def system_servers(path: str = RESOLV_CONF) -> list[str]:
    """Return the addresses of the system's name servers; raise ProbeError (dns) where it names none."""
    try:
        # Where the file names no server, the C library would ask this machine; dnspython raises.
        resolver = dns.resolver.Resolver(path, configure=True)
    except (dns.exception.DNSException, OSError):
        raise ProbeError(Reason.DNS, f"{path} names no name server; give `server`") from None
    return [str(server) for server in resolver.nameservers][:_MOST_SERVERS]


def name_problem(name: str) -> str:
    """Return what is wrong with a name to ask for, "" if nothing; the empty name is not configured yet."""
    try:
        dns.name.from_text(_ascii(name))
    except (dns.exception.DNSException, ValueError) as error:
        return f"it is no name ({type(error).__name__})"
    return ""


def _ascii(name: str) -> str:
    """Return the name to ask for in ASCII: names here may hold more than those of hosts, such as `*`."""
    return name if name.isascii() else ascii_host(name)


def _answer_of(answer: dns.message.Message, query: dns.message.Message, transport: str) -> DnsAnswer:
    wanted = query.question[0].rdtype
    # CNAME records that lead to the name's records come in the same section, and are not counted.
    sets = [rrset for rrset in answer.answer if rrset.rdtype == wanted]
    records = [record for rrset in sets for record in rrset]
    return DnsAnswer(
        rcode=_name_of(answer.rcode()),
        values=tuple(map(_text, records)),
        ttl=min((rrset.ttl for rrset in sets), default=None),
        serial=next((int(record.serial) for record in records if wanted == dns.rdatatype.SOA), None),
        authoritative=bool(answer.flags & dns.flags.AA),
        transport=transport,
    )


def _name_of(code: dns.rcode.Rcode) -> str:
    """Return the registered name of a result code, such as BADVERS, or RCODE24 where it has none."""
    name = dns.rcode.to_text(code)
    return f"RCODE{name}" if name.isdigit() else name


def _text(record: object) -> str:
    strings: Iterable[bytes] | None = getattr(record, "strings", None)
    if strings is not None:  # TXT: its pieces are one text (RFC 7208, section 3.3)
        return b"".join(strings).decode("utf-8", "replace")
    return str(record)


def _parse(data: bytes) -> dns.message.Message:
    truncated = len(data) > 2 and bool(data[2] & 0x02)  # such a message may end anywhere after its question
    try:
        return dns.message.from_wire(data, ignore_trailing=True, question_only=truncated)
    except (dns.exception.DNSException, ValueError, IndexError, OverflowError) as error:
        raise ProbeError(
            Reason.BAD_RESPONSE, f"the answer is no DNS message ({type(error).__name__})"
        ) from None


def _is_bare_refusal(message: dns.message.Message) -> bool:
    """Return whether a server refused without repeating the question, as some do."""
    return bool(message.flags & dns.flags.QR) and not message.question and message.rcode() != 0


def _require(message: dns.message.Message | None) -> dns.message.Message:
    if message is None:
        raise ProbeError(Reason.CONNECT, "the server closed the connection instead of answering")
    return message
