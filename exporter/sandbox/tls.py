"""Simulates a port that speaks TLS: what the provider `tls` is pointed at."""

from typing import Any

from exporter.sandbox.vendor import Place, Vendor


def _options(place: Place) -> dict[str, Any]:
    return {"host": place.host, "port": place.tls_port, "tls": {"ca_file": place.ca_file}}


# Whoever hangs up after the handshake learns nothing of what the server would have said.
VENDOR = Vendor(name="tls", title="A TLS port", options=_options, faults=("refused", "wrong_certificate"))
