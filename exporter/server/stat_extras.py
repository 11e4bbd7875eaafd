"""What statistics say of a subject besides its checks: reasons, quotas, buckets of calls, and costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from exporter.core.event_summary import AI, EventWindow
from exporter.core.hours import HourRange
from exporter.core.store import Subject, Window
from exporter.core.usage import Usages
from exporter.store.subjects import event_summaries, summaries


@dataclass(frozen=True)
class StatExtras:
    """Facts of a window by subject; costs are those that apps report of AI services, in US dollars."""

    reasons: Mapping[Subject, dict[str, int]]
    usages: Mapping[Subject, Usages]
    costs: Mapping[Subject, float]

    def worst(self, subject: Subject, kind: str) -> float | None:
        """Return the greatest share that was used of an allowance of one kind, None where there is none."""
        found = [
            one.ratio for allowance, one in self.usages.get(subject, {}).items() if allowance.kind == kind
        ]
        return max((ratio for ratio in found if ratio is not None), default=None)

    def allowances(self, subject: Subject) -> list[dict[str, Any]]:
        """Return a row for each allowance, on average over the window: the fullest first."""
        rows = [
            {
                "kind": allowance.kind,
                "name": allowance.name,
                "used": round(one.used / one.runs, 6),
                "limit": round(one.size / one.runs, 6) or None,
                "ratio": None if one.ratio is None else round(one.ratio, 6),
            }
            for allowance, one in self.usages.get(subject, {}).items()
            if one.runs
        ]
        return sorted(rows, key=lambda row: (-(row["ratio"] or 0.0), row["kind"], row["name"]))


def read_extras(connection: Connection, window: Window) -> StatExtras:
    """Return the facts of the subjects of `window`; this may block."""
    return StatExtras(
        summaries.reasons(connection, window),
        summaries.usages(connection, window),
        _costs(connection, window),
    )


def _costs(connection: Connection, window: Window) -> dict[Subject, float]:
    chosen, tenants = window.chosen, window.chosen.tenants
    if "tenant" in window.by and chosen.tenant is None:
        # Else the sum over all tenants would be read, which is nobody's.
        place = window.by.index("tenant")
        tenants = {subject[place] for subject in window.subjects or ()}
    asked = EventWindow(
        AI, HourRange(window.since, window.until), window.by, chosen.integration, chosen.tenant, tenants
    )
    found = event_summaries.statistics(connection, asked)
    return {subject: statistic.amount for subject, statistic in found.items()}
