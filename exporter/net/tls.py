"""TLS contexts, one for each distinct way of judging a server, made anew when their files change."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path

from exporter.core.errors import ProbeError
from exporter.core.options import TlsOptions
from exporter.core.reason import Reason
from exporter.net import certificate

_KEPT = 512  # about 0.8 MB each where the system's authorities are loaded
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

Key = tuple[str, str, str, bool, str, bool]
Stamp = tuple[tuple[int, int, int] | None, ...]
Offload = Callable[[Callable[[], ssl.SSLContext]], Awaitable[ssl.SSLContext]]


class Contexts:
    """Keeps contexts; making one takes up to 60 ms, so it is done off the loop."""

    def __init__(self, offload: Offload) -> None:
        """`offload` runs a function in a thread and returns its result."""
        self._offload = offload
        self._made: OrderedDict[Key, tuple[Stamp, ssl.SSLContext]] = OrderedDict()
        self._locks: dict[Key, asyncio.Lock] = {}

    async def get(self, tls: TlsOptions, *, http: bool) -> ssl.SSLContext:
        """Return the context for `tls`; `http` offers http/1.1 by ALPN. Bad files are ProbeError (tls)."""
        files = (tls.ca_file, tls.cert_file, tls.key_file)
        key = (*files, tls.insecure_skip_verify, tls.min_version, http)
        stamp = tuple(map(_stamp, files))
        made = self._made.get(key)
        if made is not None and made[0] == stamp:
            return made[1]
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                made = self._made.get(key)
                if made is None or made[0] != stamp:
                    made = (stamp, await self._offload(lambda: _make(tls, http)))
                    self._keep(key, made)
        finally:
            if not lock.locked():
                self._locks.pop(key, None)
        return made[1]

    def _keep(self, key: Key, made: tuple[Stamp, ssl.SSLContext]) -> None:
        self._made[key] = made
        self._made.move_to_end(key)
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)


def blind() -> ssl.SSLContext:
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


def _make(tls: TlsOptions, http: bool) -> ssl.SSLContext:
    certificate.prepare()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[tls.min_version]
    if http:
        context.set_alpn_protocols(["http/1.1"])
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _load_authorities(context, tls)
    if tls.cert_file:
        _load_own(context, tls)
    return context


def _load_authorities(context: ssl.SSLContext, tls: TlsOptions) -> None:
    if tls.insecure_skip_verify:
        return
    if not tls.ca_file:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=tls.ca_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _bad_file("tls.ca_file", tls.ca_file, error) from None


def _load_own(context: ssl.SSLContext, tls: TlsOptions) -> None:
    try:
        # Without a password function OpenSSL would ask for one on the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file or None, password=lambda: "")
    except (OSError, ValueError) as error:
        raise _bad_file("tls.cert_file and tls.key_file", tls.cert_file, error) from None


def _bad_file(option: str, path: str, error: Exception) -> ProbeError:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        why = "it holds no PEM that fits"
    else:
        why = (error.strerror or "it cannot be read").lower()
    return ProbeError(Reason.TLS, f"{option} {path} cannot be used: {why}")
