"""Charts of numbers over time: lines, and columns that are stacked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.server.charts.drawing import (
    HEIGHT,
    WIDTH,
    Chart,
    Write,
    ceiling,
    drawing,
    element,
    slots,
    titled,
)

MOST_SERIES = 6
"""SeriesValues that have a colour of their own; the others are added up."""

ALONE = 6.0
"""Width of what is drawn for a point whose neighbours are not known."""

SeriesValues = Mapping[str, Sequence[float | None]]
"""Values by the name of their series, one for each name of the axis; None is what is not known."""


@dataclass(frozen=True)
class TimeAxis:
    """The times of a chart, the oldest first: their `names`, below `heading` in the table.

    `label` says what the chart shows, `write` a value of it.
    """

    names: Sequence[str]
    heading: str
    label: str
    write: Write


def lines(axis: TimeAxis, series: SeriesValues) -> Chart:
    """Return a line for each series; where a value is None the line has a gap."""
    top = ceiling(max((one for values in series.values() for one in values if one is not None), default=0.0))
    parts = [
        part
        for number, (name, values) in enumerate(series.items())
        for part in _line(axis, name, values, top, f"s{number}")
    ]
    return _chart(axis, series, parts, top)


def stacked_columns(axis: TimeAxis, series: SeriesValues, levels: Mapping[str, float] | None = None) -> Chart:
    """Return columns with the series on one another; `levels` are values that are drawn across."""
    levels = levels or {}
    sums = [sum(values[place] or 0.0 for values in series.values()) for place in range(len(axis.names))]
    top = ceiling(max([*sums, *levels.values()], default=0.0))
    parts = [*_columns(axis, series, top), *(_level(axis, name, at, top) for name, at in levels.items())]
    return _chart(axis, series, parts, top, levels)


def fewer(series: SeriesValues, other: str) -> SeriesValues:
    """Return the largest series, and what the rest adds up to as `other`."""
    ranked = sorted(series.items(), key=lambda item: -sum(one or 0.0 for one in item[1]))
    found: dict[str, Sequence[float | None]] = dict(ranked[:MOST_SERIES])
    rest = [values for _, values in ranked[MOST_SERIES:]]
    if rest:
        found[other] = [sum(one or 0.0 for one in column) for column in zip(*rest, strict=True)]
    return found


def _line(axis: TimeAxis, name: str, values: Sequence[float | None], top: float, style: str) -> Iterator[str]:
    run: list[tuple[float, float]] = []
    dots = []
    centres = [left + width / 2 for left, width in slots(len(axis.names), 0.0)]
    for place, value in enumerate([*values, None]):
        if value is not None:
            x, y = round(centres[place], 2), _y(value, top)
            run.append((x, y))
            title = f"{axis.names[place]}, {name}: {axis.write(value)}"
            dots.append(titled("circle", title, cx=x, cy=y, r=4, class_="dot"))
        elif run:
            points = " ".join(f"{x:g},{y:g}" for x, y in (run if len(run) > 1 else _dash(*run[0])))
            yield element("polyline", points=points, class_=f"line {style}")
            run = []
    yield from dots


def _dash(x: float, y: float) -> list[tuple[float, float]]:
    """Return the ends of a line that stands for one point: browsers leave out one without a length."""
    return [(x - ALONE / 2, y), (x + ALONE / 2, y)]


def _columns(axis: TimeAxis, series: SeriesValues, top: float) -> Iterator[str]:
    ground = [0.0] * len(axis.names)
    for number, (name, values) in enumerate(series.items()):
        for place, (left, width) in enumerate(slots(len(axis.names))):
            value = values[place] or 0.0
            if value <= 0:
                continue
            height = value / top * HEIGHT
            ground[place] += height
            shape = {
                "x": left,
                "y": round(HEIGHT - ground[place], 2),
                "width": width,
                "height": round(height, 2),
            }
            title = f"{axis.names[place]}, {name}: {axis.write(value)}"
            yield titled("rect", title, class_=f"s{number}", **shape)


def _level(axis: TimeAxis, name: str, value: float, top: float) -> str:
    y = _y(value, top)
    return titled("line", f"{name}: {axis.write(value)}", x1=0, x2=WIDTH, y1=y, y2=y, class_="level")


def _y(value: float, top: float) -> float:
    return round(HEIGHT - value / top * HEIGHT, 2)


def _chart(
    axis: TimeAxis,
    series: SeriesValues,
    parts: Sequence[str],
    top: float,
    levels: Mapping[str, float] | None = None,
) -> Chart:
    rows = [
        (name, *(_words(axis, values[place]) for values in series.values()))
        for place, name in enumerate(axis.names)
    ]
    rows += [(name, axis.write(at), *("",) * (len(series) - 1)) for name, at in (levels or {}).items()]
    return Chart(
        axis.label,
        drawing(parts, axis.label),
        axis.names[0] if axis.names else "",
        axis.names[-1] if axis.names else "",
        (axis.heading, *series),
        tuple(rows),
        axis.write(top),
        (*((f"s{n}", name) for n, name in enumerate(series)), *(("level", name) for name in levels or {})),
    )


def _words(axis: TimeAxis, value: float | None) -> str:
    return "\N{EN DASH}" if value is None else axis.write(value)
