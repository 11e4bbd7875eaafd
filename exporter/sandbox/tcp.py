"""Simulates a port that takes connections: what the provider `tcp` is pointed at."""

from typing import Any

from exporter.sandbox.vendor import Endpoint, Vendor


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {"host": endpoint.host, "port": endpoint.port}


# A client that only connects learns nothing of what the server would have said.
VENDOR = Vendor(name="tcp", title="A TCP port", options=_options, faults=("refused",))
