"""One connection on the bare loop: TCP, TLS on top where wanted, one HTTP exchange at a time."""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import cast

from exporter.core.errors import ProbeError, Shortage
from exporter.core.network import Reader
from exporter.core.reason import Reason
from exporter.net.certificate import Certificate, first_expiry
from exporter.net.reasons import os_error, tls_error
from exporter.net.session import TlsSession

_EARLY = 64 << 10  # bytes kept of what a server says before it was asked


class Connection(asyncio.Protocol):
    """A connection to `place` ("address:port"). Only one coroutine may wait on it at a time.

    `first_byte` is when the first decrypted byte of the answer came and `last_byte` when it was whole
    (time.perf_counter), `fresh` says that no request was sent on it yet, `made_at` is when it was made and
    `idle_since` when it was last put aside (time.monotonic). `chain_expiry` is when the first certificate of
    the server's chain expires, its own among them (Unix seconds).
    """

    def __init__(self) -> None:
        """Made by the loop's connector, which calls `connection_made`."""
        self.address = ""
        self.port = 0
        self.place = ""
        self.made_at = self.idle_since = time.monotonic()
        self.fresh = True
        self.closed = False
        self.first_byte = 0.0
        self.last_byte = 0.0
        self.certificate: Certificate | None = None
        self.chain_expiry: float | None = None
        self.tls_version = ""
        self.on_closed: Callable[[], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._session: TlsSession | None = None
        self._reader: Reader | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._early = b""

    async def secure(self, context: ssl.SSLContext, server_name: str) -> None:
        """Do the TLS handshake; raise ProbeError: tls, or connect if the connection is cut."""
        try:
            self._session = TlsSession(context, server_name)
        except ValueError:
            raise ProbeError(Reason.TLS, "the server name for TLS is no valid host name") from None
        try:
            self._expect()
            self._handshake(b"")
            await self._whole()
        finally:
            self._settle()
        chain = self._session.chain()
        self.certificate = chain[0] if chain else self._session.certificate
        self.chain_expiry = first_expiry(chain)
        self.tls_version = self._session.version

    async def exchange(self, data: bytes, reader: Reader) -> None:
        """Send a request and feed the answer to `reader` until it is whole; raise ProbeError."""
        self._reader = reader
        self.first_byte = 0.0
        try:
            self._expect()
            self._send(self._session.encrypt(data) if self._session else data)
            self._catch_up()
            if self.closed:
                self._peer_closed(None)
            await self._whole()
        except ssl.SSLError as error:
            raise tls_error(error, b"") from None
        finally:
            self._settle()
            self.fresh = False
            self._reader = None
            reader.release()

    @property
    def local(self) -> str:
        """Our own address of the connection, "" once it is closed."""
        name = self._transport.get_extra_info("sockname") if self._transport else None
        return str(name[0]) if name else ""

    @property
    def cipher(self) -> str:
        """The cipher suite, "" without TLS."""
        return self._session.cipher if self._session else ""

    def close(self) -> None:
        """Say goodbye and close; what is still to be sent is sent."""
        if self._transport is None or self.closed:
            return
        if self._session and (farewell := self._session.farewell()):
            self._transport.write(farewell)
        self.closed = True
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass of it

    def data_received(self, data: bytes) -> None:
        """Hand on what came; what comes unasked ends the connection."""
        try:
            if self._session is None:
                self._deliver(data)
            elif self._session.established:
                self._decrypt(data)
            else:
                self._handshake(data)
        except ProbeError as error:
            self._end(error)
        except ssl.SSLError as error:
            self._end(tls_error(error, b""))

    def eof_received(self) -> None:
        """Note to the reader that nothing more will come; the loop then closes the connection."""
        # Half-closed connections are of no use: a server that has closed its side answers nothing more.
        self.closed = True
        self._peer_closed(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Drop the transport and wake the caller that waits."""
        self.closed = True
        self._transport = None
        self._peer_closed(error)
        if self.on_closed:
            self.on_closed()

    def _handshake(self, data: bytes) -> None:
        session = self._session
        if session is None:
            return
        try:
            complete = session.handshake(data)
        except ssl.SSLError as error:
            # What the handshake still wants to send is the alert that says why to the server.
            self._send(session.outgoing())
            raise _handshake_error(error, session) from None
        # One packet less where the request, or the farewell, takes the end of the handshake along.
        if not (complete and session.may_wait):
            self._send(session.outgoing())
        if complete:
            self._wake(None)

    def _decrypt(self, data: bytes) -> None:
        session = self._session
        if session is None:
            return
        session.receive(data)
        while plain := session.read():
            self._deliver(plain)
            if not session.pending:  # one more read would end in an exception, which costs more than the look
                return
        if session.ended:
            self._peer_closed(None)
            self.abort()

    def _deliver(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            self._take_unasked(data)
            return
        if not self.first_byte:
            self.first_byte = time.perf_counter()
        reader.feed(data)
        if reader.done:
            self.last_byte = time.perf_counter()
            self._wake(None)

    def _take_unasked(self, data: bytes) -> None:
        if self.fresh and len(self._early) < _EARLY:
            self._early += data  # a banner, or a server too busy to read the request
        else:
            self.abort()  # what follows could not be told apart from the next answer

    def _catch_up(self) -> None:
        """Take what came before the request was sent."""
        early, self._early = self._early, b""
        if early:
            self._deliver(early)
        if self._session and self.fresh:
            self._decrypt(b"")  # it may have come together with the end of the handshake

    def _peer_closed(self, error: Exception | None) -> None:
        if self._waiter is None or self._waiter.done():
            return
        try:
            if isinstance(error, OSError):
                raise self._hint(os_error(error, self.place))
            if self._reader is None:
                stage = "during the TLS handshake" if self._session else "at once"
                raise ProbeError(Reason.CONNECT, f"{self.place} closed the connection {stage}")
            self._reader.finish()
            self.last_byte = time.perf_counter()
            self._wake(None)
        except (ProbeError, Shortage) as cut:
            self._wake(cut)

    def _hint(self, error: ProbeError | Shortage) -> ProbeError | Shortage:
        if isinstance(error, Shortage):
            return error
        # A TLS 1.3 server judges our certificate after the handshake, and its reset may overtake its alert.
        if self.fresh and not self.first_byte and self.tls_version == "TLSv1.3":
            return ProbeError(
                error.reason, f"{error.detail} before it answered; it may require a client certificate"
            )
        return error

    def _end(self, error: ProbeError) -> None:
        self._wake(error)
        if self._transport is not None:
            # By TLS an alert may wait to be sent; a plain connection has nothing more to say.
            self._transport.close() if self._session else self._transport.abort()
        self.closed = True

    def _wake(self, error: ProbeError | Shortage | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            if error is None:
                self._waiter.set_result(None)
            else:
                self._waiter.set_exception(error)

    def _expect(self) -> None:
        if self.closed and not self._early:
            raise ProbeError(Reason.CONNECT, f"{self.place} closed the connection")
        self._waiter = asyncio.get_running_loop().create_future()

    def _whole(self) -> "asyncio.Future[None]":
        """Return what is expected, for `await` alone: a frame that keeps it lives on with the error in it."""
        return cast("asyncio.Future[None]", self._waiter)

    def _settle(self) -> None:
        """Forget the waiter: when the exchange failed elsewhere, what is set on it later has no reader."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.cancel() and not waiter.cancelled():
            waiter.exception()  # taken, so that the loop does not warn of it

    def _send(self, data: bytes) -> None:
        if self._transport is not None and data:
            self._transport.write(data)


class CertificateError(ProbeError):
    """The server's certificate did not pass; it can still be read. `code` is OpenSSL's X509_V_ERR."""

    def __init__(self, detail: str, code: int) -> None:
        """Keep why."""
        super().__init__(Reason.TLS, detail)
        self.code = code


def _handshake_error(error: ssl.SSLError, session: TlsSession) -> ProbeError:
    found = tls_error(error, session.first_bytes, session.server_name)
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateError(found.detail, error.verify_code)
    return found
