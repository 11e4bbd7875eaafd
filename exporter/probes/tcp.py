"""Opens a TCP connection and closes it: does a service listen there?

It needs no permission and sends nothing, so it costs nothing. Each probe opens a new connection. It measures
how long the name took to resolve and the connection to be taken, and why it was not.
"""

from collections.abc import Iterable

from exporter.core.metric import Sample
from exporter.core.options import Options
from exporter.core.probe import Kit, Probe, Target, never
from exporter.probes._host import Family, Host, Port, host_mistakes


class TcpOptions(Options, frozen=True):
    """Where to connect."""

    host: Host
    port: Port
    family: Family = "any"


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Connect and disconnect; phases are all that is measured."""
    options: TcpOptions = target.options
    await kit.connect(options.host, options.port, family=options.family)
    return ()


def _mistakes(options: TcpOptions) -> list[str]:
    return host_mistakes(options.host)


PROBE = Probe(
    name="tcp",
    title="TCP port",
    options=TcpOptions,
    check=check,
    interval=60.0,
    timeout=10.0,
    generic=True,
    drifts=never,
    encrypts=False,
    verify=_mistakes,
)
