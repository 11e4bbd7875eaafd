"""TLS contexts, one for each distinct way of judging a server, made again when their files change."""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from exporter.core.errors import ProbeError
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.core.tls import TlsFileError, client_context
from exporter.net import certificate
from exporter.net.shortages import shortage_of

_MOST = 512  # about 0.8 MB each where the system's authorities are loaded

LOOK_EVERY = 1.0
"""Seconds after which the files of a context are looked at again: many new connections share a look."""

ContextKey = tuple[str, str, str, bool, str, bool, bool]
FileStamps = tuple[tuple[int, int, int] | None, ...]


class TlsContext(NamedTuple):
    """How a server is judged, and when the certificate expires that we show it (Unix seconds)."""

    judge: ssl.SSLContext
    own_expiry: float | None


@dataclass(slots=True)
class _Entry:
    stamps: FileStamps
    context: TlsContext
    looked_at: float


Offload = Callable[[Callable[[], TlsContext]], Awaitable[TlsContext]]


class Contexts:
    """Keeps contexts; making one takes up to 60 ms, so it is done off the loop."""

    def __init__(self, offload: Offload, now: Callable[[], float] = time.monotonic) -> None:
        """`offload` runs a function in a thread and returns its result; `now` is a clock that never jumps."""
        self._offload = offload
        self._now = now
        self._contexts: OrderedDict[ContextKey, _Entry] = OrderedDict()
        self._locks: dict[ContextKey, asyncio.Lock] = {}

    async def get(self, tls: TlsOptions, *, http: bool) -> TlsContext:
        """Return the context for `tls`; `http` offers http/1.1 by ALPN. Bad files are ProbeError (tls).

        Raise Shortage where a file could not be opened for want of a descriptor.
        """
        files = (tls.ca_file, tls.cert_file, tls.key_file)
        key = (*files, tls.insecure_skip_verify, tls.min_version, tls.legacy, http)
        entry, now = self._contexts.get(key), self._now()
        if entry is not None and now - entry.looked_at < LOOK_EVERY:
            return entry.context
        stamps = tuple(map(_stamp, files))
        if entry is not None and entry.stamps == stamps:
            entry.looked_at = now
            return entry.context
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                entry = self._contexts.get(key)
                if entry is None or entry.stamps != stamps:
                    entry = _Entry(stamps, await self._offload(lambda: _make(tls, http)), now)
                    self._keep(key, entry)
        finally:
            if not lock.locked():
                self._locks.pop(key, None)
        return entry.context

    def _keep(self, key: ContextKey, entry: _Entry) -> None:
        self._contexts[key] = entry
        self._contexts.move_to_end(key)
        if len(self._contexts) > _MOST:
            self._contexts.popitem(last=False)


def unverified_context() -> ssl.SSLContext:
    """Return a context that accepts any certificate: only to read one, never to send anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _stamp(path: str) -> tuple[int, int, int] | None:
    if not path:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _make(tls: TlsOptions, http: bool) -> TlsContext:
    certificate.prepare()
    try:
        judge = client_context(tls, ("http/1.1",) if http else ())
    except TlsFileError as error:
        raise shortage_of(error.error) or ProbeError(Reason.TLS, str(error)) from None
    return TlsContext(judge, certificate.expiry_of_file(tls.cert_file) if tls.cert_file else None)
