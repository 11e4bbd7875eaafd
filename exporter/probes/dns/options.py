"""The options of the provider `dns`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from exporter.core.options import PER_TENANT, Options
from exporter.probes.dns.expect import Expect

TYPES = ("A", "AAAA", "MX", "TXT", "CNAME", "NS", "SOA", "SRV", "CAA", "PTR")


class DnsOptions(Options, frozen=True):
    """What to ask, whom, and what is expected."""

    name: Annotated[str, PER_TENANT, Meta(description="Name to ask for.")] = ""
    type: Annotated[
        str, Meta(pattern=f"^({'|'.join(TYPES)})$", description=f"Type of record: {', '.join(TYPES)}.")
    ] = "A"
    server: Annotated[
        str, Meta(description="Name server to ask, a name or an address; empty for the system's own.")
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65_535, description="Port of the name server.")] = 53
    transport: Annotated[
        str, Meta(pattern="^(udp|tcp)$", description="udp (tcp where an answer is too long), or tcp only.")
    ] = "udp"
    recursion: Annotated[
        bool, Meta(description="Ask the server to find out; without, only what it knows itself.")
    ] = True
    expect: Annotated[Expect, Meta(description="What a good answer is; by default one record or more.")] = (
        msgspec.field(default_factory=Expect)
    )
    family: Annotated[
        str, Meta(pattern="^(any|4|6)$", description='IP family to reach the server by: any, "4" or "6".')
    ] = "any"
