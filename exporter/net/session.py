"""One TLS session over bytes, without a socket: so that each step can be timed and each failure named."""

import contextlib
import ssl
from typing import Any

from exporter.net.certificate import Certificate, path, read

_PIECE = 1 << 14  # the longest record (RFC 8446, section 5.1): a read returns no more than one
_FINISHED = 80
"""Bytes of a last flight without a certificate: a change of cipher specs, and Finished with SHA-384."""

_DER = 2  # _ssl.ENCODING_DER


class TlsSession:
    """The client's side of a TLS connection; what it wants to send is fetched by `outgoing`."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        """Prepare a handshake that asks for `server_name`."""
        self.server_name = server_name
        # A context of ours checks names where it judges, and there alone; `verify_mode` costs an enum.
        self._verifies = context.check_hostname
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=server_name)
        self.established = False
        self.ended = False
        self.first_bytes = b""

    def handshake(self, data: bytes = b"") -> bool:
        """Take what arrived and go on; return whether the handshake is complete. Raises ssl.SSLError."""
        if data:
            self.first_bytes = self.first_bytes or data[:8]
            self._in.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.established = True
        return True

    @property
    def may_wait(self) -> bool:
        """Whether what is to be sent may go out with the first data: it is no more than our Finished.

        A server that judges our certificate answers the flight that holds it, and an alert is lost where data
        behind that flight stay unread.
        """
        return self._out.pending <= _FINISHED

    @property
    def pending(self) -> bool:
        """Whether anything that arrived is still to be read."""
        return self._in.pending > 0 or self._tls.pending() > 0

    def receive(self, data: bytes) -> None:
        """Take what arrived after the handshake."""
        self._in.write(data)

    def read(self) -> bytes:
        """Return the next decrypted piece, b"" when there is none. Raises ssl.SSLError."""
        try:
            data = self._tls.read(_PIECE)
        except ssl.SSLWantReadError:
            return b""
        self.ended = not data  # the peer said that it sends nothing more
        return data

    def encrypt(self, data: bytes) -> bytes:
        """Return the bytes that carry `data`."""
        sent = 0
        while sent < len(data):
            sent += self._tls.write(memoryview(data)[sent:] if sent else data)
        return self.outgoing()

    def farewell(self) -> bytes:
        """Return the bytes that say goodbye to the peer."""
        if not self.established or self.ended:
            return b""
        with contextlib.suppress(ssl.SSLError):  # it would wait for the peer's farewell
            self._tls.unwrap()
        return self.outgoing()

    def outgoing(self) -> bytes:
        """Return what is to be sent now."""
        return self._out.read()

    @property
    def certificate(self) -> Certificate | None:
        """The peer's certificate, after the handshake."""
        der = self._tls.getpeercert(binary_form=True)
        return read(der) if der else None

    def chain(self) -> list[Certificate]:
        """Return the certificates from the server's own one up, after the handshake; [] where none is known.

        Where the server was judged they are those of the way by which it is trusted; else what it sent,
        as far as it hangs together.
        """
        if self._verifies:
            return list(map(read, _chain(self._tls, "get_verified_chain")))
        return path(list(map(read, _chain(self._tls, "get_unverified_chain"))))

    @property
    def version(self) -> str:
        """The protocol, such as TLSv1.3."""
        return self._tls.version() or ""

    @property
    def cipher(self) -> str:
        """The name of the cipher suite."""
        chosen = self._tls.cipher()
        return chosen[0] if chosen else ""


def _chain(tls: ssl.SSLObject, method: str) -> list[bytes]:
    """Return a chain in DER; public from Python 3.13 on, before only the object behind has it."""
    inner: Any = getattr(tls, "_sslobj", None)
    ask = getattr(inner, method, None)
    return [one.public_bytes(_DER) for one in (ask() if ask else None) or ()]
