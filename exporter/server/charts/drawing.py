"""What every chart is made of: elements of SVG, a scale, and the chart with its numbers in words."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 600, 120
"""Units of the drawing; the page stretches it to its own width."""

Write = Callable[[float], str]
"""Writes a value as a person reads it."""


@dataclass(frozen=True)
class Chart:
    """A drawing, what it shows (`label`), and the same numbers as a table.

    `top` is the value at the upper edge in words, "" where the height means nothing; `first` and `last` are
    what the sides mean; `legend` has class and name of each series.
    """

    label: str
    svg: str
    first: str
    last: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    top: str = ""
    legend: tuple[tuple[str, str], ...] = ()


def element(name: str, inside: str = "", /, **attributes: object) -> str:
    """Return an element; `class_` is the attribute `class`, None leaves one out; `inside` is markup."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{inside}</{name}>"


def titled(name: str, title: str, **attributes: object) -> str:
    """Return an element that says `title` on hover."""
    return element(name, element("title", escape(title)), **attributes)


def drawing(parts: Sequence[str], label: str) -> str:
    """Return the SVG; whoever does not see it hears `label`, and reads the table."""
    box = f"0 0 {WIDTH} {HEIGHT}"
    return element(
        "svg",
        "".join(parts),
        viewBox=box,
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="chart",
    )


def ceiling(highest: float) -> float:
    """Return a round number at or above `highest`: 1, 2 or 5 times a power of ten; 1 for nothing."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    # The last one is for rounding: log10 of 1000 is a little below 3.
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= highest * (1 - 1e-9))


def slots(count: int, gap: float = 0.25) -> list[tuple[float, float]]:
    """Return left edge and width of each of `count` columns; `gap` is the share that stays empty."""
    each = WIDTH / max(1, count)
    return [(round(number * each, 2), round(each * (1 - gap), 2)) for number in range(count)]


def _text(value: object) -> str:
    return escape(f"{value:g}" if isinstance(value, float) else str(value))
