"""What every test runs in."""

import gc
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine would fail an example that takes longer than its 200 ms, or examples that are made slowly.
# And all runs try the same examples: one that fails once in many runs would blame an innocent change.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

LONGEST = (
    "tests/test_new_",
    "tests/rules/test_rules.py",
    "tests/rules/test_derived_cases.py",
    "tests/packaging/",
    "tests/e2e/",
    "tests/outbox/",
    "tests/notices/",
    "tests/benchmarks/",
)
"""Files of a few tests that each take long: they begin first, or the last worker would run them alone."""

_folder = tempfile.TemporaryDirectory(prefix="integration-exporter-tests-")


def pytest_configure(config: pytest.Config) -> None:
    """Let exporters that tests start keep their admin token here, not in the home of whoever tests."""
    os.environ["XDG_STATE_HOME"] = _folder.name
    os.environ.pop("STATE_DIRECTORY", None)


def pytest_collection_finish() -> None:
    """Keep what lives as long as the run out of every full collection."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it."""
    _folder.cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest in front; the order is otherwise as it was."""
    root = Path(__file__).parents[1]
    items.sort(key=lambda item: not str(item.path.relative_to(root)).startswith(LONGEST))
