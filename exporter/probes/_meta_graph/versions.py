"""How long a version of the Graph API is served.

Sources: developers.facebook.com/docs/graph-api/changelog/versions and the changelog of the Marketing API,
read in November 2026. Dates are the start of the day in UTC; a version without one has no end announced.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

DEFAULT = "v26.0"

GRAPH: Mapping[str, str] = {
    "v18.0": "2026-01-26",
    "v19.0": "2026-05-21",
    "v20.0": "2026-09-24",
    "v21.0": "2027-01-21",
    "v22.0": "2027-05-20",
    "v23.0": "2027-10-08",
    "v24.0": "2028-02-18",
    "v25.0": "2028-07-29",
}
MARKETING: Mapping[str, str] = {
    **GRAPH,
    "v21.0": "2025-09-09",
    "v22.0": "2026-02-19",
    "v23.0": "2026-06-09",
    "v24.0": "2026-10-06",
}
"""End dates for ads: much earlier where one is announced; else those of the Graph API."""


def end_of(version: str, ends: Mapping[str, str]) -> float | None:
    """Return the announced end of `version` in Unix seconds, None if there is none."""
    day = ends.get(version)
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() if day else None


def is_newer(version: str, than: str) -> bool:
    """Return whether `version` came after `than`; False where either is not a version."""
    here, there = _numbers(version), _numbers(than)
    return here is not None and there is not None and here > there


def _numbers(version: str) -> tuple[int, int] | None:
    # Compared as numbers: as texts v9.0 would be newer than v10.0.
    found = re.fullmatch(r"v(\d{1,4})\.(\d{1,4})", version.strip())
    return (int(found[1]), int(found[2])) if found else None
