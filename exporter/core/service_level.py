"""How available an integration is meant to be."""

from dataclasses import dataclass

DAY = 86_400.0
USUAL_WINDOW = 30 * DAY


@dataclass(frozen=True)
class ServiceLevel:
    """An objective: the share of time in which probes succeed, over `window` seconds; 0 is none."""

    objective: float = 0.995
    window: float = USUAL_WINDOW
