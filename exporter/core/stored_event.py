"""An event as the store has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StoredEvent:
    """One event of `kind` at `at` (Unix seconds); `fields` are those of its kind, as JSON.

    `event_id` is what makes it unique among those of its kind, "" where it need not be. `retention` is the
    key of `store.retention` after which it is deleted.
    """

    at: float
    kind: str
    event_id: str
    integration: str
    tenant: str
    retention: str
    fields: Mapping[str, Any] = field(default_factory=dict)
