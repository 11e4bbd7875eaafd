"""What every test runs in."""

import os
import tempfile

import pytest

_folder = tempfile.TemporaryDirectory(prefix="integration-exporter-tests-")


def pytest_configure(config: pytest.Config) -> None:
    """Let exporters that tests start keep their admin token here, not in the home of whoever tests."""
    os.environ["XDG_STATE_HOME"] = _folder.name
    os.environ.pop("STATE_DIRECTORY", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it."""
    _folder.cleanup()
