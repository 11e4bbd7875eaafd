"""The command `run`, whose flags also work without a command."""

import argparse

from exporter.commands.arguments import check
from exporter.commands.arguments._flags import add_config_file, add_shard
from exporter.commands.command import Command
from exporter.core.defaults import (
    EXPORTER_ADDRESS,
    LOG_FORMAT,
    LOG_FORMATS,
    LOG_LEVEL,
    LOG_LEVELS,
    SHUTDOWN_TIMEOUT,
)


def add_arguments(run: argparse.ArgumentParser) -> None:
    """Add the flags of the exporter itself."""
    add_config_file(run)
    _add_config(run)
    _add_web(run)
    text = "default: %(default)s"
    # As text: the default is parsed as a value that is given.
    timeout = f"{SHUTDOWN_TIMEOUT}s"
    run.add_argument(
        "--shutdown.timeout", dest="shutdown_timeout", default=timeout, metavar="DURATION", help=text
    )
    add_shard(run)
    text = (
        "where Prometheus reaches the processes, for /api/v1/sd: host:port, with {shard} and {replica}; "
        "may be repeated"
    )
    run.add_argument("--sd.address", dest="sd_addresses", action="append", metavar="ADDRESS", help=text)
    text = "debug: each probe is a line"
    run.add_argument("--log.level", dest="log_level", default=LOG_LEVEL, choices=LOG_LEVELS, help=text)
    run.add_argument("--log.format", dest="log_format", default=LOG_FORMAT, choices=LOG_FORMATS)


def _add_config(run: argparse.ArgumentParser) -> None:
    text = "list every mistake and exit"
    # It replaces the function that runs, so that the flags of `run` before and after it stay valid words.
    function = check.COMMAND.function
    run.add_argument("--config.check", dest="function", action="store_const", const=function, help=text)
    text = "look for a changed configuration file this often; 0s: only on SIGHUP and POST /-/reload"
    run.add_argument(
        "--config.poll-interval", dest="poll_interval", default="0s", metavar="DURATION", help=text
    )


def _add_web(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    text = f"may be repeated; default: {EXPORTER_ADDRESS}"
    add("--web.listen-address", dest="listen_addresses", action="append", metavar="ADDRESS", help=text)
    add("--web.config.file", dest="web_config", metavar="PATH", help="TLS, users, tokens and roles")
    text = (
        "the token for changes while no access is configured; it is made where there is none; "
        "default: admin-token in the folder of its state"
    )
    add("--web.admin-token-file", dest="admin_token_file", metavar="PATH", help=text)
    add("--web.external-url", dest="external_url", default="", metavar="URL", help="how browsers reach it")
    text = "default: the path of --web.external-url"
    add("--web.route-prefix", dest="route_prefix", metavar="PATH", help=text)


COMMAND = Command(
    10,
    "the exporter: probe every target, serve /metrics (default)",
    "exporter.commands.run:run",
    add_arguments,
)
