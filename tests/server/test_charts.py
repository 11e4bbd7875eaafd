"""Charts are drawings of the numbers that are in their tables, and hold nothing that could run."""

from xml.etree import ElementTree

import pytest

from exporter.server.charts.drawing import HEIGHT, WIDTH, Chart, ceiling
from exporter.server.charts.life import LifeSpan, life_bars
from exporter.server.charts.series import ALONE, MOST_SERIES, TimeAxis, fewer, lines, stacked_columns
from exporter.server.charts.uptime import UptimeSlot, uptime_bars

NOTHING = "\N{EN DASH}"
EVIL = '"><script>alert(1)</script>&'


def parts(chart: Chart, name: str) -> list[dict[str, str]]:
    """Return the attributes of every element called `name`, whose title is under `title`."""
    found = []
    for one in ElementTree.fromstring(chart.svg).iter(name):
        title = one.find("title")
        found.append({**one.attrib, "title": (title.text or "") if title is not None else ""})
    return found


def bars(*found: UptimeSlot, label: str = "Uptime") -> Chart:
    return uptime_bars(found, label, ("Day", "Uptime", "Failed"), lambda share: f"{share:.0%}")


def axis(*names: str, label: str = "Errors") -> TimeAxis:
    return TimeAxis(names, "Day", label, lambda value: f"{value:g}")


@pytest.mark.parametrize(
    "chart",
    [
        bars(UptimeSlot(EVIL, 0.5), label=EVIL),
        lines(axis(EVIL, "b", label=EVIL), {EVIL: [1, 2]}),
        stacked_columns(axis(EVIL, label=EVIL), {EVIL: [1]}, {EVIL: 2}),
        life_bars([LifeSpan(EVIL, 5)], EVIL, ("Token", "Left"), str),
    ],
    ids=["uptime", "lines", "columns", "life"],
)
def test_a_name_cannot_become_markup_and_no_drawing_has_a_style(chart: Chart) -> None:
    root = ElementTree.fromstring(chart.svg)
    names = {one.tag for one in root.iter()}
    assert names <= {"svg", "g", "title", "rect", "polyline", "circle", "line"}
    assert not any(
        "style" in one.attrib or any(key.startswith("on") for key in one.attrib) for one in root.iter()
    )
    assert root.attrib["aria-label"] == EVIL and root.attrib["role"] == "img"


def test_a_chart_of_nothing_is_empty_and_still_a_drawing() -> None:
    for chart in (bars(), lines(axis(), {}), stacked_columns(axis(), {}), life_bars([], "", ("", ""), str)):
        assert ElementTree.fromstring(chart.svg).tag == "svg" and chart.rows == ()


def test_what_was_down_grows_from_below_and_the_shortest_still_shows() -> None:
    chart = bars(
        UptimeSlot("a", 1.0), UptimeSlot("b", 0.4, 7), UptimeSlot("c", None), UptimeSlot("d", 0.9999, 1)
    )
    down = [one for one in parts(chart, "rect") if one["class"] == "down"]
    assert [float(one["height"]) for one in down] == [
        pytest.approx(0.6 * HEIGHT),
        pytest.approx(0.18 * HEIGHT),
    ]
    assert all(float(one["y"]) + float(one["height"]) == pytest.approx(HEIGHT) for one in down)
    assert [one["class"] for one in parts(chart, "rect")].count("none") == 1
    assert chart.rows == (("a", "100%", "0"), ("b", "40%", "7"), ("c", NOTHING, "0"), ("d", "100%", "1"))
    assert (chart.first, chart.last) == ("a", "d")


def test_a_line_has_a_gap_where_nothing_is_known_and_one_point_is_seen() -> None:
    chart = lines(axis("a", "b", "c", "d"), {"p50": [1, None, 3, 4], "p95": [None, None, None, 8]})
    drawn = [one["points"].split() for one in parts(chart, "polyline")]
    assert [len(one) for one in drawn] == [2, 2, 2]
    # Chromium draws no line that has no length, whatever its ends.
    for alone in (drawn[0], drawn[2]):
        (left, height), (right, same) = (map(float, point.split(",")) for point in alone)
        assert right - left == ALONE and height == same
    assert chart.top == "10" and chart.headings == ("Day", "p50", "p95")
    assert chart.rows[1] == ("b", NOTHING, NOTHING) and chart.rows[3] == ("d", "4", "8")
    dots = {one["title"]: float(one["cy"]) for one in parts(chart, "circle")}
    assert dots["d, p95: 8"] == pytest.approx(HEIGHT * 0.2)


def test_columns_are_stacked_to_their_sum_and_a_level_is_drawn_across() -> None:
    chart = stacked_columns(axis("a", "b"), {"auth": [3, 0], "dns": [1, 2]}, {"pace": 5.0})
    found = {one["title"]: one for one in parts(chart, "rect")}
    assert set(found) == {"a, auth: 3", "a, dns: 1", "b, dns: 2"}
    assert float(found["a, dns: 1"]["y"]) == pytest.approx(HEIGHT - 4 / 5 * HEIGHT)
    (level,) = parts(chart, "line")
    assert (level["y1"], level["x2"], level["title"]) == ("0", str(WIDTH), "pace: 5")
    assert chart.rows[-1] == ("pace", "5", "") and chart.legend[-1] == ("level", "pace")


def test_many_series_become_few_without_losing_any_count() -> None:
    series = {f"r{n}": [float(n), 1.0] for n in range(MOST_SERIES + 3)}
    found = fewer(series, "other")
    assert len(found) == MOST_SERIES + 1 and found["other"] == [0 + 1 + 2, 3.0]
    assert sum(one or 0 for values in found.values() for one in values) == sum(map(sum, series.values()))


def test_lives_are_sorted_by_what_is_left_and_short_ones_look_so() -> None:
    spans = [LifeSpan("long", 864_000), LifeSpan("gone", 0), LifeSpan("soon", 3600)]
    chart = life_bars(spans, "Life", ("Token", "Left"), lambda seconds: f"{seconds:.0f} s")
    assert [name for name, _ in chart.rows] == ["gone", "soon", "long"]
    assert [one["class"] for one in parts(chart, "rect")] == ["down", "down", "up"]
    assert [float(one["width"]) for one in parts(chart, "rect")] == [2.0, 2.5, WIDTH]


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (-1, 1), (0.3, 0.5), (1, 1), (1000, 1000), (1001, 2000), (7, 10)]
)
def test_the_upper_edge_is_a_round_number(highest: float, top: float) -> None:
    assert ceiling(highest) == pytest.approx(top)
