"""What people read: prose breaks at 120 characters, and words are those of today."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 120
DATED = re.compile(
    r"\b(anew|mend(?:s|ed|ing)?|dear(?:er|est)|strangers?|told(?! apart)|tells|beside the loop"
    r"|came to|who asks|stands?(?! for\b|-))\b",
    re.IGNORECASE,
)
"""Words for which there is a plainer one; the table in CONTRIBUTING.md says which."""

YAML = sorted([*(ROOT / "docs" / "examples").rglob("*.yml"), *(ROOT / "deploy").rglob("*.yml")])
PAGES = sorted(
    [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md"), *ROOT.glob("*.md")]
)


def too_long(text: str) -> list[int]:
    """Return the numbers of the lines of prose that are too long: no code, table, image or single link."""
    found, code, before = [], False, ""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        # A block that is indented by four is code where an empty line stands before it.
        block = line.startswith("    ") and before in ("", "code")
        before = "code" if block else bare
        code ^= bare.startswith("```")
        free = code or block or bare.startswith(("|", "!", "```")) or " " not in bare.lstrip("-*> ")
        if len(line) > LONGEST and not free:
            found.append(number)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_breaks_at_120_characters(page: Path) -> None:
    assert too_long(page.read_text()) == []


def test_code_tables_and_links_may_be_longer() -> None:
    long = "word " * 30
    free = f"```\n{long}\n```\n| {long} |\n![{long}](a.png)\n- https://{'a' * 130}\n"
    text = f"{long}\n{free}  {long}\n\n    {long}\n"
    assert too_long(text) == [1, 8]


def dated(text: str) -> set[str]:
    return {word.lower() for word in DATED.findall(text)}


@pytest.mark.parametrize(
    "page",
    [*PAGES, ROOT / "Makefile", ROOT / "deploy" / "README.md", *YAML],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_pages_for_people_use_words_of_today(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    table = page.name == "CONTRIBUTING.md"  # whose table of words names them
    assert dated("\n".join(line for line in lines if not (table and line.startswith("|")))) == set()


def texts(path: Path) -> Iterator[str]:
    """Yield the sentences that a file may show to somebody: texts with a space, but no docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in silent and " " in str(node.value):
            yield str(node.value)


ROOMS = sorted(
    path for path in (ROOT / "exporter").iterdir() if path.name[0] != "_" and path.name != "py.typed"
)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_messages_and_helps_use_words_of_today(room: Path) -> None:
    found = {
        word
        for path in [room, *room.rglob("*")]
        if path.suffix == ".py"
        for text in texts(path)
        for word in dated(text)
    }
    assert found == set()


def test_the_table_of_words_names_what_is_looked_for() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("| We write | Not |")[1].split("\n\n")[0]
    words = [row.split("|")[2].strip() for row in table.splitlines()[2:]]
    assert {word for row in words for word in dated(row)} >= {"anew", "mend", "told", "dearer", "stranger"}
