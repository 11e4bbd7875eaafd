"""Ports that nobody else takes between the moment one is found free and the moment a server listens on it."""

import errno
import functools
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path

HOST = "127.0.0.1"
FIRST = 12_000
"""Above the ports that programs and our demo usually have."""

WIDTH = 400
"""Ports of one test process. Workers of one run, and runs side by side, have different ones."""

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port that nobody listens on, TCP or UDP; the same one comes again only much later."""
    return free_row(1)


def free_row(count: int) -> int:
    """Return the first of `count` such ports in a row."""
    free: list[int] = []
    for port in itertools.islice(_own_ports(), 2 * WIDTH):
        if free and port != free[-1] + 1:
            free = []
        if not _is_free(port):
            free = []
            continue
        free.append(port)
        if len(free) == count:
            return free[0]
    raise OSError(f"this test process has no {count} free ports in a row")


@functools.cache
def _own_ports() -> Iterator[int]:
    """Return the ports of this process, again and again; what holds them ends with it."""
    first = next(filter(_takes, _blocks()), None)
    if first is None:
        raise OSError("other test processes have all ports")
    return itertools.cycle(range(first + 1, first + WIDTH))


def _blocks() -> range:
    # Below the range from which the system gives a port to whoever wants any one, a client too.
    lowest = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32_768
    return range(FIRST, lowest if lowest > FIRST + 10 * WIDTH else 32_768, WIDTH)[:-1]


_guards: list[socket.socket] = []


def _takes(start: int) -> bool:
    """Return whether the ports from `start` on are ours now: who listens on the first one has them all."""
    guard = socket.socket()
    try:
        guard.bind((HOST, start))
        guard.listen()
    except OSError:
        guard.close()
        return False
    _guards.append(guard)
    return True


def _is_free(port: int) -> bool:
    # On every address: some servers listen on 127.0.0.2 or ::1 as well.
    kinds = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM)]
    if socket.has_dualstack_ipv6():
        kinds.append((socket.AF_INET6, socket.SOCK_STREAM))
    for family, kind in kinds:
        with socket.socket(family, kind) as probe:
            try:
                probe.bind(("", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:  # another one says that this machine has no IPv6
                    return False
    return True
