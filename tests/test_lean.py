"""A process that serves has in memory what it needs, and no more."""

import subprocess
import sys

HEAVY = (
    *("alembic", "rich", "cryptography", "jsonschema", "jinja2", "jwt", "psycopg", "dns", "httpx"),
    *("limits", "wrapt", "redis", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql"),
)
LOADED = """
import sys
import exporter.commands.run
from exporter import registry
registry.catalogue()
print(*sorted(sys.modules))
"""
CHECKED = """
import sys
from exporter.cli import main
assert main(["--config.file=docs/examples/generic.yml", "--config.check"]) == 0
print(*sorted(sys.modules))
"""
RICH_AFTERWARDS = "import exporter.commands.lazy_imports, rich; print(rich.__name__)"


def said(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_a_process_that_serves_leaves_heavy_libraries_alone_until_they_are_needed() -> None:
    loaded = said(LOADED)
    assert "structlog" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_a_check_of_the_configuration_leaves_the_store_alone() -> None:
    loaded = said(CHECKED)
    assert "exporter.config.load" in loaded
    assert [name for name in (*HEAVY, "sqlalchemy", "structlog", "aiohttp") if name in loaded] == []


def test_a_lean_process_can_still_have_rich() -> None:
    assert said(RICH_AFTERWARDS) == ["rich"]
