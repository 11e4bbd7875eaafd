"""The folder of sections is the list of the configuration's top-level keys."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from exporter.config import document
from exporter.config.document.source import YamlSource
from exporter.config.draft import Draft
from exporter.config.layout import Layout
from exporter.config.load_context import LoadContext
from exporter.config.sections import sections
from exporter.core.configuration import Configuration
from tests.config.house import CATALOGUE

MADE_BY_THE_LOAD = {"path", "files", "secrets", "text", "redacted_text", "switched_off", "notes", "shard"}


def test_each_top_level_key_has_a_file_and_each_file_a_key() -> None:
    assert sections().keys() == set(Layout.__struct_fields__)


@pytest.mark.parametrize("key", sections())
def test_a_section_comes_after_those_that_it_needs(key: str) -> None:
    before = list(sections())[: list(sections()).index(key)]
    assert set(getattr(sections()[key], "NEEDS", ())) <= set(before)


def test_the_sections_give_every_field_of_the_configuration_once() -> None:
    context = LoadContext({}, base=".", catalogue=CATALOGUE)
    draft = Draft(context, YamlSource("main.yml", {}, None), Layout())
    given: list[str] = []
    for key, section in sections().items():
        draft.values[key] = section.read(draft, getattr(draft.layout, key))
        given += section.fields(draft.values[key])
    assert not context.mistakes
    assert len(given) == len(set(given))
    assert set(given) | MADE_BY_THE_LOAD == {field.name for field in fields(Configuration)}


@pytest.mark.parametrize("path", sorted(Path(document.__path__[0]).glob("*.py")), ids=lambda path: path.name)
def test_the_document_reader_knows_no_file_in_particular(path: Path) -> None:
    named = set(re.findall(r"exporter\.config\.(\w+)", path.read_text()))
    assert named <= {"document", "durations", "redactor"}, "both files are read by it"
