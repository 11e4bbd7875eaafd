"""Bars of uptime: one for each hour or day; what was down grows from below, so that colour is not all."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from exporter.server.charts.drawing import HEIGHT, Chart, Write, drawing, element, slots

LEAST = 0.18
"""Share of the height that any downtime takes at least: a minute of a day would not be seen."""


class UptimeSlot(NamedTuple):
    """An hour or a day: its name, the share of it that was up (None: nothing was seen), and failed runs."""

    name: str
    uptime: float | None
    failed: int = 0


def uptime_bars(found: Sequence[UptimeSlot], label: str, headings: tuple[str, ...], write: Write) -> Chart:
    """Return bars, the oldest first; `write` writes a share."""
    parts = [_bar(slot, place, write) for slot, place in zip(found, slots(len(found)), strict=True)]
    return Chart(
        label,
        drawing(parts, label),
        found[0].name if found else "",
        found[-1].name if found else "",
        headings,
        tuple((one.name, _words(one.uptime, write), str(one.failed)) for one in found),
    )


def _bar(slot: UptimeSlot, place: tuple[float, float], write: Write) -> str:
    left, width = place
    whole = {"x": left, "width": width}
    style = "none" if slot.uptime is None else "up"
    bars = element("rect", y=0, height=HEIGHT, class_=style, **whole)
    if slot.uptime is not None and slot.uptime < 1:
        down = max(LEAST, 1 - slot.uptime) * HEIGHT
        bars += element("rect", y=round(HEIGHT - down, 2), height=round(down, 2), class_="down", **whole)
    title = element("title", escape(f"{slot.name}: {_words(slot.uptime, write)}"))
    return element("g", title + bars)


def _words(uptime: float | None, write: Write) -> str:
    return "\N{EN DASH}" if uptime is None else write(uptime)
