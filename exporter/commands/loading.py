"""Finds and loads the configuration that a command works on."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from exporter import registry
from exporter.config.feeds.feeds import Feeds
from exporter.config.load import load_file, load_text
from exporter.core.configuration import Configuration
from exporter.core.defaults import CONFIG_FILE
from exporter.core.errors import StartError

MOST_SHARDS = 1000


def config_path(given: str | None) -> str | None:
    """Return the given path, else the default one if it exists, else None: the environment alone."""
    if given is not None:
        return given
    return CONFIG_FILE if Path(CONFIG_FILE).exists() else None


def load(path: str | None, text: str | None = None, feeds: Feeds | None = None) -> Configuration:
    """Load from `path` (None: the environment alone), or from `text` in its place; raises ConfigError.

    `feeds` caches the rows of sources of tenants; with `text`, sources in it are not asked again. Without
    `feeds`, warnings on them go to standard error.
    """
    catalogue, cache = registry.catalogue(), feeds or Feeds()
    # A reload has read the file already, and what it checks must be what it applies.
    if text is not None:
        return load_text(text, path or CONFIG_FILE, catalogue, os.environ, cache)
    configuration = load_file(path, catalogue, os.environ, cache)
    for warning in warnings(cache) if feeds is None else ():
        print(f"warning: {warning}", file=sys.stderr)
    return configuration


def warnings(feeds: Feeds) -> Iterator[str]:
    """Yield warnings on the sources of tenants and their rows, in sentences."""
    for state in feeds.states():
        yield from state.warnings


def shard_of(options: argparse.Namespace) -> tuple[int, int]:
    """Return index and count of the shard in the flags; StartError where they do not fit together."""
    index, count = int(options.shard_index), int(options.shard_count)
    if not 1 <= count <= MOST_SHARDS:
        raise StartError(f"--shard.count is {count}; give a number from 1 to {MOST_SHARDS}")
    if not 0 <= index < count:
        raise StartError(f"--shard.index is {index}; with --shard.count {count} it is from 0 to {count - 1}")
    return index, count
