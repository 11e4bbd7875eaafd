"""What was made of a feed's rows, so that rows which did not change cost nothing in the next load."""

from dataclasses import dataclass, field
from typing import Any

from exporter.config.document.context import Public
from exporter.core.probe import Target
from exporter.core.threshold import Threshold


@dataclass(frozen=True)
class BuiltRow:
    """All that came of one row without a mistake: `raw` is the row itself, equal rows give equal results."""

    raw: Any = field(repr=False)
    target: Target
    thresholds: tuple[Threshold, ...]
    secrets: frozenset[str] = field(repr=False)
    public: tuple[Public, ...]


@dataclass
class RowCache:
    """The rows made for one integration in one `context`: everything but the rows that they depend on."""

    context: Any = field(repr=False)
    rows: dict[str, BuiltRow] = field(default_factory=dict)
    earlier: dict[str, BuiltRow] = field(default_factory=dict)

    def get(self, tenant: str, raw: Any) -> BuiltRow | None:
        """Return what was made of the equal row of an earlier load."""
        # Identity is compared first: feeds hand equal rows over as the objects of before.
        found = self.earlier.get(tenant)
        return found if found is not None and (found.raw is raw or found.raw == raw) else None
