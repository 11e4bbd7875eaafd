"""Bars of what is left of several lives, the shortest first."""

from collections.abc import Sequence
from typing import NamedTuple

from exporter.server.charts.drawing import HEIGHT, WIDTH, Chart, Write, drawing, titled

MOST = 20
"""Lives in one chart: thinner bars are no bars."""

SHORT = 86_400
"""Seconds below which a life is drawn as one that ends soon."""


class LifeSpan(NamedTuple):
    """Whose life it is, and the seconds that are left of it."""

    name: str
    seconds: float


def life_bars(found: Sequence[LifeSpan], label: str, headings: tuple[str, str], write: Write) -> Chart:
    """Return a bar for each life, as long as what is left of it beside the longest one."""
    shortest_first = sorted(found, key=lambda one: (one.seconds, one.name))[:MOST]
    longest = max((one.seconds for one in shortest_first), default=0.0) or 1.0
    each = HEIGHT / max(1, len(shortest_first))
    parts = [
        titled(
            "rect",
            f"{one.name}: {write(one.seconds)}",
            x=0,
            y=round(place * each, 2),
            # What has ended still shows where it is.
            width=round(max(2.0, one.seconds / longest * WIDTH), 2),
            height=round(each * 0.7, 2),
            class_="down" if one.seconds < SHORT else "up",
        )
        for place, one in enumerate(shortest_first)
    ]
    rows = tuple((one.name, write(one.seconds)) for one in shortest_first)
    return Chart(label, drawing(parts, label), write(0), write(longest), headings, rows)
