"""Pages for people are whole: what is opened is closed, and every link leads to a page and a heading."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from exporter.commands import doctor

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")],
    key=lambda page: page.parts,
)
FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def _prose(page: Path) -> str:
    return FENCED.sub("", page.read_text("utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return what a link into the page may name, as GitHub makes it of the headings."""
    titles = re.findall(r"^#+ (.*)$", _prose(page), re.MULTILINE)
    marked = re.findall(r'(?:id|name)="([^"]+)"', page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles} | {*marked}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_paragraph_closes_the_code_that_it_opens(page: Path) -> None:
    paragraphs = re.split(r"\n\s*\n", _prose(page))
    assert [text for text in paragraphs if text.count("`") % 2] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page: Path) -> None:
    for path, anchor in LINK.findall(_prose(page)):
        if path.startswith(("https:", "http:", "mailto:")):
            continue
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or target.suffix != ".md" or anchor in _anchors(target), f"{path}#{anchor}"


def test_the_page_of_the_doctor_explains_every_area() -> None:
    text = (ROOT / "docs" / "doctor.md").read_text("utf-8")
    modules = [import_module(f"exporter.commands.doctor.{one.name}") for one in iter_modules(doctor.__path__)]
    areas = {vars(module)["AREA"].name for module in modules if "AREA" in vars(module)}
    assert set(re.findall(r"^\*\*(\w+)\*\*", text, re.MULTILINE)) == areas
