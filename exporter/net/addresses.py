"""Which addresses an untrusted source may make us connect to: public ones, none in our own networks.

Addresses in rows from outside are not the operator's. Without this guard a tenant could have the exporter
connect to its own network, or to the metadata service of its cloud. What is judged is the resolved address
that is then dialled, at every connection and every redirect, so a name that changes its address gains
nothing.
"""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_KINDS: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier's customers"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local, where clouds keep metadata"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved, where clouds keep metadata"),
    ("192.0.2.0/24", "for documentation"),
    ("192.31.196.0/24", "reserved"),
    ("192.52.193.0/24", "reserved"),
    ("192.88.99.0/24", "a relay of 6to4"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "reserved"),
    ("198.18.0.0/15", "for measurements"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("168.63.129.16/32", "a service of Azure for its own machines"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "a translation to IPv4 within a network"),
    ("100::/64", "a black hole"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "for documentation"),
    ("2620:4f:8000::/48", "reserved"),
    ("3fff::/20", "for documentation"),
    ("5f00::/16", "for segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
"""Networks that are not public, by the IANA registries of special-purpose addresses (RFC 6890), and why."""

_PRIVATE_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1/128", "fd00::/8"),
)
_METADATA = ipaddress.ip_network("fd00:ec2::/32")  # of AWS, in the midst of private addresses
_FORBIDDEN = tuple((ipaddress.ip_network(text), why) for text, why in _KINDS)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all that was ever given out; RFC 4291, 2.4
_EMBEDDED = (
    # network, how many bits follow the IPv4 address in it
    (ipaddress.ip_network("::ffff:0:0/96"), 0),  # mapped (RFC 4291)
    (ipaddress.ip_network("::ffff:0:0:0/96"), 0),  # translated (RFC 2765)
    (ipaddress.ip_network("::/96"), 0),  # compatible (RFC 4291, given up)
    (ipaddress.ip_network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (ipaddress.ip_network("2002::/16"), 80),  # 6to4 (RFC 3056)
)


@dataclass(frozen=True)
class PublicOnly:
    """Implements `core.network.AddressGuard`: public addresses, and those in the networks of `allowed`."""

    allowed: tuple[str, ...] = ()
    origin: str = "named by a tenant's row; tenants.allow_networks can permit its network"

    def refusal(self, address: str) -> str:
        """Return why the IP address `address` may not be dialled, "" when it may."""
        return _refusal(address, self.allowed)


@dataclass(frozen=True)
class NoMetadata:
    """Implements `core.network.AddressGuard`: public and private addresses, no metadata of clouds."""

    origin: str = "named by a webhook endpoint; no setting permits it"

    def refusal(self, address: str) -> str:
        """Return why the IP address `address` may not be dialled, "" when it may."""
        why = _refusal(address, _PRIVATE_NETWORKS)
        return why or ("where clouds keep metadata" if _is_metadata(address) else "")


@lru_cache(maxsize=4096)
def _refusal(address: str, allowed: tuple[str, ...]) -> str:
    try:
        # a scope such as %eth0 chooses an interface of ours
        judged = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "no IP address"
    if any(_within(judged, ipaddress.ip_network(text)) for text in allowed):
        return ""
    return _why(judged)


def _is_metadata(address: str) -> bool:
    return _within(ipaddress.ip_address(address.partition("%")[0]), _METADATA)


def _why(address: Address) -> str:
    for network, why in _FORBIDDEN:
        if _within(address, network):
            return why
    if isinstance(address, ipaddress.IPv4Address):
        return ""
    for network, behind in _EMBEDDED:
        if address in network:
            inner = ipaddress.IPv4Address(int(address) >> behind & 0xFFFF_FFFF)
            why = _why(inner)
            return f"{inner} in IPv6 clothes, {why}" if why else ""
    return "" if address in _GLOBAL_UNICAST else "not given out to anybody"


def _within(address: Address, network: IpNetwork) -> bool:
    return address.version == network.version and address in network
