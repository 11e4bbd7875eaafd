"""What every part of the configuration file is made of."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from exporter.config import durations

RAW: dict[str, Any] = {"raw": True}
"""Mark of a part that is judged later, when its own type is known."""

PUBLIC: dict[str, Any] = {"public": True}
"""Mark of a text that every reader sees."""

PATH: dict[str, Any] = {"path": True}
"""Mark of a text that says where files are: variables in it are not credentials."""

# Python's `$` lets a trailing line break through; the sections refuse one themselves.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
TENANT_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"

Duration = Annotated[str, Meta(pattern=durations.PATTERN, description="A duration: 500ms, 30s, 5m, 1h, 1d.")]


# Unknown keys are refused: a mistyped one would silently leave its default in force.
class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every part; its fields are keys."""
