"""Finds the admin token of an exporter on this machine, and sends it nowhere else."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from exporter.core import admin_token
from exporter.core.defaults import LOOPBACK_HOSTS
from exporter.core.errors import StartError
from exporter.core.secret import Secret

LISTENING = "0A"
"""The state of a socket that waits for connections, as /proc/net/tcp writes it (proc(5))."""


def find_token(
    url: str, environment: Mapping[str, str], tables: tuple[str, ...] = ("/proc/net/tcp", "/proc/net/tcp6")
) -> Secret | None:
    """Return the admin token for the exporter at `url`; None where there is none that this user may read.

    Any process may listen on the port while no exporter does. So the token goes only to a port whose
    listeners all belong to the token's owner, or to root.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    # The token opens the exporters of this machine alone: no other host gets it, whatever the flag says.
    if parts.hostname not in LOOPBACK_HOSTS:
        return None
    owners = listeners(port, tables)
    for path in admin_token.usual_paths(environment) if owners else ():
        try:
            if owners <= {0, path.stat().st_uid}:
                return admin_token.read(path)
        except (OSError, StartError):
            continue
    return None


def listeners(port: int, tables: tuple[str, ...]) -> frozenset[int]:
    """Return the ids of the users that listen on `port` of this machine; empty where that is unknown."""
    found: set[int] = set()
    for table in tables:
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            # Fields: sl, local_address, rem_address, st, queues, timer, retrnsmt, uid; the port is in hex.
            if words[3] == LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                found.add(int(words[7]))
    return frozenset(found)
