"""`run`: the exporter itself."""

import argparse
import asyncio
from pathlib import Path

import uvloop

from exporter.commands import lazy_imports  # noqa: F401 - before anything else imports structlog

# isort: split
from exporter.app import Settings, serve
from exporter.commands.loading import config_path, load, shard_of
from exporter.config.durations import REMEDY, seconds
from exporter.config.feeds.feeds import Feeds
from exporter.core.errors import StartError
from exporter.engine.sharding import part_of
from exporter.server.discovery import validate_template


def run(options: argparse.Namespace) -> int:
    """Serve until a signal to stop."""
    path = config_path(options.config_file)
    index, count = shard_of(options)
    feeds = Feeds()
    settings = Settings(
        # The shard is cut at each load, so that a reload serves the same part.
        load=lambda text: part_of(load(path, text, feeds), index, count),
        feeds=feeds,
        addresses=tuple(options.listen_addresses or ()),
        web_config=options.web_config,
        admin_token_file=Path(options.admin_token_file) if options.admin_token_file else None,
        external_url=options.external_url,
        route_prefix=options.route_prefix,
        poll_interval=_duration("--config.poll-interval", options.poll_interval),
        shutdown_timeout=_duration("--shutdown.timeout", options.shutdown_timeout),
        log_level=options.log_level,
        log_format=options.log_format,
        sd_addresses=tuple(map(validate_template, options.sd_addresses or ())),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))


def _duration(flag: str, text: str) -> float:
    try:
        return seconds(text)
    except ValueError:
        raise StartError(f"{flag} is {text!r}; {REMEDY}") from None
