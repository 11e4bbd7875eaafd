"""Distinguishes a caller of this machine from one that a proxy of this machine lets through.

No header proves that no proxy forwards: a proxy may add none, and most rewrite `Host`. What is found here is
refused; what is not found may read, and nothing more (see Access).
"""

import ipaddress
from functools import lru_cache
from typing import Any

from aiohttp import HttpVersion11, web

from exporter.core.defaults import LOOPBACK_HOSTS
from exporter.net.addresses import Address

LOCAL_HOSTS = frozenset(f"[{host}]" if ":" in host else host for host in LOOPBACK_HOSTS)

# Beside these all headers that begin as in FORWARDING_STARTS; names in lower case.
FORWARDING = frozenset(
    (
        *(
            "forwarded",
            "via",
            "client-ip",
            "real-ip",
            "true-client-ip",
            "proxy-client-ip",
            "wl-proxy-client-ip",
        ),
        *("x-client-ip", "x-real-ip", "x-real-port", "x-real-host", "x-cluster-client-ip", "x-remote-addr"),
        *("x-remote-ip", "x-remote-user", "remote-user", "x-source-ip", "x-host", "x-scheme", "x-url-scheme"),
        *("x-rewrite-url", "x-request-uri", "x-ssl", "x-https", "front-end-https", "x-proxyuser-ip"),
        *("x-coming-from", "x-varnish", "x-served-by", "x-bluecoat-via", "proxy-connection"),
        *("ali-cdn-real-ip", "eagleeye-traceid", "eagleid"),
        *("x-amzn-trace-id", "x-cloud-trace-context", "x-arr-log-id", "x-arr-ssl", "x-site-deployment-id"),
        *(
            "x-sucuri-clientip",
            "x-sucuri-country",
            "x-nf-client-connection-ip",
            "x-nf-request-id",
        ),
        *("x-middleton-ip", "x-cdn", "x-edge-location", "x-ngrok-id", "x-iinfo", "surrogate-capability"),
        *("x-auth-request-user", "x-auth-request-email", "x-authentik-username", "x-webauth-user"),
    )
)
FORWARDING_STARTS = (
    *(
        "x-forwarded",
        "x-forward-",
        "x-envoy-",
        "x-original-",
        "x-proxy-",
        "x-proxied-",
        "x-amz-cf-",
        "x-amzn-oidc-",
    ),
    *("cf-", "cloudfront-", "fastly-", "fly-", "incap-", "akamai-", "x-akamai-", "x-azure-", "x-fd-"),
    *(
        "x-appengine-",
        "x-goog-iap-",
        "x-goog-authenticated-",
        "x-vercel-",
        "x-traefik-",
        "x-ssl-client-",
        "tailscale-",
    ),
    *("cdn-", "x-cdn-", "x-haproxy-", "x-caddy-", "x-nginx-", "x-kong-"),
)


def check_local(request: web.Request) -> None:
    """Refuse a caller that is not on this machine, or came through a proxy as far as a request can show."""
    why = _reason(request)
    if why:
        raise web.HTTPForbidden(text=f"no access is configured, so {why}; see --web.config.file")


def _reason(request: web.Request) -> str:
    hosts = request.headers.getall("Host", [])
    if not is_loopback(peer_of(request)):
        return "only this machine may ask"
    if any(is_forwarding(name) for name in request.headers):
        return "nothing may be forwarded here"
    # proxy_pass of nginx speaks HTTP/1.0 by default (proxy_http_version).
    if request.version < HttpVersion11:
        return "HTTP/1.0, which proxies speak, is not answered"
    # Also against DNS rebinding: a page of another site arrives with its own name here.
    if len(hosts) != 1 or _without_port(hosts[0]) not in LOCAL_HOSTS:
        return "the host must be localhost"
    return ""


def is_forwarding(header: str) -> bool:
    """Return whether proxies add this header."""
    name = header.lower()
    return name in FORWARDING or name.startswith(FORWARDING_STARTS)


def peer_of(request: web.Request) -> Address | None:
    """Return the address that the connection comes from."""
    peer: Any = request.transport.get_extra_info("peername") if request.transport else None
    try:
        return _address(str(peer[0]))
    except (TypeError, IndexError, ValueError):
        return None


@lru_cache(maxsize=1024)  # a sender keeps its connection, and most have one address
def _address(text: str) -> Address:
    # A link-local peer has its zone behind the address: fe80::1%eth0.
    address = ipaddress.ip_address(text.partition("%")[0])
    # On a socket for both families, IPv4 peers come as ::ffff:a.b.c.d.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_loopback(address: Address | None) -> bool:
    """Return whether it is an address of this machine alone."""
    return address is not None and address.is_loopback


def _without_port(host: str) -> str:
    head, colon, port = host.lower().rpartition(":")
    # With a port that there is not, it is no host of ours: no URL can be made of it.
    possible = port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535
    return head if colon and possible else host.lower()
