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
        reserved: set[int] = set()

        def reserve(wanted: int, count: int = 1) -> int:
            # Some usual ones are neighbours: where others have them, the next free one is that of several.
            first = free_port(wanted, count, reserved)
            reserved.update(range(first, first + count))
            return first

        sandbox = reserve(SANDBOX_PORT, 1 + 2 * len(registry.sandbox_vendors()))
        exporter, prometheus, alertmanager = map(reserve, PORTS.values())
        return cls(sandbox, exporter, prometheus, alertmanager, reserve(SINK_PORT), reserve(DATABASE_PORT))


def url(port: int, path: str = "") -> str:
    """Return the URL of a part."""
    return f"http://{HOST}:{port}{path}"
