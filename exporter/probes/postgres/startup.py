"""What a PostgreSQL server says before the sign-in: whether it offers TLS, its certificate, its refusal.

libpq gives neither phases nor certificates nor codes of refused connections, so these few messages are our
own (PostgreSQL documentation, "Message Formats"). Nothing secret is ever sent here.
"""

from exporter.core.errors import ProbeError
from exporter.core.network import Talk
from exporter.core.options import TlsOptions
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.net.talk import WholeAnswer
from exporter.probes.postgres import failures

# SSLRequest: its length, and 1234 and 5679 in place of a version.
_SSL_REQUEST = (8).to_bytes(4, "big") + (80_877_103).to_bytes(4, "big")
_PROTOCOL = (196_608).to_bytes(4, "big")  # 3.0
_LONGEST = 16_384
# Only to read the certificate: libpq judges it, as sslmode says.
_ANY_CERTIFICATE = TlsOptions(insecure_skip_verify=True)
DEMANDING = frozenset({"require", "verify-ca", "verify-full"})


class _TlsReply(WholeAnswer):
    """The answer to a request for TLS: S, N or, of very old servers, E."""

    byte = b""

    def feed(self, data: bytes) -> None:
        if len(data) > 1 and data[:1] in b"SN":
            # Bytes behind it would be taken for what the encrypted server says (CVE-2021-23222).
            raise ProbeError(Reason.BAD_RESPONSE, "the server said more than it was asked before TLS began")
        self.byte = data[:1]
        self.done = True


class _FirstReply(WholeAnswer):
    """Reads messages until the server refuses, asks for a credential or is ready.

    `state` is the SQLSTATE of a refusal. `wants_credential` says that it asks for one.
    """

    state = ""
    wants_credential = False

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> None:
        self._data += data
        while not self.done and len(self._data) >= 5:
            kind, length = self._data[:1], int.from_bytes(self._data[1:5], "big")
            # The kinds that may come before the first statement; a web server's "H" is none of them.
            if length < 4 or length > _LONGEST or kind not in b"REKSZNv":
                raise ProbeError(Reason.BAD_RESPONSE, "the server does not speak PostgreSQL's protocol")
            if len(self._data) < 1 + length:
                return
            self._take(kind, self._data[5 : 1 + length])
            self._data = self._data[1 + length :]

    def _take(self, kind: bytes, body: bytes) -> None:
        if kind == b"E":
            fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
            # The other fields are in the server's language, and may repeat what we sent.
            self.state = fields.get(b"C", b"?").decode("latin-1")
        # 0 is AuthenticationOk; every other number asks for a credential.
        self.wants_credential = kind == b"R" and body[:4] != b"\0\0\0\0"
        self.done = self.wants_credential or kind in b"EZ"


async def find_address(host: str, port: int, sslmode: str, kit: Kit) -> str:
    """Connect, see the certificate, and return the address that took the connection."""
    async with kit.talk(host, port) as talk:
        await _begin_tls(talk, sslmode)
        return talk.place.rpartition(":")[0].strip("[]")


async def check_refusal(host: str, port: int, user: str, database: str, sslmode: str, kit: Kit) -> bool:
    """Raise ProbeError with the server's own code where it refuses before it asks for a credential.

    Return whether it asked for one.
    """
    async with kit.talk(host, port) as talk:
        await _begin_tls(talk, sslmode)
        pairs = (b"user", user.encode(), b"database", database.encode(), b"")
        body = _PROTOCOL + b"\0".join(pairs) + b"\0"
        reader = _FirstReply()
        await talk.ask((len(body) + 4).to_bytes(4, "big") + body, reader, "processing", "the first word")
        if reader.state:
            raise failures.of_state(reader.state)
        return reader.wants_credential


async def _begin_tls(talk: Talk, sslmode: str) -> None:
    if sslmode == "disable":
        return
    reader = _TlsReply()
    await talk.ask(_SSL_REQUEST, reader, "processing", "the answer to the request for TLS")
    if reader.byte == b"S":
        await talk.secure(_ANY_CERTIFICATE)
    elif reader.byte != b"N":
        raise ProbeError(Reason.BAD_RESPONSE, "the server does not speak PostgreSQL's protocol")
    elif sslmode in DEMANDING:
        raise ProbeError(Reason.TLS, f"the server offers no TLS, which sslmode {sslmode} demands")
