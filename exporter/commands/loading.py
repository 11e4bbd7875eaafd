"""Finds and loads the configuration that a command works on."""

import os
from pathlib import Path

from exporter import registry
from exporter.config.load import load_file, load_text
from exporter.core.configuration import Configuration

DEFAULT_FILE = "integration-exporter.yml"


def chosen_file(given: str | None) -> str | None:
    """Return the given path, else the default one if it exists, else None: the environment alone."""
    if given is not None:
        return given
    return DEFAULT_FILE if Path(DEFAULT_FILE).exists() else None


def load(path: str | None, text: str | None = None) -> Configuration:
    """Load from `path` (None: the environment alone), or from `text` in its place; raises ConfigError."""
    catalogue = registry.catalogue()
    if text is not None:
        return load_text(text, path or DEFAULT_FILE, catalogue, os.environ)
    return load_file(path, catalogue, os.environ)
