"""`replicas:` how many exporters run this configuration."""

from typing import Any

from exporter.config.draft import Draft


def read(draft: Draft, part: int) -> int:  # noqa: ARG001 -- its type has checked it already
    """Return the number."""
    return part


def fields(value: int) -> dict[str, Any]:
    """Return the number as the configuration takes it."""
    return {"replicas": value}
