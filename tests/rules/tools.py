"""The programs of Prometheus and Alertmanager, and the generated tree they read."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

# A third of promtool's CPU is the collector of Go, which has memory enough here.
LAZY = {"GOGC": "800"}


def program(*names: str) -> str:
    """Return the path of the first of `names` that is installed here."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"{names[0]} is not installed: apt-get install prometheus prometheus-alertmanager")


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with its output as text."""
    return subprocess.run(
        command, cwd=cwd, env=os.environ | LAZY, capture_output=True, text=True, timeout=900, check=False
    )


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write `files` (relative path to text) below `folder` and return it."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder
