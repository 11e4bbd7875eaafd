"""A small line chart in SVG: several panels over one time axis, no library needed."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, PANEL, LEFT, RIGHT, TOP = 900, 110, 90, 28, 34
INK, LINE, GRID = "#333333", "#1f6feb", "#dddddd"


class Panel(NamedTuple):
    """One line: `points` are (seconds, value); the axis runs from 0 to the largest value."""

    title: str
    points: Sequence[tuple[float, float]]


def chart(title: str, panels: Sequence[Panel]) -> str:
    """Return the SVG text of `panels`, one below the other, over minutes."""
    longest = max((at for panel in panels for at, _ in panel.points), default=1.0) or 1.0
    height = TOP + len(panels) * PANEL + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" fill="{INK}">{escape(title)}</text>',
    ]
    for place, panel in enumerate(panels):
        parts += _panel(panel, TOP + place * PANEL, longest)
    for part in range(5):
        x = LEFT + (WIDTH - LEFT - RIGHT) * part / 4
        minutes = longest * part / 4 / 60
        parts.append(
            f'<text x="{x:.0f}" y="{height - 6}" text-anchor="middle" fill="{INK}">{minutes:.0f} min</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, top: float, longest: float) -> list[str]:
    high = max((value for _, value in panel.points), default=0.0) or 1.0
    room = PANEL - 34
    base = top + 20 + room

    def place(at: float, value: float) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * at / longest:.1f},{base - room * value / high:.1f}"

    line = " ".join(place(at, value) for at, value in panel.points)
    return [
        f'<text x="{LEFT}" y="{top + 14:.0f}" fill="{INK}">{escape(panel.title)}</text>',
        *(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
            for y in (base, base - room)
        ),
        f'<text x="{LEFT - 6}" y="{base + 4:.0f}" text-anchor="end" fill="{INK}">0</text>',
        f'<text x="{LEFT - 6}" y="{base - room + 4:.0f}" text-anchor="end" fill="{INK}">{high:.4g}</text>',
        f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="1.5"/>',
    ]
