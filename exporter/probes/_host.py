"""Options that say where to connect, for the providers that speak to a host and a port."""

from typing import Annotated

from msgspec import Meta

from exporter.core.hosts import ascii_host

Host = Annotated[str, Meta(description="Host name or address.", min_length=1)]
"""The option `host` of a provider that has no target without it."""

Port = Annotated[int, Meta(ge=1, le=65_535, description="TCP port.")]
"""The option `port`."""

# Texts: YAML reads a bare 4 as a number, which is refused.
Family = Annotated[str, Meta(pattern="^(any|4|6)$", description='IP family to connect by: any, "4" or "6".')]
"""The option `family`."""


def host_mistakes(host: str, key: str = "host") -> list[str]:
    """Return what is wrong with the host of the option `key`."""
    try:
        ascii_host(host)
    except ValueError as error:
        return [f"{key}: {error}; write a name or an address without a port"]
    return []
