"""Every example of the documentation loads, suits its own schema, and is named by the page about them."""

import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from exporter.config.load import load_file
from exporter.config.schema import build_schema
from exporter.registry import catalogue
from tests.examples import EXAMPLES, FOLDER, PLATFORMS, surroundings


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_and_suits_the_schema_that_its_first_line_names(path: Path, tmp_path: Path) -> None:
    assert path.read_text().startswith("# yaml-language-server: $schema=config.schema.json\n")
    made = load_file(str(path), catalogue(), surroundings(path, tmp_path))
    assert made.targets
    assert made.notes == (), "an example leaves nothing to be said about it"
    validator = Draft202012Validator(build_schema(catalogue()))
    assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == []


def test_there_are_examples() -> None:
    names = {"generic.yml", "demo.yml", "infrastructure.yml", *(f"{name}.yml" for name in PLATFORMS)}
    assert names <= {path.name for path in EXAMPLES}


def test_the_page_about_the_examples_links_each_of_them_and_nothing_else() -> None:
    linked = set(re.findall(r"\]\(([\w./-]+)\)", (FOLDER / "README.md").read_text()))
    assert {path.name for path in EXAMPLES} <= linked
    assert [name for name in linked if not (FOLDER / name).exists()] == []


def test_the_variables_of_the_app_with_one_tenant_are_those_that_its_file_reads() -> None:
    read = set(re.findall(r"\$\{(\w+)", (FOLDER / "one-tenant-app.yml").read_text())) - {"STATE_DIRECTORY"}
    given = set(re.findall(r"^(\w+)=", (FOLDER / "one-tenant-app.env").read_text(), re.MULTILINE))
    known = {variable for family in catalogue().families.values() for _, variable in family.environment}
    assert (read - given, given - read - known) == (set(), set())
