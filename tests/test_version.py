"""The version that the command tells is that of the package."""

import subprocess
import sys
import tomllib
from pathlib import Path

import exporter


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert exporter.__version__ == project["version"]


PARSERS = {
    *("exporter.cli", "exporter.commands", "exporter.commands.parser", "exporter.commands.usage"),
    *("exporter.commands.command", "exporter.core", "exporter.core.defaults", "exporter.core.hangup"),
}
"""What the parser itself is made of; none of it imports more than the standard library."""


def test_help_imports_no_library_and_none_of_our_rooms() -> None:
    code = (
        "import sys\n"
        "from exporter.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    print(*sorted(sys.modules), sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stderr.splitlines()
    assert "exporter.cli" in loaded
    arguments = "exporter.commands.arguments"
    ours = {name for name in loaded if name.startswith("exporter.") and not name.startswith(arguments)}
    assert ours <= PARSERS
    assert not {"importlib.metadata", "dataclasses", "inspect", "aiohttp", "yaml", "msgspec"} & set(loaded)
