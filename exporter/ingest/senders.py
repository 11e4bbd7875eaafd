"""Addresses that send webhooks which are not genuine, counted in bounded memory."""

import ipaddress
from dataclasses import dataclass

WINDOW = 60.0
"""Seconds in which refusals of an address are counted together."""

MOST_REFUSALS = 20
"""Refusals in a window after which an address is answered 429; a genuine webhook of it still is not."""

MOST_ADDRESSES = 10_000

_NETWORK_BITS = 64
"""A caller has a whole /64 of IPv6 at least, so that is what counts (RFC 6177)."""


@dataclass(slots=True)
class _Count:
    since: float
    refusals: int = 0


class RefusedSenders:
    """Counts refusals by address; only those whose signature is wrong are to be counted.

    Whatever an address did, a genuine webhook from it is taken: behind a proxy all senders have one address,
    and a vendor's burst must never meet a 429.
    """

    def __init__(self) -> None:
        """Start with no address."""
        self._counts: dict[str, _Count] = {}

    def count(self, address: str, now: float) -> int:
        """Count a refusal at `now` (any clock in seconds); return how many there were in this window."""
        key = network_of(address)
        found = self._counts.pop(key, None)
        if found is None or now - found.since >= WINDOW:
            found = _Count(now)
        # Put behind all others: the first one is the one that was quiet for longest.
        self._counts[key] = found
        if len(self._counts) > MOST_ADDRESSES:
            del self._counts[next(iter(self._counts))]
        found.refusals += 1
        return found.refusals

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._counts)


def network_of(address: str) -> str:
    """Return what is counted as one sender: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
