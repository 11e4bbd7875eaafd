"""Follows docs/new-provider.md to the letter, in a copy of the tree."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "new-provider.md"
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".demo", "__pycache__", ".*_cache", ".hypothesis", "build", "dist", "*.db*"
)
BLOCK = re.compile(r"^`(?P<path>[\w/]+\.py)`\n\n```python\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    return {found["path"]: found["text"] for found in BLOCK.finditer(PAGE.read_text())}


def run(tree: Path, *command: str) -> str:
    # The copy stands first on the path; nothing of it must come from the tree it was copied from.
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "",
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def fingerprints(tree: Path) -> dict[str, str]:
    return {
        str(path.relative_to(tree)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tree.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "tree", ignore=NOT_COPIED, symlinks=True))


def test_the_page_names_three_new_files_and_the_two_commands() -> None:
    assert sorted(blocks()) == [
        "exporter/probes/acme.py",
        "exporter/sandbox/acme.py",
        "tests/probes/test_acme.py",
    ]
    assert not [path for path in blocks() if (ROOT / path).exists()]
    assert "```shell\nmake generate\nmake test\n```" in PAGE.read_text()
    assert len(re.findall(r"^```python$", PAGE.read_text(), re.MULTILINE)) == 3


def test_following_the_page_gives_a_working_provider_without_an_edit(tree: Path) -> None:
    run(tree, "-m", "exporter", "generate")
    before = fingerprints(tree)
    for path, text in blocks().items():
        (tree / path).write_text(text)

    run(tree, "-m", "exporter", "generate")
    run(tree, "-m", "exporter", "generate", "--check")
    after = fingerprints(tree)
    generated = run(
        tree, "-c", "from exporter.generate.bundle import files; print(*files(), sep=chr(10))"
    ).split("\n")
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert touched - set(generated) == set(blocks()), "only the three files are written by hand"
    assert "prometheus/rules/acme.yml" in touched
    assert "docs/runbooks/IntegrationAcmeParcelsStuck.md" in touched
    rules = (tree / "prometheus/rules/acme.yml").read_text()
    assert "integration_acme_parcels_stuck" in rules

    contract = ("tests/probes/test_contract.py", "-k", "acme")
    passed = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *contract)
    assert re.search(r"\b1[4-9] passed", passed), passed
    own = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/probes/test_acme.py")
    assert "2 passed" in own
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_floors.py")


def test_the_files_of_the_page_keep_to_the_style(tree: Path) -> None:
    for path, text in blocks().items():
        (tree / path).write_text(text)
    run(tree, "-m", "ruff", "format", "--check", *blocks())
    run(tree, "-m", "ruff", "check", *blocks())


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_the_rules_of_the_page_pass_their_own_cases(tree: Path) -> None:
    for path, text in blocks().items():
        (tree / path).write_text(text)
    run(tree, "-m", "exporter", "generate")
    tests = tree / "prometheus" / "tests"
    done = subprocess.run(
        ["promtool", "test", "rules", "acme.yml"], cwd=tests, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
