"""Follows docs/new-scheme.md to the letter, in a copy of the tree."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.test_new_provider import BLOCK, NOT_COPIED, ROOT, fingerprints, run

PAGE = ROOT / "docs" / "new-scheme.md"
GENERATED = {"docs/reference/webhook-schemes.md", "docs/examples/config.schema.json"}


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
    assert sorted(blocks()) == ["exporter/signatures/acme.py", "tests/signatures/test_acme.py"]
    assert not [path for path in blocks() if (ROOT / path).exists()]
    assert "```shell\nmake generate\nmake test\n```" in PAGE.read_text()
    assert len(re.findall(r"^```python$", PAGE.read_text(), re.MULTILINE)) == 2


def test_following_the_page_gives_a_scheme_without_an_edit(tree: Path) -> None:
    before = fingerprints(tree)
    follow(tree)
    after = fingerprints(tree)
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert touched == {*blocks(), *GENERATED}
    run(tree, "-m", "exporter", "generate", "--check")
    assert "## Acme Parcels (`acme`)" in (tree / "docs/reference/webhook-schemes.md").read_text()
    schema = json.loads((tree / "docs/examples/config.schema.json").read_text())
    assert "acme" in json.dumps(schema["$defs"]["WebhookSourcePart"]["properties"]["scheme"])

    contract = ("tests/signatures/test_contract.py", "-k", "acme")
    passed = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *contract)
    assert re.search(r"\b1[2-9] passed", passed), passed
    own = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/signatures/test_acme.py")
    assert "2 passed" in own
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_floors.py")


def test_the_source_of_the_page_is_a_good_configuration(tree: Path) -> None:
    follow(tree)
    (found,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (tree / "secret").write_text("acme-secret-1\n")
    (tree / "my.yml").write_text(found.replace("/run/secrets/acme", str(tree / "secret")))
    run(tree, "-m", "exporter", "check", "--config.file", "my.yml")


def test_the_files_of_the_page_keep_to_the_style(tree: Path) -> None:
    for path, text in blocks().items():
        (tree / path).write_text(text)
    run(tree, "-m", "ruff", "format", "--check", *blocks())
    run(tree, "-m", "ruff", "check", *blocks())
