"""Every example of the documentation loads, and suits its own schema."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from exporter.config.load import load_file
from exporter.config.schema import schema
from exporter.registry import catalogue

EXAMPLES = sorted(Path(__file__).parents[2].glob("docs/examples/*.yml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_and_suits_the_schema_that_its_first_line_names(path: Path) -> None:
    assert path.read_text().startswith("# yaml-language-server: $schema=config.schema.json\n")
    made = load_file(str(path), catalogue(), {})
    assert made.targets
    validator = Draft202012Validator(schema(catalogue()))
    assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == []


def test_there_are_examples() -> None:
    assert {"generic.yml", "demo.yml"} <= {path.name for path in EXAMPLES}
