"""Shakes hands by TLS and hangs up: is the certificate good, and until when?

It needs no permission and sends nothing after the handshake, so it costs nothing. Each probe opens a new
connection. The expiry is exported as `integration_certificate_expiry_timestamp_seconds`, also where the
certificate was refused because it has expired, and beside it the first date of its chain; the thresholds of
the alert on certificates say how many days are enough.

With `tls.cert_file` the date of our own certificate is exported, too. Over TLS 1.3 a server judges it after
the handshake, when this probe has hung up: it is connected although the server refuses us. Over TLS 1.2 it
fails.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from exporter.core.common_metrics import SCHEDULE
from exporter.core.metric import Metric, Sample
from exporter.core.network import DEFAULT_TLS
from exporter.core.options import Options, TlsOptions
from exporter.core.probe import Kit, Probe, Target, never
from exporter.probes._host import Family, Host, Port, host_mistakes

VERSION = Metric(
    "integration_tls_version_info",
    "TLS version that the last handshake agreed on; always 1." + SCHEDULE,
    labels=("version",),
)


class TlsProbeOptions(Options, frozen=True):
    """Where to connect, and how the certificate is judged."""

    host: Host
    port: Port = 443
    tls: Annotated[TlsOptions, msgspec.Meta(description="How the server's certificate is judged.")] = (
        DEFAULT_TLS
    )
    family: Family = "any"


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Shake hands and disconnect; the engine exports the certificate's expiry itself."""
    options: TlsProbeOptions = target.options
    peer = await kit.connect(options.host, options.port, tls=options.tls, family=options.family)
    return (VERSION(1, version=peer.tls_version),)


def _mistakes(options: TlsProbeOptions) -> list[str]:
    return host_mistakes(options.host)


PROBE = Probe(
    name="tls",
    title="TLS",
    options=TlsProbeOptions,
    check=check,
    metrics=(VERSION,),
    interval=60.0,
    timeout=10.0,
    generic=True,
    drifts=never,
    verify=_mistakes,
)
