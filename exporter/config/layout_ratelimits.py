"""The keys of `ratelimits:`, as types."""

from typing import Annotated, Literal

from msgspec import Meta

from exporter.config import rates
from exporter.config.layout_parts import NAME_PATTERN, PUBLIC, Duration, Part
from exporter.core.options import FILE_TWIN


class RateLimitPolicyPart(Part, frozen=True, kw_only=True):
    """How often somebody may ask for an endpoint."""

    name: Annotated[
        str,
        Meta(
            pattern=NAME_PATTERN,
            description="The label `policy`: up to 64 letters, digits and _.-, unique.",
            extra=PUBLIC,
        ),
    ]
    endpoint: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="What it is about, as a glob: /api/* are all routes of the exporter below /api/.",
            extra=PUBLIC,
        ),
    ]
    by: Annotated[
        Literal["address", "user", "key"],
        Meta(description="Who is counted apart: address, user (who signed in), key (a token)."),
    ] = "address"
    limit: Annotated[
        str, Meta(pattern=rates.PATTERN, description="So many in a time of whole seconds, such as 100/1m.")
    ]
    block_for: Annotated[
        Duration, Meta(description="How long whoever is over the limit is blocked; 0s for not at all.")
    ] = "0s"


class RateLimitsPart(Part, frozen=True, kw_only=True):
    """How often the exporter's own endpoints, and those of apps that ask it, may be called."""

    storage: Annotated[
        str,
        FILE_TWIN,
        Meta(
            description="Where requests are counted: memory, or redis://host:port/database (rediss:// with"
            " TLS), which replicas share."
        ),
    ] = "memory"
    when_storage_fails: Annotated[
        Literal["allow", "block"], Meta(description="What is answered while Redis does not.")
    ] = "allow"
    storage_timeout: Annotated[
        Duration, Meta(description="How long a request waits for Redis at most, from 10ms to 5s.")
    ] = "100ms"
    policies: Annotated[
        tuple[RateLimitPolicyPart, ...],
        Meta(max_length=100, description="Limits; a request must be within all that are about it."),
    ] = ()
