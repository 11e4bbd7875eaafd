"""Follows docs/new-event.md to the letter, in a copy of the tree."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rules.tools import program
from tests.test_new_provider import BLOCK, NOT_COPIED, ROOT, fingerprints, run

PAGE = ROOT / "docs" / "new-event.md"
CONTRACTS = (
    ("tests/events/test_contract.py", "search", 6),
    ("tests/events/test_search.py", "", 2),
    ("tests/ingest/test_events.py", "search", 8),
    ("tests/server/test_listings.py", "searches", 4),
    ("tests/server/test_access.py", "searches", 2),
    ("tests/server/test_local_access.py", "searches", 1),
    ("tests/server/test_operating_page.py", "", 2),
    ("tests/client/test_client.py", "every_kind", 1),
    ("tests/rules/test_derived_cases.py", "SearchesFindNothing", 5),
)
CONFIGURATION = """\
integrations: []
events: {allow: {index: [products, help]}}
thresholds: {search_miss_ratio: {medium: 0.3}}
"""


def blocks() -> dict[str, str]:
    return {found["path"]: found["text"] for found in BLOCK.finditer(PAGE.read_text())}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(ROOT, tmp_path / "tree", ignore=NOT_COPIED, symlinks=True))
    run(copy, "-m", "exporter", "generate")
    return copy


def follow(tree: Path) -> None:
    for path, text in blocks().items():
        (tree / path).write_text(text)
    run(tree, "-m", "exporter", "generate")


def test_the_page_names_two_new_files_and_the_two_commands() -> None:
    assert sorted(blocks()) == ["exporter/events/search.py", "tests/events/test_search.py"]
    assert not [path for path in blocks() if (ROOT / path).exists()]
    assert "```shell\nmake generate\nmake test\n```" in PAGE.read_text()
    assert len(re.findall(r"^```python$", PAGE.read_text(), re.MULTILINE)) == 2


def test_following_the_page_adds_two_files_and_what_is_generated_of_them(tree: Path) -> None:
    before = fingerprints(tree)
    follow(tree)
    run(tree, "-m", "exporter", "generate", "--check")
    after = fingerprints(tree)
    generated = run(
        tree,
        "-c",
        "from exporter.commands.checkout_files import checkout_files as files; print(*files(), sep=chr(10))",
    ).split("\n")
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert touched - set(generated) == set(blocks()), "only the two files are written by hand"
    assert {
        "prometheus/rules/search_events.yml",
        "docs/runbooks/IntegrationSearchesFindNothing.md",
        "docs/reference/events.md",
        "exporter/client/kinds.py",
    } <= touched
    assert "`/api/v1/searches`" in (tree / "docs/reference/lists.md").read_text()
    # One step hides the other for the same index alone.
    assert re.search(r"^ +- index$", (tree / "alertmanager/alertmanager.yml").read_text(), re.MULTILINE)


def test_the_contracts_of_kinds_hold_without_an_edit(tree: Path) -> None:
    follow(tree)
    for path, word, least in CONTRACTS:
        passed = run(
            tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", path, *(("-k", word) if word else ())
        )
        count = re.search(r"(\d+) passed", passed)
        assert count and int(count[1]) >= least, f"{path}: {passed}"


def test_the_rules_of_the_page_pass_their_own_cases(tree: Path) -> None:
    follow(tree)
    done = subprocess.run(
        [program("promtool"), "test", "rules", "search_events.yml"],
        cwd=tree / "prometheus/tests",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_configuration_may_name_the_allow_list_and_the_threshold(tree: Path) -> None:
    follow(tree)
    (tree / "my.yml").write_text(CONFIGURATION)
    run(tree, "-m", "exporter", "check", "--config.file", "my.yml")


def test_the_client_has_the_method_that_the_page_shows(tree: Path) -> None:
    follow(tree)
    code = 'from exporter.client import Client; Client().search("products", 3, query="x", tenant="acme")'
    run(tree, "-W", "error", "-c", code)


def test_the_files_of_the_page_and_the_client_keep_to_the_style(tree: Path) -> None:
    follow(tree)
    files = [*blocks(), "exporter/client/kinds.py"]
    run(tree, "-m", "ruff", "format", "--check", *files)
    run(tree, "-m", "ruff", "check", *files)
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_floors.py")
