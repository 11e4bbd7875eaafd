"""A page of docs followed to the letter, once, in a copy of the tree that the tests of the page share."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".demo", "__pycache__", ".*_cache", ".hypothesis", "build", "dist", "*.db*"
)
BLOCK = re.compile(r"^`(?P<path>[\w/]+\.py)`\n\n```python\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TWO_COMMANDS = "```shell\nmake generate\nmake test\n```"

Contract = tuple[str, str, int]
"""A file of tests, a word of the names of its tests, and how many of these there are at least."""


@dataclass(frozen=True)
class Tutorial:
    """The copy at `tree`, and the fingerprints of its files before and after the page was followed."""

    page: Path
    tree: Path
    before: dict[str, str]
    after: dict[str, str]

    @property
    def blocks(self) -> dict[str, str]:
        """The files that the page has the reader write, as path -> text."""
        return blocks(self.page)

    @property
    def touched(self) -> set[str]:
        """The files that are new or changed."""
        both = self.before.keys() | self.after.keys()
        return {path for path in both if self.before.get(path) != self.after.get(path)}

    def run(self, *command: str) -> str:
        """Run Python in the copy; return what it prints."""
        return run(self.tree, *command)

    def generated(self) -> set[str]:
        """Return the paths of all that `generate` writes."""
        code = "from exporter.commands.checkout_files import checkout_files as all; print(*all())"
        return set(self.run("-c", code).split())

    def check_contracts(self, contracts: Sequence[Contract]) -> None:
        """Run the tests whose names have a word of `contracts`, in one process, and count those of each."""
        words = " or ".join(word for _, word, _ in contracts)
        report = self.tree / "report.xml"
        self.run(*PYTEST, f"--junitxml={report}", *(path for path, _, _ in contracts), "-k", words)
        passed = [(one.get("classname", ""), one.get("name", "")) for one in _passed(report)]
        report.unlink()
        for path, word, least in contracts:
            module = path.removesuffix(".py").replace("/", ".")
            found = [one for place, one in passed if place == module and word in f"{place} {one}"]
            assert len(found) >= least, f"{path}, {word}: {found}"


PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


def follow(page: Path, folder: Path) -> Tutorial:
    """Copy the tree to `folder`, write the files of `page` and generate, as the page says."""
    tree = Path(shutil.copytree(ROOT, folder / "tree", ignore=NOT_COPIED, symlinks=True))
    run(tree, "-m", "exporter", "generate")
    before = fingerprints(tree)
    for path, text in blocks(page).items():
        (tree / path).write_text(text)
    run(tree, "-m", "exporter", "generate")
    return Tutorial(page, tree, before, fingerprints(tree))


def blocks(page: Path) -> dict[str, str]:
    """Return the files that `page` shows whole, as path -> text."""
    return {found["path"]: found["text"] for found in BLOCK.finditer(page.read_text())}


def fingerprints(tree: Path) -> dict[str, str]:
    """Return a hash of every file of `tree` by its path, but for those that Python and pytest write."""
    return {
        str(path.relative_to(tree)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tree.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
    }


def run(tree: Path, *command: str) -> str:
    """Run Python in `tree`; return what it prints."""
    # The copy stands first on the path; nothing of it must come from the tree it was copied from.
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "",
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _passed(report: Path) -> list[ElementTree.Element]:
    cases = ElementTree.parse(report).iter("testcase")
    return [one for one in cases if not one.findall("skipped")]
