"""Opens a TCP connection and closes it: does anybody listen there?

It needs no permission and sends nothing, so it costs nothing. Each probe connects anew. It tells how long the
name took to resolve and the connection to be taken, and why it was not.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from exporter.core.hosts import ascii_host
from exporter.core.metric import Sample
from exporter.core.options import Options
from exporter.core.probe import Kit, Probe, Target


class TcpOptions(Options, frozen=True):
    """Where to connect."""

    host: Annotated[str, msgspec.Meta(description="Host name or address.", min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535, description="TCP port.")]
    family: Annotated[
        str, msgspec.Meta(pattern="^(any|4|6)$", description='IP family to connect by: any, "4" or "6".')
    ] = "any"


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Connect and hang up; phases are all that is measured."""
    options: TcpOptions = target.options
    await kit.connect(options.host, options.port, family=options.family)
    return ()


def _mistakes(options: TcpOptions) -> list[str]:
    try:
        ascii_host(options.host)
    except ValueError as error:
        return [f"host: {error}; write a name or an address without a port"]
    return []


PROBE = Probe(
    name="tcp",
    title="TCP port",
    options=TcpOptions,
    check=check,
    interval=60.0,
    timeout=10.0,
    generic=True,
    verify=_mistakes,
)
