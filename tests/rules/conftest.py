"""The generated tree, written out once."""

from pathlib import Path

import pytest

from exporter.generate import bundle
from tests.rules.tools import write


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tree"), bundle.files())
