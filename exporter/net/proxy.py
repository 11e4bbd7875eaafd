"""HTTP proxies: what is said to one before the server itself is spoken to (RFC 9110, section 9.3.6)."""

from exporter.core.defaults import USER_AGENT
from exporter.core.errors import ProbeError
from exporter.core.network import Proxy, Talk
from exporter.core.reason import Reason
from exporter.net import url as urls
from exporter.net.reader import AnswerReader
from exporter.net.reasons import reason_of_status
from exporter.net.url import Url

_LONGEST_ANSWER = 1 << 16


def address(proxy: Proxy) -> Url:
    """Return where the proxy is; raise ValueError with what is wrong with its URL."""
    if "@" in proxy.url:
        raise ValueError("the URL holds a user name or password; they belong in proxy_auth")
    url = urls.parse(proxy.url)
    if url.scheme != "http":
        raise ValueError("a proxy is spoken to by http:// alone")
    if url.target != "/":
        raise ValueError("the URL of a proxy has no path")
    return url


async def open_tunnel(talk: Talk, proxy: Proxy, server: Url) -> None:
    """Have the proxy at the other end of `talk` connect us to `server`; raise ProbeError where it does not.

    The time it takes counts as `connect`.
    """
    host = f"[{server.host}]" if ":" in server.host else server.host
    place = f"{host}:{server.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", f"User-Agent: {USER_AGENT}"]
    if proxy.auth is not None:
        lines.append(f"Proxy-Authorization: {proxy.auth.reveal()}")
    reader = AnswerReader("CONNECT", _LONGEST_ANSWER)
    await talk.ask(
        ("\r\n".join(lines) + "\r\n\r\n").encode(), reader, "connect", "the proxy to reach the server"
    )
    if not 200 <= reader.status < 300:
        raise refusal(reader.status, place)


def refusal(status: int, place: str) -> ProbeError:
    """Return what a proxy means by `status` when it is to connect us to `place`."""
    prefix = f"the proxy answered HTTP {status}"
    if status == 407:
        return ProbeError(Reason.AUTH, f"{prefix}: it requires credentials (proxy_auth), or refuses ours")
    if status >= 500:
        return ProbeError(Reason.CONNECT, f"{prefix}: it cannot reach {place}")
    reason = reason_of_status(status) or Reason.BAD_RESPONSE
    return ProbeError(reason, f"{prefix}: it does not connect us to {place}")
