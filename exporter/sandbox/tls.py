"""Simulates a port that speaks TLS: what the provider `tls` is pointed at."""

from typing import Any

from exporter.sandbox.vendor import Endpoint, Vendor


def _options(endpoint: Endpoint) -> dict[str, Any]:
    return {"host": endpoint.host, "port": endpoint.tls_port, "tls": {"ca_file": endpoint.ca_file}}


# A client that disconnects after the handshake learns nothing of what the server would have said.
VENDOR = Vendor(name="tls", title="A TLS port", options=_options, faults=("refused", "wrong_certificate"))
