"""The lines of the documents: prose breaks at 120 characters."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 120
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
