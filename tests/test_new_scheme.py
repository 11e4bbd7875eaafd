"""Follows docs/new-scheme.md to the letter, in a copy of the tree."""

import json
import re

import pytest

from tests.tutorial import PYTEST, ROOT, TWO_COMMANDS, Tutorial, blocks, follow

PAGE = ROOT / "docs" / "new-scheme.md"
GENERATED = {"docs/reference/webhook-schemes.md", "docs/examples/config.schema.json"}


CONTRACTS = (
    ("tests/signatures/test_contract.py", "acme", 12),
    ("tests/signatures/test_acme.py", "test_acme", 2),
)


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Tutorial:
    return follow(PAGE, tmp_path_factory.mktemp("new-scheme"))


def test_the_page_names_two_new_files_and_the_two_commands() -> None:
    assert sorted(blocks(PAGE)) == ["exporter/signatures/acme.py", "tests/signatures/test_acme.py"]
    assert not [path for path in blocks(PAGE) if (ROOT / path).exists()]
    assert TWO_COMMANDS in PAGE.read_text()
    assert len(re.findall(r"^```python$", PAGE.read_text(), re.MULTILINE)) == 2


def test_following_the_page_gives_a_scheme_without_an_edit(tutorial: Tutorial) -> None:
    tree = tutorial.tree
    assert tutorial.touched == {*tutorial.blocks, *GENERATED}
    assert "## Acme Parcels (`acme`)" in (tree / "docs/reference/webhook-schemes.md").read_text()
    schema = json.loads((tree / "docs/examples/config.schema.json").read_text())
    assert "acme" in json.dumps(schema["$defs"]["WebhookSourcePart"]["properties"]["scheme"])
    tutorial.run("-m", "exporter", "generate", "--check")


def test_the_contracts_of_schemes_hold_without_an_edit(tutorial: Tutorial) -> None:
    tutorial.check_contracts(CONTRACTS)


def test_the_source_of_the_page_is_a_good_configuration(tutorial: Tutorial) -> None:
    (found,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    secret, file = tutorial.tree / "secret", tutorial.tree / "my.yml"
    secret.write_text("acme-secret-1\n")
    file.write_text(found.replace("/run/secrets/acme", str(secret)))
    tutorial.run("-m", "exporter", "check", "--config.file", "my.yml")


def test_the_files_of_the_page_keep_to_the_style(tutorial: Tutorial) -> None:
    tutorial.run("-m", "ruff", "format", "--check", *tutorial.blocks)
    tutorial.run("-m", "ruff", "check", *tutorial.blocks)
    tutorial.run(*PYTEST, "tests/test_floors.py")
