"""`check` and `--config.check`: lists every mistake, or prints one line that there is none."""

import argparse

from exporter.commands.loading import config_path, load, shard_of, warnings
from exporter.config.feeds.feeds import Feeds
from exporter.core.configuration import Configuration
from exporter.engine.sharding import part_of


def check(options: argparse.Namespace) -> int:
    """Print how much was configured; mistakes are raised as ConfigError."""
    if getattr(options, "part", None) == "rules":
        # Only here: it brings the generator, which the plain check does without.
        from exporter.commands.check_rules import check_rules

        return check_rules(options)
    path = config_path(options.config_file)
    index, count = shard_of(options)
    # Given to load(), which else prints the warnings itself.
    feeds = Feeds(reloads=False)
    configuration = load(path, feeds=feeds)
    for note in configuration.notes:
        print(f"note: {note}")
    for warning in warnings(feeds):
        print(f"warning: {warning}")
    print(
        f"{path or 'the environment'}: no mistake; {len(configuration.integrations)} integrations, "
        f"{len(configuration.targets)} targets, {len(configuration.thresholds)} thresholds"
        f"{_own(configuration)}"
    )
    if count > 1:
        part = part_of(configuration, index, count)
        print(f"shard {part.shard} serves {len(part.targets)} of the targets")
    return 0


def _own(configuration: Configuration) -> str:
    counts = {"alert": len(configuration.alerts), "rule file": len(configuration.rule_files)}
    return "".join(
        f", {count} {what}{'s' * (count > 1)} of your own" for what, count in counts.items() if count
    )
