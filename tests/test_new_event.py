"""Follows docs/new-event.md to the letter, in a copy of the tree."""

import re

import pytest

from tests.rules.tools import program, run
from tests.tutorial import PYTEST, ROOT, TWO_COMMANDS, Tutorial, blocks, follow

PAGE = ROOT / "docs" / "new-event.md"
CONTRACTS = (
    ("tests/events/test_contract.py", "search", 6),
    ("tests/events/test_search.py", "test_search", 2),
    ("tests/ingest/test_events.py", "search", 8),
    ("tests/server/test_listings.py", "searches", 4),
    ("tests/server/test_access.py", "searches", 2),
    ("tests/server/test_local_access.py", "searches", 1),
    ("tests/server/test_operating_page.py", "test_operating_page", 2),
    ("tests/client/test_client.py", "every_kind", 1),
    ("tests/rules/test_derived_cases.py", "SearchesFindNothing", 5),
    ("tests/generate/test_dashboard_catalogue.py", "search", 4),
    ("tests/generate/test_dashboards.py", "search", 8),
)
CONFIGURATION = """\
integrations: []
events: {allow: {index: [products, help]}}
thresholds: {search_miss_ratio: {medium: 0.3}}
"""


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Tutorial:
    return follow(PAGE, tmp_path_factory.mktemp("new-event"))


def test_the_page_names_two_new_files_and_the_two_commands() -> None:
    assert sorted(blocks(PAGE)) == ["exporter/events/search.py", "tests/events/test_search.py"]
    assert not [path for path in blocks(PAGE) if (ROOT / path).exists()]
    assert TWO_COMMANDS in PAGE.read_text()
    assert len(re.findall(r"^```python$", PAGE.read_text(), re.MULTILINE)) == 2


def test_following_the_page_adds_two_files_and_what_is_generated_of_them(tutorial: Tutorial) -> None:
    tree, touched = tutorial.tree, tutorial.touched
    assert touched - tutorial.generated() == set(tutorial.blocks), "only the two files are written by hand"
    assert {
        "prometheus/rules/search_events.yml",
        "docs/runbooks/IntegrationSearchesFindNothing.md",
        "docs/reference/events.md",
        "exporter/client/kinds.py",
    } <= touched
    assert "`/api/v1/searches`" in (tree / "docs/reference/lists.md").read_text()
    # One step hides the other for the same index alone.
    assert re.search(r"^ +- index$", (tree / "alertmanager/alertmanager.yml").read_text(), re.MULTILINE)
    tutorial.run("-m", "exporter", "generate", "--check")


def test_the_contracts_of_kinds_hold_without_an_edit(tutorial: Tutorial) -> None:
    tutorial.check_contracts(CONTRACTS)


def test_the_rules_of_the_page_pass_their_own_cases(tutorial: Tutorial) -> None:
    folder = tutorial.tree / "prometheus/tests"
    done = run(program("promtool"), "test", "rules", "search_events.yml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_configuration_may_name_the_allow_list_and_the_threshold(tutorial: Tutorial) -> None:
    (tutorial.tree / "my.yml").write_text(CONFIGURATION)
    tutorial.run("-m", "exporter", "check", "--config.file", "my.yml")


def test_the_client_has_the_method_that_the_page_shows(tutorial: Tutorial) -> None:
    code = 'from exporter.client import Client; Client().search("products", 3, query="x", tenant="acme")'
    tutorial.run("-W", "error", "-c", code)


def test_the_files_of_the_page_and_the_client_keep_to_the_style(tutorial: Tutorial) -> None:
    files = [*tutorial.blocks, "exporter/client/kinds.py"]
    tutorial.run("-m", "ruff", "format", "--check", *files)
    tutorial.run("-m", "ruff", "check", *files)
    tutorial.run(*PYTEST, "tests/test_floors.py")
