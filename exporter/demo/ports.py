"""Where each part of the demo listens."""

from dataclasses import dataclass

from exporter import registry
from exporter.core.defaults import HOST, PORTS, SANDBOX_PORT
from exporter.demo.services import free_port

SINK_PORT = 10056
"""Where the demo takes notifications, unless the port is in use."""


DATABASE_PORT = 10432
"""Where its PostgreSQL listens: away from the usual port, where yours may be."""


@dataclass(frozen=True)
class Ports:
    """Where each part listens on this machine; the three in the middle are those of core.defaults.PORTS."""

    sandbox: int
    exporter: int
    prometheus: int
    alertmanager: int
    sink: int
    database: int

    @classmethod
    def free(cls) -> "Ports":
        """Return the usual ports, or the next free ones where they are taken."""
        vendors = 1 + 2 * len(registry.sandbox_vendors())
        exporter, prometheus, alertmanager = map(free_port, PORTS.values())
        # The usual ones are neighbours: where another demo has both, the next free one is the same for both.
        sink = free_port(max(SINK_PORT, exporter + 1))
        sandbox, database = free_port(SANDBOX_PORT, vendors), free_port(DATABASE_PORT)
        return cls(sandbox, exporter, prometheus, alertmanager, sink, database)


def url(port: int, path: str = "") -> str:
    """Return the URL of a part."""
    return f"http://{HOST}:{port}{path}"
