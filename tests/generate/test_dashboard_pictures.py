"""The pictures of the dashboards: each of one that exists, light and dark, small, shown by the page."""

from pathlib import Path

from exporter.generate.dashboards import boards

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = sorted((DOCS / "images" / "dashboards").glob("*"))
HEAVIEST = 150_000
"""Bytes of a picture at most: every clone has all of them."""


def test_each_picture_is_of_a_dashboard_in_both_themes_and_the_page_shows_it() -> None:
    page = (DOCS / "dashboards.md").read_text("utf-8")
    found = {path.name for path in PICTURES}
    names = {name.removesuffix(".png").rpartition("-")[0] for name in found}
    assert "overview" in names
    assert {f"{name}-{theme}.png" for name in names for theme in ("light", "dark")} == found
    assert {f"integration-{name}" for name in names} <= {board.uid for board in boards()}
    assert [name for name in sorted(found) if f"(images/dashboards/{name})" not in page] == []


def test_a_picture_is_small() -> None:
    assert [path.name for path in PICTURES if path.stat().st_size > HEAVIEST] == []
