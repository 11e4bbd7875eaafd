"""The network as probes see it: one call or connection, timed by phase, each failure with its reason."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.core.errors import ProbeError, Shortage
from exporter.core.hosts import ascii_host
from exporter.core.network import Answer, ConnectedPeer, Proxy, Request, Talk, Trace
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.secret import redact
from exporter.net import proxy, redirects
from exporter.net.certificate import Certificate
from exporter.net.connection import CertificateError, Connection
from exporter.net.dial import dial
from exporter.net.message import secrets_of
from exporter.net.pool import Pool
from exporter.net.reader import AnswerReader
from exporter.net.reasons import time_error
from exporter.net.redirects import Leg
from exporter.net.resolver import Resolver, Threads, literal
from exporter.net.talk import Again, StreamTalk, open_datagrams
from exporter.net.tls import Contexts, TlsContext, unverified_context
from exporter.net.wire import WireMessage, first_message, message_of

_INSPECTION = 2.0  # seconds for reading a certificate that was refused


class LoopNetwork:
    """Implements `core.network.Network` on the running loop; one for the whole process, closed by `close`.

    Connections of calls with `reuse` are kept for the next call to the same origin and replaced after
    five minutes. Calls that may not be repeated, by their method or by themselves, never go out on a kept
    connection: it may have been closed. There is no timeout here: the caller cancels, and what was
    waited for then is in the trace's log.
    """

    def __init__(self, *, most_idle: int | None = None) -> None:
        """Keep at most `most_idle` idle connections; by default half of the open files allowed."""
        self._pool = Pool(most_idle)
        self._threads = Threads()
        self._resolver = Resolver(self._threads)
        self._contexts = Contexts(self._threads.run)

    async def call(self, request: Request, trace: Trace) -> Answer:
        """Send `request`, follow redirects as it allows, and read the whole answer."""
        noted = len(trace.log)
        try:
            return await self._call(request, trace)
        except BaseException as error:
            # A server may send our own credential back in a redirect or a name.
            hidden = secrets_of(request)
            trace.log[noted:] = [(when, redact(text, hidden)) for when, text in trace.log[noted:]]
            if isinstance(error, ProbeError):
                error.detail = redact(error.detail, hidden)
                error.args = (f"{error.reason}: {error.detail}",)
            raise

    async def connect(
        self, host: str, port: int, trace: Trace, *, tls: TlsOptions | None = None, family: str = "any"
    ) -> ConnectedPeer:
        """Open a connection, with a TLS handshake where `tls` is given, and close it."""
        name = _ascii_name(host)
        connection = await self._open(name, port, trace, tls=tls, family=family, http=False, cached=False)
        connection.close()
        expiry = connection.certificate.expiry if connection.certificate else None
        return ConnectedPeer(connection.place, expiry, connection.tls_version)

    @asynccontextmanager
    async def talk(
        self,
        host: str,
        port: int,
        trace: Trace,
        *,
        tls: TlsOptions | None = None,
        family: str = "any",
        datagrams: bool = False,
    ) -> AsyncIterator[Talk]:
        """Open a connection to speak on, by TLS where `tls` is given; the end of the block closes it."""
        name = _ascii_name(host)
        if datagrams:
            socket = await open_datagrams(await self._addresses(name, family, trace, False), port, trace)
            try:
                yield socket
            finally:
                socket.close()
            return

        async def upgrade(on: Connection, options: TlsOptions, again: Again | None) -> None:
            context = await self._contexts.get(options, http=False)
            trace.client_certificate_expiry = context.own_expiry
            await self._judge(on, context.judge, _server_name(options, name), trace, again)

        connection = await self._open(name, port, trace, tls=tls, family=family, http=False, cached=False)
        try:
            yield StreamTalk(connection, trace, upgrade)
        except BaseException:
            connection.abort()
            raise
        connection.close()

    async def close(self) -> None:
        """Close every kept connection and stop the threads."""
        self._pool.clear()
        self._resolver.close()
        self._threads.close()
        await asyncio.sleep(0)  # the loop closes sockets in its next turn

    @property
    def idle(self) -> int:
        """How many connections are kept open for later."""
        return len(self._pool)

    async def _call(self, request: Request, trace: Trace) -> Answer:
        message = first_message(request)
        way: list[Leg] = []
        while True:
            answer = await self._ask(request, message, trace, len(way))
            way.append(message.leg)
            following = redirects.follow(message.leg, answer, way, request.redirects, resend=request.resend)
            if following is None:
                return answer
            trace.note(redact(f"redirected to {following.url.redact()}", secrets_of(request)))
            message = message_of(request, following)

    async def _ask(self, request: Request, message: WireMessage, trace: Trace, hop: int) -> Answer:
        if message.reuse and (kept := self._pool.take(message.key_for(trace))):
            trace.note(f"using the kept connection to {kept.place}")
            try:
                return await self._exchange(kept, request, message, trace, hop)
            except ProbeError as error:
                # A server may close an idle connection as we write; an idempotent request may go out again.
                if kept.first_byte or error.reason is not Reason.CONNECT:
                    raise
                trace.note("the server had closed the kept connection: connecting again")
        if request.proxy is None:
            fresh = await self._open_for(request, message, trace)
        else:
            fresh = await self._tunnel(request.proxy, request, message, trace)
        return await self._exchange(fresh, request, message, trace, hop)

    async def _exchange(
        self, connection: Connection, request: Request, message: WireMessage, trace: Trace, hop: int
    ) -> Answer:
        leg = message.leg
        reader = AnswerReader(leg.method, request.max_body, reuse=request.reuse, follow=request.redirects > 0)
        _note_dates(connection, trace)
        trace.note(message.line)
        sent = time.perf_counter()
        try:
            await connection.exchange(message.data, reader)
        except BaseException as error:
            # Also when the answer is whole: it may arrive in the same moment as the deadline.
            connection.abort()
            if isinstance(error, asyncio.CancelledError):
                trace.note(f"stopped while waiting for {reader.waiting_for}")
            raise
        finally:
            if reader.status:
                trace.http_status = reader.status
        if reader.status == 407 and request.proxy is not None:
            connection.close()
            raise proxy.refusal(reader.status, leg.url.authority)
        trace.phase("processing", connection.first_byte - sent)
        trace.phase("transfer", connection.last_byte - connection.first_byte)
        trace.delay += time.perf_counter() - connection.last_byte
        trace.note(f"answered with status {reader.status} and {len(reader.body)} bytes of body")
        if request.reuse and reader.keep_alive:
            self._pool.put(message.key_for(trace), connection)
        else:
            connection.close()
        return _answer(reader, connection, message.url, hop)

    async def _open(
        self,
        host: str,
        port: int,
        trace: Trace,
        *,
        tls: TlsOptions | None,
        family: str,
        http: bool,
        cached: bool,
    ) -> Connection:
        # Made first: loading certificate files belongs to no phase.
        context = await self._context(tls, http, trace)
        connection = await self._reach(host, port, family, trace, cached)
        if tls is not None and context is not None:
            await self._judge(connection, context.judge, _server_name(tls, host), trace, None)
        return connection

    async def _open_for(self, request: Request, message: WireMessage, trace: Trace) -> Connection:
        url = message.leg.url
        return await self._open(
            url.host,
            url.port,
            trace,
            tls=message.tls if url.scheme == "https" else None,
            family=request.family,
            http=True,
            cached=request.reuse,
        )

    async def _tunnel(self, given: Proxy, request: Request, message: WireMessage, trace: Trace) -> Connection:
        """Open a connection through the proxy; for https it ends at the server."""
        url = message.leg.url
        tls = message.tls if url.scheme == "https" else None
        context = await self._context(tls, True, trace)
        connection = await self._reach_proxy(given, request, trace)
        if tls is None or context is None:
            return connection

        async def ask(talk: Talk) -> None:
            await proxy.open_tunnel(talk, given, url)

        try:
            await ask(StreamTalk(connection, trace, _never))
        except BaseException:
            connection.abort()
            raise
        connection.fresh = True  # for the server at the other end it is
        await self._judge(connection, context.judge, _server_name(tls, url.host), trace, ask)
        return connection

    async def _reach_proxy(self, given: Proxy, request: Request, trace: Trace) -> Connection:
        try:
            where = proxy.address(given)
            return await self._reach(where.host, where.port, request.family, trace, request.reuse)
        except ValueError as error:
            raise ProbeError(Reason.NOT_CONFIGURED, f"proxy_url: {error}") from None
        except ProbeError as error:
            raise ProbeError(error.reason, f"proxy: {error.detail}") from None

    async def _context(self, tls: TlsOptions | None, http: bool, trace: Trace) -> TlsContext | None:
        context = await self._contexts.get(tls, http=http) if tls is not None else None
        trace.client_certificate_expiry = context.own_expiry if context else None
        return context

    async def _reach(self, host: str, port: int, family: str, trace: Trace, cached: bool) -> Connection:
        addresses = await self._addresses(host, family, trace, cached)
        began = time.perf_counter()
        try:
            connection = await dial(addresses, port, trace)
        except Shortage:
            self._pool.clear()  # a run is worth more than what idles there
            raise
        except asyncio.CancelledError:
            trace.note(f"stopped while waiting for {', '.join(addresses)} to take the connection")
            raise
        trace.phase("connect", time.perf_counter() - began)
        return connection

    async def _addresses(self, host: str, family: str, trace: Trace, cached: bool) -> list[str]:
        if literal(host, family):
            return _permit([host], host, trace)
        began = time.perf_counter()
        try:
            addresses = await self._resolver.resolve(host, family, cached=cached)
        except asyncio.CancelledError:
            trace.note(f"stopped while waiting for the name {host} to be resolved")
            raise
        trace.phase("resolve", time.perf_counter() - began)
        addresses = _permit(addresses, host, trace)
        trace.note(f"resolved {host} to {', '.join(addresses[:8])}")
        return addresses

    async def _secure(self, connection: Connection, context: ssl.SSLContext, name: str, trace: Trace) -> None:
        began = time.perf_counter()
        try:
            await connection.secure(context, name)
        except BaseException as error:
            connection.abort()
            if isinstance(error, asyncio.CancelledError):
                trace.note("stopped while waiting for the TLS handshake")
            raise
        trace.phase("tls", time.perf_counter() - began)
        _note_dates(connection, trace)
        if connection.certificate is not None:
            trace.note(f"{connection.tls_version} {connection.cipher}, {connection.certificate.summary}")

    async def _judge(
        self, connection: Connection, context: ssl.SSLContext, name: str, trace: Trace, again: Again | None
    ) -> None:
        try:
            await self._secure(connection, context, name, trace)
        except CertificateError as error:
            certificate = await self._inspect_refused(connection, name, trace, again)
            raise (certificate and time_error(error.code, certificate, time.time())) or error from None

    async def _inspect_refused(
        self, refused: Connection, name: str, trace: Trace, again: Again | None
    ) -> Certificate | None:
        """Shake hands once more, only to read the certificate that was refused; nothing is sent after it."""
        left = (
            _INSPECTION
            if trace.deadline is None
            else min(_INSPECTION, 0.8 * (trace.deadline - time.monotonic()))
        )
        silent = Trace()
        connection: Connection | None = None
        try:
            async with asyncio.timeout(left):
                connection = await dial([refused.address], refused.port, silent)
                if again is not None:
                    await again(StreamTalk(connection, silent, _never))
                await connection.secure(unverified_context(), name)
        except (ProbeError, Shortage, TimeoutError):
            trace.note("the certificate was refused, and a second look at it failed")
        finally:
            if connection is not None:
                connection.close()  # with a farewell: a server that waits for our Finished logs a failure
        if connection is None or connection.certificate is None:
            return None
        _note_dates(connection, trace)
        trace.note(f"refused: {connection.certificate.summary}")
        return connection.certificate


async def _never(_connection: Connection, _tls: TlsOptions, _again: Again | None) -> None:
    raise ProbeError(Reason.TLS, "a second look at a certificate does no handshake of its own")


def _permit(addresses: list[str], host: str, trace: Trace) -> list[str]:
    """Return the addresses that the run's guard lets us dial; these and no others are dialled then."""
    if trace.guard is None:
        return addresses
    found = {address: trace.guard.refusal(address) for address in addresses}
    good = [address for address, why in found.items() if not why]
    if not good:
        # Only what kind of address: an untrusted source must not learn which addresses our names have.
        kinds = ", ".join(dict.fromkeys(found.values()))
        raise ProbeError(
            Reason.CONNECT,
            f"{host} leads to an address that is not public ({kinds}) and was {trace.guard.origin}",
        )
    return good


def _note_dates(connection: Connection, trace: Trace) -> None:
    if connection.certificate is not None:
        trace.certificate_expiry = connection.certificate.expiry
        trace.chain_expiry = connection.chain_expiry


def _server_name(tls: TlsOptions, host: str) -> str:
    """Return the name to ask for and to verify."""
    try:
        return (ascii_host(tls.server_name) if tls.server_name else host).rstrip(".")
    except ValueError as error:
        raise ProbeError(Reason.NOT_CONFIGURED, f"tls.server_name: {error}") from None


def _ascii_name(host: str) -> str:
    try:
        return ascii_host(host)
    except ValueError as error:
        raise ProbeError(Reason.NOT_CONFIGURED, str(error)) from None


def _answer(reader: AnswerReader, connection: Connection, url: str, hop: int) -> Answer:
    certificate = connection.certificate
    return Answer(
        status=reader.status,
        headers=reader.headers,
        body=reader.body,
        url=url,
        certificate_expiry=certificate.expiry if certificate else None,
        redirects=hop,
        http_version=reader.version,
        tls_version=connection.tls_version,
        packed=reader.packed,
    )
