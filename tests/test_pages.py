"""Pages for people are whole: what is opened is closed, and every link leads to a page and a heading."""

import ast
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
DECISIONS = ROOT / "docs" / "decisions"
AREAS = sorted(page for page in DECISIONS.glob("*.md") if page.name != "README.md")
# Pages about the code; `NAME` in a path is the reader's own.
ABOUT_CODE = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", DECISIONS / "README.md", *AREAS]
NAMED = re.compile(r"`([\w.][\w./-]*(?:/|\.(?:py|md|toml|html)))`")


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


@pytest.mark.parametrize("page", ABOUT_CODE, ids=lambda page: page.name)
def test_every_file_and_folder_that_a_page_about_the_code_names_is_there(page: Path) -> None:
    named = [path for path in NAMED.findall(_prose(page)) if "NAME" not in path]
    assert [
        path for path in named if not any((base / path).exists() for base in (ROOT / "exporter", ROOT))
    ] == []


def test_the_page_of_the_architecture_names_a_file_to_open_first_in_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("| Floor | Room |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
    assert len(rows) == len({room for _, room, _, _ in rows}) > 20
    for _, room, purpose, first in rows:
        assert purpose.endswith("."), room
        assert first == "-" or first.strip("`").startswith(room.split(",")[0].strip("`")), room


@pytest.mark.parametrize("page", AREAS, ids=lambda page: page.name)
def test_a_decision_says_what_was_chosen_because_of_what_and_instead_of_what(page: Path) -> None:
    title, sentence, *decisions = page.read_text("utf-8").split("\n\n")
    assert title.startswith("# ")
    assert sentence.replace("\n", " ").endswith(".")
    assert decisions
    shape = re.compile(r"- \*\*Chosen\*\*: .+\n  \*\*Because\*\*: .+\n  \*\*Instead of\*\*: .+\.", re.DOTALL)
    assert [text for text in decisions if not shape.fullmatch(text.strip())] == []


def test_the_index_of_the_decisions_names_every_area() -> None:
    text = (DECISIONS / "README.md").read_text("utf-8")
    assert sorted({path for path, _ in LINK.findall(text)}) == [page.name for page in AREAS]


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "exporter").rglob("__init__.py")),
    ids=lambda path: str(path.parent.relative_to(ROOT)),
)
def test_every_folder_opens_with_one_sentence_that_says_what_it_is_for(path: Path) -> None:
    first, *_ = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")
    assert len(first) > 20
    assert first[-1] in ".?"
