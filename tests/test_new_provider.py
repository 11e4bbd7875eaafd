"""Follows docs/new-provider.md to the letter, in a copy of the tree."""

import re

import pytest

from tests.rules.tools import program, run
from tests.tutorial import PYTEST, ROOT, TWO_COMMANDS, Tutorial, blocks, follow

PAGE = ROOT / "docs" / "new-provider.md"
CONTRACTS = (("tests/probes/test_contract.py", "acme", 14), ("tests/probes/test_acme.py", "test_acme", 2))


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Tutorial:
    return follow(PAGE, tmp_path_factory.mktemp("new-provider"))


def test_the_page_names_three_new_files_and_the_two_commands() -> None:
    assert sorted(blocks(PAGE)) == [
        "exporter/probes/acme.py",
        "exporter/sandbox/acme.py",
        "tests/probes/test_acme.py",
    ]
    assert not [path for path in blocks(PAGE) if (ROOT / path).exists()]
    assert TWO_COMMANDS in PAGE.read_text()
    assert len(re.findall(r"^```python$", PAGE.read_text(), re.MULTILINE)) == 3


def test_following_the_page_gives_a_working_provider_without_an_edit(tutorial: Tutorial) -> None:
    touched = tutorial.touched
    assert touched - tutorial.generated() == set(tutorial.blocks), "only the three files are written by hand"
    assert "prometheus/rules/acme.yml" in touched
    assert "docs/runbooks/IntegrationAcmeParcelsStuck.md" in touched
    rules = (tutorial.tree / "prometheus/rules/acme.yml").read_text()
    assert "integration_acme_parcels_stuck" in rules
    tutorial.run("-m", "exporter", "generate", "--check")


def test_the_contracts_of_providers_hold_without_an_edit(tutorial: Tutorial) -> None:
    tutorial.check_contracts(CONTRACTS)


def test_the_files_of_the_page_keep_to_the_style(tutorial: Tutorial) -> None:
    tutorial.run("-m", "ruff", "format", "--check", *tutorial.blocks)
    tutorial.run("-m", "ruff", "check", *tutorial.blocks)
    tutorial.run(*PYTEST, "tests/test_floors.py")


def test_the_rules_of_the_page_pass_their_own_cases(tutorial: Tutorial) -> None:
    done = run(program("promtool"), "test", "rules", "acme.yml", cwd=tutorial.tree / "prometheus/tests")
    assert done.returncode == 0, done.stdout + done.stderr
